// weir: scenarios of bytes over TCP: in order, exact, and as many as there is room for.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

const Scenario scenarios[] = {
    {"bytes_go_both_ways",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.await("a", out);
       s.await("b", out);
       s.await_nothing("b", in | end | error | hangup);
       s.send("a", "hello");
       s.receive_exactly("b", 5);
       s.send("b", "and back");
       s.receive_exactly("a", 8);
       s.receive("a");
       s.receive("b");
     }},
    {"bytes_go_over_ipv6",
     [](Script& s) {
       s.tcp_pair("a", "b", "[::1]:0");
       s.send("a", "hello");
       s.receive_exactly("b", 5);
       s.send("b", "and back");
       s.receive_exactly("a", 8);
     }},
    {"several_sends_are_one_stream",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("a", "one ");
       s.send("a", "two ");
       s.send_pieces("a", {"three ", "", "four"});
       s.receive_exactly("b", 18);
     }},
    {"a_small_receive_leaves_the_rest",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("a", "hello");
       s.await("b", in);
       s.receive("b", 2);
       s.await("b", in);
       s.receive("b", 2);
       s.receive("b", 2);
       s.receive("b", 2);
     }},
    {"read_and_write_do_as_receive_and_send",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.write("a", "hello");
       s.await("b", in);
       s.read("b");
       s.read("b");
     }},
    {"a_connection_sends_to_its_peer_whatever_address_is_given",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send_to("a", "hello", "127.0.0.1:b");
       s.await("b", in);
       s.receive("b");
     }},
    {"nothing_sent_is_nothing_received",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("a", "");
       s.send_pieces("a", {});
       s.send_pieces("a", {"", ""});
       s.await_nothing("b", in);
       s.receive("b");
     }},
    {"a_full_send_buffer_says_try_again",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set("a", send_buffer, 65'536);
       s.fill_up("a");
       s.send("a", "more");
       s.await_nothing("a", out);
       s.await("b", in);
     },
     "how much fits"},
    {"room_is_reported_after_the_peer_read_all",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set("a", send_buffer, 65'536);
       s.epoll("e");
       s.add("e", "a", out | edge);
       s.wait("e");
       s.fill("a");
       s.drain("b", "a");
       s.wait("e");
       s.send("a", "more");
       s.receive_exactly("b", 4);
     },
     "when, before the peer has read all"},
    {"a_full_connection_carries_bytes_the_other_way",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set("a", send_buffer, 65'536);
       s.fill("a");
       s.send("b", "hello");
       s.receive_exactly("a", 5);
       s.drain("b", "a");
     }},
    {"a_full_connection_that_is_finished_ends_after_the_last_byte",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set("a", send_buffer, 65'536);
       s.fill("a");
       s.shutdown("a", SHUT_WR);
       s.await("b", in);
       s.drain("b", "a");
       s.receive("b");
     },
     "whether the end shows before the bytes are read: its segment may wait for room"},
    {"a_full_connection_that_is_closed_ends_after_the_last_byte",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set("a", send_buffer, 65'536);
       s.fill("a");
       s.close("a");
       s.await("b", in);
       s.drain("b", "a");
       s.receive("b");
     }},
    {"a_megabyte_arrives_exactly",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.transfer("a", "b", 1'048'576);
       s.transfer("b", "a", 1'048'576);
       s.receive("a");
       s.receive("b");
     }},
    {"the_smallest_buffers_carry_bytes_exactly",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set("a", send_buffer, 1);
       s.set("b", receive_buffer, 1);
       s.transfer("a", "b", 5'000);
     }},
    {"a_listeners_receive_buffer_bounds_what_its_connections_take",
     [](Script& s) {
       s.socket("listener", tcp4);
       s.set("listener", receive_buffer, 4'096);
       s.bind("listener", "127.0.0.1:0");
       s.listen("listener");
       s.socket("a", tcp4);
       s.set("a", send_buffer, 4'096);
       s.connect("a", "127.0.0.1:listener");
       s.await("a", out);
       s.await("listener", in);
       s.accept("listener", "b");
       s.get("b", receive_buffer);
       s.fill("a");
       s.drain("b", "a");
       s.await("a", out);
     },
     "how much fits"},
    {"a_delayed_small_segment_arrives_all_the_same",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set("a", no_delay, 0);
       s.send("a", "one ");
       s.send("a", "two ");
       s.send("a", "three");
       s.receive_exactly("b", 13);
     }},
    {"a_closed_descriptor_carries_nothing",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.close("a");
       s.send("a", "hello");
       s.receive("a");
       s.shutdown("a", SHUT_WR);
       s.close("a");
     }},
    {"asking_for_no_bytes_tells_whether_there_are_any",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.receive("a", 0);
       s.read("a", 0);
       s.send("b", "hello");
       s.await("a", in);
       s.receive("a", 0);
       s.receive("a");
       s.tcp_listener("listener");
       s.receive("listener", 0);
       s.read("listener", 0);
     }},
    {"pieces_are_sent_as_one",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.close("b");
       s.await("a", in | end);
       s.send_pieces("a", {"one", "", "two"});
       s.await("a", everything);
     }},
};

}  // namespace

Subject tcp_data_scenarios() { return {"tcp_data", scenarios}; }

}  // namespace weir::conformance
