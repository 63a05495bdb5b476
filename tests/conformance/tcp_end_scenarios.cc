// weir: scenarios of how TCP connections end: by halves, in order, by a reset.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

const Scenario scenarios[] = {
    {"an_end_is_told_after_the_bytes_and_again_each_time",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("a", "bye");
       s.shutdown("a", SHUT_WR);
       s.await("b", in | end);
       s.receive("b");
       s.receive("b");
       s.receive("b");
       s.await("b", in | end);
     }},
    {"after_its_end_a_connection_carries_bytes_the_other_way",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_WR);
       s.await("b", in | end | out);
       s.receive("b");
       s.send("b", "still here");
       s.receive_exactly("a", 10);
       s.send("a", "too late");
       s.take_error("a");
       s.await("a", out);
       s.await_nothing("a", in | end | error | hangup);
     }},
    {"the_accepted_end_may_finish_first",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("b", "bye");
       s.shutdown("b", SHUT_WR);
       s.await("a", in | end);
       s.send("a", "still here");
       s.receive_exactly("b", 10);
       s.receive_exactly("a", 4);
     }},
    {"both_ends_finished_is_a_hangup",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_WR);
       s.await("b", in | end);
       s.await_nothing("b", error | hangup);
       s.shutdown("b", SHUT_WR);
       s.await("a", everything & ~error);
       s.await("b", everything & ~error);
       s.receive("a");
       s.receive("b");
       s.send("a", "hello");
       s.send("b", "hello");
       s.take_error("a");
       s.take_error("b");
     }},
    {"both_ends_finished_with_bytes_under_way_lose_none",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("a", "from a");
       s.send("b", "from b");
       s.shutdown("a", SHUT_WR);
       s.shutdown("b", SHUT_WR);
       s.await("a", everything & ~error);
       s.await("b", everything & ~error);
       s.receive("a");
       s.receive("a");
       s.receive("b");
       s.receive("b");
     }},
    {"names_after_both_ends_finished",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_WR);
       s.await("b", in | end);
       s.peer_name("b");
       s.peer_name("a");
       s.shutdown("b", SHUT_WR);
       s.await("a", hangup);
       s.await("b", hangup);
       s.pause();
       s.peer_name("a");
       s.local_name("a");
       s.peer_name("b");
       s.local_name("b");
       s.shutdown("a", SHUT_WR);
       s.shutdown("b", SHUT_RDWR);
     }},
    {"a_close_ends_the_peers_input",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("a", "bye");
       s.close("a");
       s.await("b", in | end | out);
       s.receive("b");
       s.receive("b");
       s.await_nothing("b", error | hangup);
       s.peer_name("b");
     }},
    {"writing_to_a_closed_peer_succeeds_once_and_then_fails",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.close("a");
       s.await("b", in | end);
       s.send("b", "hello");
       s.await("b", everything);
       s.send("b", "hello");
       s.send("b", "hello");
       s.take_error("b");
       s.receive("b");
     }},
    {"the_error_of_writing_to_a_closed_peer_waits_at_the_socket",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.close("a");
       s.await("b", in | end);
       s.send("b", "hello");
       s.await("b", everything);
       s.take_error("b");
       s.take_error("b");
       s.send("b", "hello");
     }},
    {"receiving_after_writing_to_a_closed_peer_shows_the_end_only",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.close("a");
       s.await("b", in | end);
       s.send("b", "hello");
       s.await("b", everything);
       s.receive("b");
       s.receive("b");
       s.send("b", "hello");
     }},
    {"bytes_that_came_before_the_peer_closed_are_there_after_writing_to_it",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("a", "bye");
       s.close("a");
       s.await("b", in | end);
       s.send("b", "hello");
       s.await("b", everything);
       s.receive("b");
       s.receive("b");
     }},
    {"writing_to_a_peer_that_closed_before_its_end_was_seen_is_a_reset",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("b", "unread");
       s.await("a", in);
       s.close("a");
       s.await("b", everything);
       s.send("b", "hello");
       s.send("b", "hello");
       s.receive("b");
     }},
    {"closing_with_unread_bytes_resets_the_peer_after_it_read_all",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("b", "bye");
       s.await("a", in);
       s.send("a", "unread");
       s.await("b", in);
       s.close("b");
       s.await("a", everything);
       s.receive("a");
       s.receive("a");
       s.receive("a");
       s.take_error("a");
       s.send("a", "hello");
       s.await("a", everything & ~error);
     }},
    {"closing_with_unread_bytes_resets_although_the_end_was_sent_before",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("b", SHUT_WR);
       s.await("a", in | end);
       s.send("a", "unread");
       s.await("b", in);
       s.close("b");
       s.await("a", everything);
       s.take_error("a");
       s.receive("a");
       s.send("a", "hello");
     }},
    {"closing_with_no_linger_resets",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set_linger("a", true, 0);
       s.close("a");
       s.await("b", everything);
       s.receive("b");
       s.receive("b");
       s.send("b", "hello");
       s.peer_name("b");
       s.local_name("b");
     }},
    {"closing_with_no_linger_after_the_end_resets",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_WR);
       s.await("b", in | end);
       s.set_linger("a", true, 0);
       s.close("a");
       s.await("b", everything);
       s.take_error("b");
       s.receive("b");
     }},
    {"closing_with_no_linger_after_both_ends_is_no_reset",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_WR);
       s.await("b", in | end);
       s.shutdown("b", SHUT_WR);
       s.await("a", hangup);
       s.await("b", hangup);
       s.set_linger("a", true, 0);
       s.close("a");
       s.pause();
       s.look("b");
       s.take_error("b");
     }},
    {"bytes_that_came_before_a_reset_can_be_read",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.send("a", "last words");
       s.await("b", in);
       s.set_linger("a", true, 0);
       s.close("a");
       s.await("b", everything);
       s.receive("b", 4);
       s.receive("b");
       s.receive("b");
       s.receive("b");
     }},
    {"the_first_send_after_a_reset_tells_of_it",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set_linger("a", true, 0);
       s.close("a");
       s.await("b", everything);
       s.send("b", "hello");
       s.send("b", "hello");
       s.receive("b");
       s.take_error("b");
     }},
    {"the_error_of_a_reset_is_taken_once",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set_linger("a", true, 0);
       s.close("a");
       s.await("b", everything);
       s.take_error("b");
       s.take_error("b");
       s.await("b", everything & ~error);
       s.receive("b");
       s.send("b", "hello");
       s.shutdown("b", SHUT_WR);
     }},
    {"lingering_with_nothing_to_send_closes_in_order",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set_linger("a", true, 1);
       s.send("a", "bye");
       s.close("a");
       s.await("b", in | end);
       s.receive("b");
       s.receive("b");
       s.take_error("b");
     }},
    {"shut_for_reading_shows_an_end_and_yet_takes_what_comes",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_RD);
       s.await("a", in | end | out);
       s.receive("a");
       s.send("b", "late");
       s.pause();
       s.receive("a");
       s.receive("a");
       s.send("a", "hello");
       s.receive_exactly("b", 5);
     }},
    {"shut_for_both_is_a_hangup_at_once_and_the_end_for_the_peer",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_RDWR);
       s.await("a", everything & ~error);
       s.send("a", "hello");
       s.receive("a");
       s.await("b", in | end);
       s.await_nothing("b", error | hangup);
       s.receive("b");
     }},
    {"a_peer_that_shut_both_answers_bytes_with_a_reset_that_concerns_it_too",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_RDWR);
       s.await("b", in | end);
       s.send("b", "hello");
       s.await("b", everything);
       s.send("b", "hello");
       s.look("a");
       s.receive("a");
       s.receive("a");
     }},
    {"shutting_twice_is_as_good_as_once",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_WR);
       s.shutdown("a", SHUT_WR);
       s.shutdown("a", SHUT_RD);
       s.shutdown("a", SHUT_RDWR);
       s.shutdown("a", 3);
       s.shutdown("a", -1);
       s.await("b", in | end);
     }},
    {"a_half_closed_connection_ends_when_the_other_half_closes",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.shutdown("a", SHUT_WR);
       s.await("b", in | end);
       s.send("b", "answer");
       s.close("b");
       s.await("a", everything & ~error);
       s.receive("a");
       s.receive("a");
       s.take_error("a");
     }},
};

}  // namespace

Subject tcp_end_scenarios() { return {"tcp_end", scenarios}; }

}  // namespace weir::conformance
