// weir: scenarios of connecting over TCP: made, refused, pending, never tried.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

using namespace std::chrono_literals;

/// Leaves `client` a socket whose connection stays pending, since the queue of `listener` has room for one only.
void connect_without_room(Script& s) {
  s.tcp_listener("listener", 0);
  s.socket("first", tcp4);
  s.connect("first", "127.0.0.1:listener");
  s.await("first", out);
  s.await("listener", in);
  s.socket("client", tcp4);
  s.connect("client", "127.0.0.1:listener");
}

/// Connects `client` to a port that is taken, and where nobody listens.
void connect_in_vain(Script& s) {
  s.socket("silent", tcp4);
  s.bind("silent", "127.0.0.1:0");
  s.socket("client", tcp4);
  s.connect("client", "127.0.0.1:silent");
}

const Scenario scenarios[] = {
    {"a_connection_is_made_and_accepted",
     [](Script& s) {
       s.socket("listener", tcp4);
       s.bind("listener", "127.0.0.1:0");
       s.listen("listener");
       s.socket("client", tcp4);
       s.connect("client", "127.0.0.1:listener");
       s.await("client", out);
       s.take_error("client");
       s.local_name("client");
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
       s.local_name("server");
       s.peer_name("server");
       s.peer_name("client");
       s.await_nothing("server", in | end);
     }},
    {"a_refused_connection_leaves_one_error_and_then_a_closed_socket",
     [](Script& s) {
       connect_in_vain(s);
       s.await("client", everything);
       s.take_error("client");
       s.take_error("client");
       s.await("client", everything & ~error);
       s.send("client", "hello");
       s.receive("client");
       s.receive("client");
       s.peer_name("client");
     }},
    {"the_first_send_after_a_refusal_tells_of_it",
     [](Script& s) {
       connect_in_vain(s);
       s.await("client", everything);
       s.send("client", "hello");
       s.send("client", "hello");
       s.take_error("client");
     }},
    {"the_first_receive_after_a_refusal_tells_of_it",
     [](Script& s) {
       connect_in_vain(s);
       s.await("client", everything);
       s.receive("client");
       s.receive("client");
       s.take_error("client");
     }},
    {"connecting_again_tells_of_a_refusal_and_then_starts_anew",
     [](Script& s) {
       connect_in_vain(s);
       s.await("client", everything);
       s.listen("silent");
       s.connect("client", "127.0.0.1:silent");
       s.connect("client", "127.0.0.1:silent");
       s.await("client", out);
       s.connect("client", "127.0.0.1:silent");
       s.connect("client", "127.0.0.1:silent");
     }},
    {"connecting_again_after_the_error_was_taken_is_aborted_once",
     [](Script& s) {
       connect_in_vain(s);
       s.await("client", everything);
       s.take_error("client");
       s.connect("client", "127.0.0.1:silent");
       s.connect("client", "127.0.0.1:silent");
       s.await("client", everything);
       s.take_error("client");
     }},
    {"a_refused_socket_keeps_no_port",
     [](Script& s) {
       connect_in_vain(s);
       s.await("client", everything);
       s.local_name("client");
       s.shutdown("client", SHUT_WR);
       s.listen("client");
       s.bind("client", "127.0.0.1:0");
       s.local_name("client");
     }},
    {"a_second_connect_reports_completion_once",
     [](Script& s) {
       s.tcp_listener("listener");
       s.socket("client", tcp4);
       s.connect("client", "127.0.0.1:listener");
       s.await("client", out);
       s.connect("client", "127.0.0.1:listener");
       s.connect("client", "127.0.0.1:listener");
     }},
    {"a_pending_connection_says_not_yet_to_everything",
     [](Script& s) {
       connect_without_room(s);
       s.await_nothing("client", everything);
       s.connect("client", "127.0.0.1:listener");
       s.send("client", "hello");
       s.receive("client");
       s.peer_name("client");
       s.local_name("client");
       s.take_error("client");
       s.listen("client");
       s.bind("client", "127.0.0.1:0");
     },
     "how many connections the queue takes beyond the backlog; weir counts on backlog + 1, as Linux has it"},
    {"a_pending_connection_is_made_when_there_is_room",
     [](Script& s) {
       connect_without_room(s);
       s.local_name("client");
       s.await_nothing("client", out);
       s.accept("listener", "server of first");
       s.await("client", out, 8s);
       s.take_error("client");
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
       s.accept("listener", "another");
     },
     "when the request is repeated"},
    {"a_pending_connection_is_refused_when_the_listener_closes",
     [](Script& s) {
       connect_without_room(s);
       s.await_nothing("client", out);
       s.close("listener");
       s.await("client", everything, 8s);
       s.take_error("client");
       s.await("first", everything);
       s.take_error("first");
     },
     "when the request is repeated"},
    {"a_pending_connection_can_be_given_up",
     [](Script& s) {
       connect_without_room(s);
       s.shutdown("client", SHUT_RDWR);
       s.look("client");
       s.send("client", "hello");
       s.receive("client");
       s.look("client");
       s.close("client");
       s.accept("listener", "server of first");
       s.await_nothing("listener", in);
     }},
    {"a_socket_that_never_connected_refuses_bytes",
     [](Script& s) {
       s.socket("a", tcp4);
       s.send("a", "hello");
       s.send_pieces("a", {"he", "llo"});
       s.receive("a");
       s.peer_name("a");
       s.local_name("a");
       s.take_error("a");
       s.await("a", out | hangup);
     }},
    {"a_socket_that_never_connected_cannot_be_shut_but_notes_the_wish",
     [](Script& s) {
       s.socket("a", tcp4);
       s.look("a");
       s.shutdown("a", SHUT_WR);
       s.look("a");
       s.shutdown("a", SHUT_RD);
       s.look("a");
       s.receive("a");
       s.send("a", "hello");
     }},
    {"a_socket_shut_before_connecting_still_connects",
     [](Script& s) {
       s.tcp_listener("listener");
       s.socket("a", tcp4);
       s.shutdown("a", SHUT_RDWR);
       s.connect("a", "127.0.0.1:listener");
       s.await("listener", in);
       s.accept("listener", "b");
       s.await("a", out);
       s.look("a");
       s.send("a", "hello");
       s.send("b", "hello");
       s.pause();  // it always reads as ended: nothing tells when the bytes are there
       s.receive_exactly("a", 5);
     }},
    {"connecting_to_the_wildcard_reaches_this_machine",
     [](Script& s) {
       s.tcp_listener("listener");
       s.socket("client", tcp4);
       s.connect("client", "0.0.0.0:listener");
       s.await("client", out);
       s.peer_name("client");
       s.take_error("client");
     }},
    {"connecting_to_port_0_is_refused",
     [](Script& s) {
       s.socket("client", tcp4);
       s.connect("client", "127.0.0.1:0");
       s.await("client", everything);
       s.take_error("client");
     }},
    {"connecting_to_an_address_of_another_family_fails",
     [](Script& s) {
       s.tcp_listener("listener");
       s.socket("v4", tcp4);
       s.connect("v4", "[::1]:listener");
       s.connect("v4", "unix:/socket");
       s.socket("v6", tcp6);
       s.connect("v6", "127.0.0.1:listener");
       s.socket("local", unix_stream);
       s.connect("local", "127.0.0.1:listener");
       s.bind("v4", "[::1]:0");
       s.bind("v6", "127.0.0.1:0");
       s.bind("local", "127.0.0.1:0");
     }},
    {"a_connection_over_ipv6_knows_both_names",
     [](Script& s) {
       s.tcp_listener("listener", 8, "[::1]:0");
       s.socket("client", tcp6);
       s.local_name("client");
       s.connect("client", "[::1]:listener");
       s.await("client", out);
       s.local_name("client");
       s.peer_name("client");
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
       s.send("server", "hello");
       s.receive_exactly("client", 5);
     }},
    {"a_connection_leaves_from_the_port_it_was_bound_to",
     [](Script& s) {
       s.tcp_listener("listener");
       s.socket("client", tcp4);
       s.bind("client", "0.0.0.0:0");
       s.local_name("client");
       s.connect("client", "127.0.0.1:listener");
       s.await("client", out);
       s.local_name("client");
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
     }},
    {"a_listening_socket_cannot_connect",
     [](Script& s) {
       s.tcp_listener("listener");
       s.tcp_listener("other");
       s.connect("listener", "127.0.0.1:other");
     }},
    {"shutting_tells_that_the_connection_is_made",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_RD);
       s.connect("a", "127.0.0.1:b");
       s.tcp_pair("c", "d");
       s.connect("c", "127.0.0.1:d");
       s.connect("c", "127.0.0.1:d");
     }},
    {"a_connection_lost_before_it_was_told_of_is_a_failed_attempt",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set_linger("b", true, 0);
       s.close("b");
       s.await("a", everything);
       s.connect("a", "127.0.0.1:b");
       s.connect("a", "127.0.0.1:b");
     }},
    {"a_failed_attempt_forgets_what_was_shut",
     [](Script& s) {
       s.tcp_listener("listener");
       s.close("listener");
       s.socket("a", tcp4);
       s.shutdown("a", SHUT_RD);
       s.connect("a", "127.0.0.1:listener");
       s.await("a", everything);
       s.connect("a", "127.0.0.1:listener");
       s.look("a");
     }},
    {"a_failed_attempt_that_is_shut_can_connect_no_more",
     [](Script& s) {
       s.tcp_listener("listener");
       s.close("listener");
       s.socket("a", tcp4);
       s.connect("a", "127.0.0.1:listener");
       s.await("a", everything);
       s.shutdown("a", SHUT_WR);
       s.connect("a", "127.0.0.1:listener");
       s.connect("a", "127.0.0.1:listener");
     }},
    {"a_mapped_address_and_one_of_ipv6_do_not_meet",
     [](Script& s) {
       s.tcp_listener("listener", 8, "[::1]:0");
       s.socket("a", tcp6);
       s.bind("a", "[::ffff:127.0.0.1]:0");
       s.connect("a", "[::1]:listener");
       s.socket("b", tcp6);
       s.bind("b", "[::1]:0");
       s.connect("b", "[::ffff:127.0.0.1]:listener");
     }},
};

}  // namespace

Subject tcp_connect_scenarios() { return {"tcp_connect", scenarios}; }

}  // namespace weir::conformance
