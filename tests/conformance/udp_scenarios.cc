// weir: scenarios of datagrams: whole or cut, wanted or not, refused or lost.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

/// A UDP socket bound to a port of the system's choice.
void open_bound(Script& s, std::string_view name, const Kind& kind = udp4, std::string_view address = "127.0.0.1:0") {
  s.socket(name, kind);
  s.bind(name, address);
}

/// Two sockets, of which `a` is connected to a port where nobody is.
void connect_to_nobody(Script& s) {
  open_bound(s, "a");
  open_bound(s, "gone");
  s.close("gone");
  s.connect("a", "127.0.0.1:gone");
}

const Scenario scenarios[] = {
    {"each_datagram_is_received_by_itself",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       s.send_to("a", "first", "127.0.0.1:b");
       s.send_to("a", "second", "127.0.0.1:b");
       s.await("b", in);
       s.receive_from("b");
       s.await("b", in);
       s.receive_from("b");
       s.receive_from("b");
       s.receive("b");
     }},
    {"what_does_not_fit_is_lost_and_the_length_tells",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       s.send_to("a", "hello world", "127.0.0.1:b");
       s.await("b", in);
       s.receive_from("b", 5);
       s.receive_from("b");
       s.send_to("a", "hello world", "127.0.0.1:b");
       s.await("b", in);
       s.receive("b", 5);
       s.receive("b");
     }},
    {"an_empty_datagram_is_one_too",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       s.send_to("a", "", "127.0.0.1:b");
       s.await("b", in);
       s.receive_from("b");
       s.receive_from("b");
     }},
    {"pieces_are_one_datagram",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       s.connect("a", "127.0.0.1:b");
       s.send_pieces("a", {"one ", "", "two"});
       s.await("b", in);
       s.receive_from("b");
       s.receive_from("b");
     }},
    {"a_connected_socket_sends_and_receives_without_names",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       s.connect("a", "127.0.0.1:b");
       s.connect("b", "127.0.0.1:a");
       s.peer_name("a");
       s.send("a", "hello");
       s.await("b", in);
       s.receive("b");
       s.write("b", "and back");
       s.await("a", in);
       s.read("a");
       s.receive("a");
     }},
    {"a_connected_socket_hears_its_peer_only",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       open_bound(s, "stranger");
       s.connect("a", "127.0.0.1:b");
       s.send_to("stranger", "unwanted", "127.0.0.1:a");
       s.await_nothing("a", in | error);
       s.send_to("b", "wanted", "127.0.0.1:a");
       s.await("a", in);
       s.receive_from("a");
       s.receive_from("a");
     }},
    {"what_came_before_connecting_is_still_received",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       open_bound(s, "stranger");
       s.send_to("stranger", "early", "127.0.0.1:a");
       s.await("a", in);
       s.connect("a", "127.0.0.1:b");
       s.receive_from("a");
     }},
    {"a_connected_socket_may_send_elsewhere_and_connect_anew",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       open_bound(s, "c");
       s.connect("a", "127.0.0.1:b");
       s.send_to("a", "for c", "127.0.0.1:c");
       s.await("c", in);
       s.receive_from("c");
       s.connect("a", "127.0.0.1:c");
       s.peer_name("a");
       s.send("a", "also for c");
       s.await("c", in);
       s.receive_from("c");
       s.await_nothing("b", in);
     }},
    {"a_connected_socket_is_told_that_nobody_is_there",
     [](Script& s) {
       connect_to_nobody(s);
       s.send("a", "hello");
       s.await("a", error);
       s.look("a");
       s.receive("a");
       s.look("a");
       s.receive("a");
     }},
    {"the_next_send_tells_of_it_instead_of_sending",
     [](Script& s) {
       connect_to_nobody(s);
       s.send("a", "hello");
       s.await("a", error);
       s.send("a", "hello");
       s.take_error("a");
       s.send("a", "hello");
       s.await("a", error);
       s.take_error("a");
       s.take_error("a");
     }},
    {"an_unconnected_socket_is_told_nothing",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "gone");
       s.close("gone");
       s.send_to("a", "hello", "127.0.0.1:gone");
       s.await_nothing("a", error | in);
       s.take_error("a");
       s.send_to("a", "hello", "127.0.0.1:gone");
       s.receive("a");
     }},
    {"a_socket_without_destination_cannot_send",
     [](Script& s) {
       s.socket("a", udp4);
       s.send("a", "hello");
       s.send_pieces("a", {"hello"});
       s.write("a", "hello");
       s.peer_name("a");
       s.receive("a");
       s.receive_from("a");
       s.send_to("a", "hello", "127.0.0.1:0");
     }},
    {"sending_gives_a_socket_a_port",
     [](Script& s) {
       open_bound(s, "b");
       s.socket("a", udp4);
       s.local_name("a");
       s.send_to("a", "hello", "127.0.0.1:b");
       s.local_name("a");
       s.await("b", in);
       s.receive_from("b");
       s.bind("a", "127.0.0.1:0");
     }},
    {"connecting_gives_a_socket_a_port_and_an_address",
     [](Script& s) {
       open_bound(s, "b");
       s.socket("a", udp4);
       s.connect("a", "127.0.0.1:b");
       s.local_name("a");
       s.peer_name("a");
       s.socket("wild", udp4);
       s.bind("wild", "0.0.0.0:0");
       s.local_name("wild");
       s.connect("wild", "127.0.0.1:b");
       s.local_name("wild");
     }},
    {"the_largest_datagram_goes_and_a_larger_one_does_not",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       s.connect("a", "127.0.0.1:b");
       s.set("a", send_buffer, 200'000);
       s.set("b", receive_buffer, 200'000);
       s.send_pattern("a", 65'508);
       s.send_pattern("a", 65'507);
       s.await("b", in);
       s.drain("b", "a");
     }},
    {"what_finds_no_room_is_lost_without_a_word",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       s.connect("a", "127.0.0.1:b");
       s.set("b", receive_buffer, 1);
       for (int i = 0; i < 6; ++i) s.send_pattern("a", 4'000);
       s.pause();
       s.discard("b");
       s.send("a", "hello");
       s.await("b", in);
       s.receive("b");
     },
     "how much fits; here some of 24000 bytes do and some do not"},
    {"a_fresh_socket_is_writable_and_nothing_else",
     [](Script& s) {
       s.socket("a", udp4);
       s.await("a", out);
       s.await_nothing("a", everything & ~out);
     }},
    {"a_bound_port_is_taken",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b", udp4, "127.0.0.1:a");
       open_bound(s, "c", udp4, "0.0.0.0:a");
       open_bound(s, "d", udp4, "127.0.0.2:a");
       s.close("a");
       s.bind("b", "127.0.0.1:a");
       s.bind("b", "127.0.0.1:0");
     }},
    {"two_that_reuse_addresses_share_a_port",
     [](Script& s) {
       s.socket("a", udp4);
       s.set("a", reuse_address, 1);
       s.bind("a", "127.0.0.1:0");
       s.socket("b", udp4);
       s.bind("b", "127.0.0.1:a");
       s.set("b", reuse_address, 1);
       s.bind("b", "127.0.0.1:a");
     }},
    {"tcp_and_udp_ports_are_different_things",
     [](Script& s) {
       s.tcp_listener("listener");
       open_bound(s, "a", udp4, "127.0.0.1:listener");
     }},
    {"datagrams_go_over_ipv6",
     [](Script& s) {
       open_bound(s, "a", udp6, "[::1]:0");
       open_bound(s, "b", udp6, "[::1]:0");
       s.send_to("a", "hello", "[::1]:b");
       s.await("b", in);
       s.receive_from("b");
       s.socket("v4", udp4);
       s.send_to("v4", "hello", "[::1]:b");
       s.connect("v4", "[::1]:b");
     }},
    {"a_dual_stack_socket_hears_both_families",
     [](Script& s) {
       open_bound(s, "dual", udp6, "[::]:0");
       open_bound(s, "v4");
       open_bound(s, "v6", udp6, "[::1]:0");
       s.send_to("v4", "from v4", "127.0.0.1:dual");
       s.await("dual", in);
       s.receive_from("dual");
       s.send_to("v6", "from v6", "[::1]:dual");
       s.await("dual", in);
       s.receive_from("dual");
       s.send_to("dual", "answer", "[::ffff:127.0.0.1]:v4");
       s.await("v4", in);
       s.receive_from("v4");
     }},
    {"shutting_needs_a_connection",
     [](Script& s) {
       open_bound(s, "a");
       open_bound(s, "b");
       s.shutdown("a", SHUT_RD);
       s.connect("a", "127.0.0.1:b");
       s.shutdown("a", SHUT_WR);
       s.send("a", "hello");
       s.shutdown("a", SHUT_RD);
       s.receive("a");
       s.look("a");
     }},
    {"an_unconnected_socket_is_shut_though_that_fails",
     [](Script& s) {
       open_bound(s, "a");
       s.shutdown("a", SHUT_RDWR);
       s.look("a");
       s.send_to("a", "hello", "127.0.0.1:a");
     }},
    {"a_send_that_fails_gives_a_socket_a_port_too",
     [](Script& s) {
       s.socket("a", udp4);
       s.send("a", "hello");
       s.bind("a", "127.0.0.1:0");
       s.socket("b", udp4);
       s.connect("b", "unix:@name");
       s.bind("b", "127.0.0.1:0");
       s.socket("c", udp6);
       s.send_to("c", "hello", "unix:@name");
       s.bind("c", "[::1]:0");
     }},
    {"an_error_is_told_before_that_the_socket_is_shut",
     [](Script& s) {
       open_bound(s, "silent");
       s.close("silent");
       s.socket("a", udp4);
       s.connect("a", "127.0.0.1:silent");
       s.send("a", "hello");
       s.await("a", error);
       s.shutdown("a", SHUT_WR);
       s.send("a", "hello");
       s.send("a", "hello");
     }},
    {"an_ipv6_socket_takes_ipv4_names_unless_it_is_for_ipv6_only",
     [](Script& s) {
       open_bound(s, "v4");
       s.socket("v6", udp6);
       s.send_to("v6", "hello", "127.0.0.1:v4");
       s.await("v4", in);
       s.receive("v4");
       s.connect("v6", "127.0.0.1:v4");
       s.peer_name("v6");
       s.socket("only", udp6);
       s.bind("only", "[::1]:0");
       s.send_to("only", "hello", "127.0.0.1:v4");
       s.send_to("only", "hello", "[::ffff:127.0.0.1]:v4");
       s.connect("only", "127.0.0.1:v4");
       s.connect("only", "[::ffff:127.0.0.1]:v4");
     }},
    {"a_mapped_address_and_one_of_ipv6_do_not_meet",
     [](Script& s) {
       s.socket("v6", udp6);
       s.bind("v6", "[::1]:0");
       s.socket("mapped", udp6);
       s.bind("mapped", "[::ffff:127.0.0.1]:0");
       s.send_to("mapped", "hello", "[::1]:v6");
       s.connect("mapped", "[::1]:v6");
       s.send_to("mapped", "hello", "[::]:mapped");
       s.await("mapped", in);
       s.receive_from("mapped");
     }},
    {"of_those_that_share_a_port_the_last_hears_and_before_it_who_is_connected",
     [](Script& s) {
       open_bound(s, "sender");
       for (const char* name : {"first", "second", "third"}) {
         s.socket(name, udp4);
         s.set(name, reuse_address, 1);
       }
       s.bind("first", "127.0.0.1:0");
       s.bind("second", "127.0.0.1:first");
       s.bind("third", "127.0.0.1:first");
       s.send_to("sender", "hello", "127.0.0.1:first");
       s.await("third", in);
       s.connect("first", "127.0.0.1:sender");
       s.send_to("sender", "hello", "127.0.0.1:first");
       s.await("first", in);
       s.look("second");
     }},
};

}  // namespace

Subject udp_scenarios() { return {"udp", scenarios}; }

}  // namespace weir::conformance
