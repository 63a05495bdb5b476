// weir: scenarios of bytes over Unix sockets, and of how their connections end.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

const Scenario scenarios[] = {
    {"bytes_are_there_at_once_and_in_order",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "one ");
       s.send("a", "two ");
       s.send_pieces("a", {"three ", "", "four"});
       s.receive("b", 2);
       s.receive("b");
       s.receive("b");
       s.write("b", "and back");
       s.read("a");
       s.read("a");
     }},
    {"nothing_sent_is_nothing_received",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "");
       s.await_nothing("b", in);
       s.receive("b");
     }},
    {"a_full_socket_says_try_again_until_the_peer_read",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.fill("a");
       s.send("a", "more");
       s.await_nothing("a", out);
       s.send("b", "the other way");
       s.receive("a");
       s.drain("b", "a");
       s.await("a", out);
       s.send("a", "more");
       s.receive("b");
     },
     "how much fits"},
    {"a_megabyte_arrives_exactly",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.transfer("a", "b", 1'048'576);
       s.transfer("b", "a", 1'048'576);
       s.receive("a");
     }},
    {"a_connection_sends_to_no_address",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send_to("a", "hello", "unix:@nobody");
       s.socket("c", unix_stream);
       s.send_to("c", "hello", "unix:@nobody");
       s.receive_from("b");
       s.send("a", "hello");
       s.receive_from("b");
     }},
    {"a_closed_peer_is_an_end_after_the_bytes",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "bye");
       s.close("a");
       s.look("b");
       s.receive("b");
       s.receive("b");
       s.receive("b");
     }},
    {"writing_to_a_closed_peer_fails_at_once",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.close("a");
       s.send("b", "hello");
       s.send("b", "hello");
       s.send_pieces("b", {"he", "llo"});
       s.take_error("b");
       s.receive("b");
     }},
    {"closing_with_unread_bytes_resets_the_peer_after_it_read_all",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "unread");
       s.send("b", "bye");
       s.close("b");
       s.await("a", everything);
       s.receive("a");
       s.receive("a");
       s.receive("a");
       s.take_error("a");
     }},
    {"the_first_send_after_a_reset_tells_of_it",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "unread");
       s.close("b");
       s.send("a", "hello");
       s.send("a", "hello");
       s.receive("a");
     }},
    {"the_error_of_a_reset_is_taken_once",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "unread");
       s.close("b");
       s.take_error("a");
       s.take_error("a");
       s.await("a", everything & ~error);
       s.send("a", "hello");
       s.receive("a");
     }},
    {"linger_makes_no_difference",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "bye");
       s.set_linger("a", true, 0);
       s.close("a");
       s.look("b");
       s.receive("b");
       s.receive("b");
     }},
    {"shut_for_writing_is_the_end_for_the_peer",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "bye");
       s.shutdown("a", SHUT_WR);
       s.await("b", in | out | end);
       s.await_nothing("b", error | hangup);
       s.receive("b");
       s.receive("b");
       s.send("a", "hello");
       s.send("b", "still here");
       s.receive("a");
       s.await("a", out);
       s.await_nothing("a", in | end | error | hangup);
     }},
    {"shut_for_reading_stops_the_peer",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("b", "before");
       s.shutdown("a", SHUT_RD);
       s.await("a", in | out | end);
       s.send("b", "hello");
       s.receive("a");
       s.receive("a");
       s.send("a", "hello");
       s.receive("b");
       s.await_nothing("b", everything & ~out);
     }},
    {"both_halves_shut_is_a_hangup_on_both_sides",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.shutdown("a", SHUT_WR);
       s.await_nothing("b", hangup);
       s.shutdown("b", SHUT_WR);
       s.await("a", everything & ~error);
       s.await("b", everything & ~error);
       s.peer_name("a");
       s.shutdown("a", SHUT_RDWR);
     }},
    {"shut_for_both_is_a_hangup_on_both_sides",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.shutdown("a", SHUT_RDWR);
       s.await("a", everything & ~error);
       s.await("b", everything & ~error);
       s.send("b", "hello");
       s.receive("b");
       s.shutdown("a", 3);
     }},
    {"an_unconnected_socket_can_be_shut",
     [](Script& s) {
       s.socket("a", unix_stream);
       s.shutdown("a", SHUT_RDWR);
       s.await("a", everything & ~error);
       s.receive("a");
       s.send("a", "hello");
     }},
    {"a_shut_listener_refuses",
     [](Script& s) {
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.socket("early", unix_stream);
       s.connect("early", "unix:@listener");
       s.shutdown("listener", SHUT_RD);
       s.await("listener", in | end);
       s.socket("late", unix_stream);
       s.connect("late", "unix:@listener");
       s.accept("listener", "a");
       s.accept("listener", "b");
     }},
    {"a_listener_that_closes_resets_what_nobody_accepted",
     [](Script& s) {
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.socket("quiet", unix_stream);
       s.connect("quiet", "unix:@listener");
       s.socket("speaking", unix_stream);
       s.connect("speaking", "unix:@listener");
       s.send("speaking", "hello");
       s.close("listener");
       s.look("quiet");
       s.receive("quiet");
       s.receive("quiet");
       s.send("speaking", "hello");
       s.send("speaking", "hello");
       s.receive("speaking");
     }},
    {"an_accepted_connection_outlives_its_listener",
     [](Script& s) {
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:/socket");
       s.listen("listener");
       s.socket("client", unix_stream);
       s.connect("client", "unix:/socket");
       s.accept("listener", "server");
       s.close("listener");
       s.send("client", "hello");
       s.receive("server");
       s.peer_name("client");
       s.unlink("socket");
     }},
    {"a_connection_that_its_peer_closed_is_accepted_all_the_same",
     [](Script& s) {
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.socket("client", unix_stream);
       s.connect("client", "unix:@listener");
       s.send("client", "bye");
       s.close("client");
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
       s.await("server", in | out | end | hangup);
       s.receive("server");
       s.receive("server");
       s.send("server", "hello");
     }},
    {"names_outlive_the_peer",
     [](Script& s) {
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.socket("client", unix_stream);
       s.connect("client", "unix:@listener");
       s.accept("listener", "server");
       s.close("server");
       s.peer_name("client");
     }},
    {"a_full_connection_that_is_closed_ends_after_the_last_byte",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.fill("a");
       s.close("a");
       s.drain("b", "a");
       s.receive("b");
     }},
    {"a_full_socket_whose_peer_closes_has_room_again_and_then_fails",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.fill("a");
       s.await_nothing("a", everything);
       s.close("b");
       s.await("a", everything);
       s.send("a", "hello");
       s.send("a", "hello");
     }},
    {"asking_for_no_bytes_tells_whether_there_are_any",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.receive("a", 0);
       s.read("a", 0);
       s.send("b", "hello");
       s.receive("a", 0);
       s.receive("a");
       s.socket("fresh", unix_stream);
       s.receive("fresh", 0);
       s.read("fresh", 0);
     }},
};

}  // namespace

Subject unix_end_scenarios() { return {"unix_end", scenarios}; }

}  // namespace weir::conformance
