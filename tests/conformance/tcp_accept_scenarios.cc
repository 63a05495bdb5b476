// weir: scenarios of listening and accepting over TCP.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

/// Connects `name` to `listener`, and waits until both ends know.
void connect_to_listener(Script& s, std::string_view name) {
  s.socket(name, tcp4);
  s.connect(name, "127.0.0.1:listener");
  s.local_name(name);
  s.await(name, out);
}

const Scenario scenarios[] = {
    {"connections_are_accepted_in_the_order_they_came",
     [](Script& s) {
       s.tcp_listener("listener");
       for (const char* name : {"first", "second", "third"}) connect_to_listener(s, name);
       s.await("listener", in);
       s.accept_naming_peer("listener", "a");
       s.accept_naming_peer("listener", "b");
       s.pause();
       s.accept_naming_peer("listener", "c");
       s.accept("listener", "d");
     }},
    {"a_listener_is_readable_while_a_connection_waits",
     [](Script& s) {
       s.tcp_listener("listener");
       s.await_nothing("listener", everything);
       connect_to_listener(s, "first");
       connect_to_listener(s, "second");
       s.await("listener", in);
       s.pause();
       s.accept("listener", "a");
       s.await("listener", in);
       s.accept("listener", "b");
       s.await_nothing("listener", everything);
     }},
    {"bytes_sent_before_the_accept_are_there_after_it",
     [](Script& s) {
       s.tcp_listener("listener");
       connect_to_listener(s, "client");
       s.send("client", "hello");
       s.await("listener", in);
       s.accept("listener", "server");
       s.receive_exactly("server", 5);
     }},
    {"a_connection_that_its_peer_closed_is_accepted_all_the_same",
     [](Script& s) {
       s.tcp_listener("listener");
       connect_to_listener(s, "client");
       s.send("client", "hello");
       s.close("client");
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
       s.await("server", in | end);
       s.receive("server");
       s.receive("server");
       s.peer_name("server");
     }},
    {"a_connection_that_its_peer_reset_is_accepted_all_the_same",
     [](Script& s) {
       s.tcp_listener("listener");
       connect_to_listener(s, "client");
       s.await("listener", in);
       s.set_linger("client", true, 0);
       s.close("client");
       s.pause();
       s.accept_naming_peer("listener", "server");
       s.await("server", everything);
       s.peer_name("server");
       s.local_name("server");
       s.receive("server");
       s.receive("server");
     }},
    {"a_listener_that_closes_resets_what_nobody_accepted",
     [](Script& s) {
       s.tcp_listener("listener");
       connect_to_listener(s, "client");
       s.await("listener", in);
       s.close("listener");
       s.await("client", everything);
       s.receive("client");
       s.receive("client");
     }},
    {"a_listener_that_closes_resets_what_nobody_accepted_although_bytes_came",
     [](Script& s) {
       s.tcp_listener("listener");
       connect_to_listener(s, "client");
       s.await("listener", in);
       s.send("client", "hello");
       s.pause();
       s.close("listener");
       s.await("client", everything);
       s.send("client", "hello");
       s.send("client", "hello");
       s.receive("client");
     }},
    {"an_accepted_connection_outlives_its_listener",
     [](Script& s) {
       s.tcp_listener("listener");
       connect_to_listener(s, "client");
       s.await("listener", in);
       s.accept("listener", "server");
       s.close("listener");
       s.await_nothing("client", in | end);
       s.send("client", "hello");
       s.receive_exactly("server", 5);
       s.socket("late", tcp4);
       s.connect("late", "127.0.0.1:listener");
       s.await("late", everything);
       s.take_error("late");
     }},
    {"an_empty_queue_says_try_again",
     [](Script& s) {
       s.tcp_listener("listener");
       s.accept("listener", "a");
       s.accept("listener", "a");
     }},
    {"only_a_listening_socket_accepts",
     [](Script& s) {
       s.socket("fresh", tcp4);
       s.accept("fresh", "a");
       s.bind("fresh", "127.0.0.1:0");
       s.accept("fresh", "a");
       s.tcp_pair("left", "right");
       s.accept("left", "a");
       s.accept("right", "a");
       s.socket("datagrams", udp4);
       s.accept("datagrams", "a");
     }},
    {"only_an_unconnected_stream_socket_listens",
     [](Script& s) {
       s.tcp_pair("left", "right");
       s.listen("left");
       s.listen("right");
       s.socket("datagrams", udp4);
       s.listen("datagrams");
       s.bind("datagrams", "127.0.0.1:0");
       s.listen("datagrams");
     }},
    {"listening_again_changes_the_backlog",
     [](Script& s) {
       s.tcp_listener("listener", 0);
       s.listen("listener", 8);
       for (const char* name : {"first", "second", "third"}) connect_to_listener(s, name);
       s.await("listener", in);
     }},
    {"an_unbound_socket_that_listens_gets_a_port_on_every_address",
     [](Script& s) {
       s.socket("listener", tcp4);
       s.listen("listener");
       s.local_name("listener");
       connect_to_listener(s, "client");
       s.await("listener", in);
       s.accept("listener", "server");
       s.local_name("server");
     }},
    {"a_listening_socket_carries_no_bytes",
     [](Script& s) {
       s.tcp_listener("listener");
       s.send("listener", "hello");
       s.receive("listener");
       s.peer_name("listener");
       s.take_error("listener");
     }},
    {"a_listening_socket_that_is_shut_for_reading_stops_listening",
     [](Script& s) {
       s.tcp_listener("listener");
       s.shutdown("listener", SHUT_WR);
       s.get("listener", accepts_connections);
       s.shutdown("listener", SHUT_RD);
       s.get("listener", accepts_connections);
       s.accept("listener", "a");
       s.await("listener", out | hangup);
       s.socket("client", tcp4);
       s.connect("client", "127.0.0.1:listener");
       s.await("client", everything);
       s.take_error("client");
       s.listen("listener");
       s.local_name("listener");
     }},
    {"a_listening_socket_that_is_shut_resets_what_nobody_accepted",
     [](Script& s) {
       s.tcp_listener("listener");
       connect_to_listener(s, "client");
       s.await("listener", in);
       s.shutdown("listener", SHUT_RDWR);
       s.await("client", everything);
       s.take_error("client");
       s.await("listener", out | hangup);
     }},
    {"an_accepted_socket_has_the_options_of_its_listener",
     [](Script& s) {
       s.tcp_listener("listener");
       s.set("listener", keep_alive, 1);
       s.set("listener", no_delay, 1);
       s.set("listener", keep_idle, 60);
       s.set("listener", keep_interval, 7);
       s.set("listener", keep_count, 5);
       s.set("listener", user_timeout, 12'000);
       s.set("listener", send_buffer, 40'000);
       s.set("listener", receive_buffer, 40'000);
       s.set("listener", reuse_address, 1);
       s.set_linger("listener", true, 3);
       connect_to_listener(s, "client");
       s.await("listener", in);
       s.accept("listener", "server");
       s.get("server", keep_alive);
       s.get("server", no_delay);
       s.get("server", keep_idle);
       s.get("server", keep_interval);
       s.get("server", keep_count);
       s.get("server", user_timeout);
       s.get("server", send_buffer);
       s.get("server", receive_buffer);
       s.get("server", reuse_address);
       s.get("server", accepts_connections);
       s.get("listener", accepts_connections);
       s.get_linger("server");
     }},
    {"a_deferred_connection_is_accepted_with_its_first_bytes",
     [](Script& s) {
       s.tcp_listener("listener");
       s.set("listener", defer_accept, 30);
       connect_to_listener(s, "client");
       s.await_nothing("listener", in);
       s.accept("listener", "nobody");
       s.send("client", "hello");
       s.await("listener", in);
       s.accept("listener", "server");
       s.receive("server");
       s.get("server", defer_accept);
       s.send("server", "welcome");
       s.receive_exactly("client", 7);
     }},
    {"a_deferred_connection_is_accepted_with_its_end",
     [](Script& s) {
       s.tcp_listener("listener");
       s.set("listener", defer_accept, 30);
       connect_to_listener(s, "client");
       s.shutdown("client", SHUT_WR);
       s.await("listener", in);
       s.accept("listener", "server");
       s.await("server", in | end);
       s.receive("server");
     }},
    {"a_deferred_connection_that_is_reset_is_never_accepted",
     [](Script& s) {
       s.tcp_listener("listener");
       s.set("listener", defer_accept, 30);
       connect_to_listener(s, "client");
       s.await_nothing("listener", in);
       s.set_linger("client", true, 0);
       s.close("client");
       s.await_nothing("listener", in);
     }},
    {"a_silent_connection_is_accepted_when_the_time_to_defer_it_is_over",
     [](Script& s) {
       s.tcp_listener("listener");
       s.set("listener", defer_accept, 1);
       connect_to_listener(s, "client");
       s.await_nothing("listener", in);
       s.await("listener", in);
       s.accept("listener", "server");
       s.receive("server");
       s.send("client", "hello");
       s.receive_exactly("server", 5);
     }},
    {"a_deferred_connection_finds_its_listener_closed_when_it_sends",
     [](Script& s) {
       s.tcp_listener("listener");
       s.set("listener", defer_accept, 30);
       connect_to_listener(s, "client");
       s.await_nothing("listener", in);
       s.close("listener");
       s.pause();
       s.look("client");
       s.send("client", "hello");
       s.await("client", everything);
       s.take_error("client");
     }},
    {"a_dual_stack_listener_takes_connections_of_both_families",
     [](Script& s) {
       s.tcp_listener("listener", 8, "[::]:0");
       s.local_name("listener");
       connect_to_listener(s, "v4");
       s.await("listener", in);
       s.accept_naming_peer("listener", "server of v4");
       s.local_name("server of v4");
       s.get("server of v4", domain);
       s.socket("v6", tcp6);
       s.connect("v6", "[::1]:listener");
       s.local_name("v6");
       s.await("v6", out);
       s.await("listener", in);
       s.accept_naming_peer("listener", "server of v6");
       s.local_name("server of v6");
       s.send("server of v4", "hello");
       s.receive_exactly("v4", 5);
       s.receive("v6");
     }},
    {"a_listener_for_ipv6_only_refuses_ipv4",
     [](Script& s) {
       s.socket("listener", tcp6);
       s.get("listener", v6_only);
       s.set("listener", v6_only, 1);
       s.bind("listener", "[::]:0");
       s.set("listener", v6_only, 0);
       s.listen("listener");
       s.socket("v4", tcp4);
       s.connect("v4", "127.0.0.1:listener");
       s.await("v4", everything);
       s.take_error("v4");
       s.socket("v6", tcp6);
       s.connect("v6", "[::1]:listener");
       s.await("v6", out);
       s.take_error("v6");
     }},
    {"an_ipv6_socket_reaches_an_ipv4_listener_by_a_mapped_address",
     [](Script& s) {
       s.tcp_listener("listener");
       s.socket("client", tcp6);
       s.connect("client", "[::ffff:127.0.0.1]:listener");
       s.await("client", out);
       s.local_name("client");
       s.peer_name("client");
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
     }},
    {"listeners_that_share_a_port_share_the_connections",
     [](Script& s) {
       s.socket("listener", tcp4);
       s.set("listener", reuse_port, 1);
       s.bind("listener", "127.0.0.1:0");
       s.listen("listener");
       s.socket("second", tcp4);
       s.set("second", reuse_port, 1);
       s.bind("second", "127.0.0.1:listener");
       s.listen("second");
       s.epoll("e");
       s.add("e", "listener", in);
       s.add("e", "second", in);
       connect_to_listener(s, "client");
       s.wait("e", {.only_count = true});
       s.close("listener");
       connect_to_listener(s, "next");
       s.await("second", in);
     },
     "which of them gets a connection"},
};

}  // namespace

Subject tcp_accept_scenarios() { return {"tcp_accept", scenarios}; }

}  // namespace weir::conformance
