// weir: scenarios of what epoll reports, and when: by level, by edge, once.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

/// Two Unix sockets, and an epoll that watches the first.
void watch_pair(Script& s, std::uint32_t events) {
  s.socket_pair("a", "b");
  s.epoll("e");
  s.add("e", "a", events);
}

const Scenario scenarios[] = {
    {"a_level_is_reported_until_it_is_gone",
     [](Script& s) {
       watch_pair(s, in);
       s.wait_for_nothing("e");
       s.send("b", "hello");
       s.wait("e");
       s.wait("e");
       s.receive("a", 2);
       s.wait("e");
       s.receive("a");
       s.wait_for_nothing("e");
     }},
    {"an_edge_is_reported_once",
     [](Script& s) {
       watch_pair(s, in | edge);
       s.send("b", "hello");
       s.wait("e");
       s.wait_for_nothing("e");
       s.receive("a", 2);
       s.wait_for_nothing("e");
     }},
    {"more_bytes_are_a_new_edge_although_the_first_are_unread",
     [](Script& s) {
       watch_pair(s, in | edge);
       s.send("b", "one");
       s.wait("e");
       s.send("b", "two");
       s.wait("e");
       s.wait_for_nothing("e");
       s.receive("a");
       s.send("b", "three");
       s.wait("e");
     }},
    {"more_bytes_are_a_new_edge_over_tcp_too",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.epoll("e");
       s.add("e", "a", in | end | edge);
       s.wait_for_nothing("e");
       s.send("b", "one");
       s.wait("e");
       s.wait_for_nothing("e");
       s.send("b", "two");
       s.wait("e");
       s.receive_exactly("a", 6);
       s.wait_for_nothing("e");
       s.shutdown("b", SHUT_WR);
       s.wait("e");
       s.wait_for_nothing("e");
     }},
    {"two_changes_before_a_wait_are_one_edge",
     [](Script& s) {
       watch_pair(s, in | end | edge);
       s.send("b", "one");
       s.send("b", "two");
       s.shutdown("b", SHUT_WR);
       s.wait("e");
       s.wait_for_nothing("e");
     }},
    {"an_edge_that_is_consumed_before_the_wait_is_not_reported",
     [](Script& s) {
       watch_pair(s, in | edge);
       s.send("b", "hello");
       s.receive("a");
       s.wait_for_nothing("e");
       s.send("b", "hello");
       s.wait("e");
     }},
    {"an_edge_reports_the_whole_state_and_the_peers_reading_is_one",
     [](Script& s) {
       watch_pair(s, in | out | edge);
       s.wait("e");
       s.wait_for_nothing("e");
       s.send("b", "hello");
       s.wait("e");
       s.receive("a");
       s.wait_for_nothing("e");
       s.send("a", "hello");
       s.receive("b");
       s.wait("e");
     }},
    {"an_edge_of_tcp_reports_the_whole_state_and_the_peers_reading_is_none",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.epoll("e");
       s.add("e", "a", in | out | end | edge);
       s.wait("e");
       s.wait_for_nothing("e");
       s.send("b", "hello");
       s.wait("e");
       s.receive("a");
       s.send("a", "hello");
       s.receive_exactly("b", 5);
       s.wait_for_nothing("e");
       s.close("b");
       s.wait("e");
       s.wait_for_nothing("e");
     }},
    {"room_after_a_full_socket_is_an_edge",
     [](Script& s) {
       watch_pair(s, out | edge);
       s.wait("e");
       s.fill("a");
       s.wait_for_nothing("e");
       s.drain("b", "a");
       s.wait("e");
     },
     "whether there is room before the peer has read all"},
    {"a_connection_made_is_an_edge",
     [](Script& s) {
       s.tcp_listener("listener");
       s.socket("client", tcp4);
       s.epoll("e");
       s.add("e", "client", out | in | edge);
       s.wait("e");
       s.wait_for_nothing("e");
       s.connect("client", "127.0.0.1:listener");
       s.wait("e");
       s.wait_for_nothing("e");
     }},
    {"a_refusal_is_an_edge",
     [](Script& s) {
       s.socket("silent", tcp4);
       s.bind("silent", "127.0.0.1:0");
       s.socket("client", tcp4);
       s.connect("client", "127.0.0.1:silent");
       s.epoll("e");
       s.add("e", "client", out | in | end | edge);
       s.wait("e");
       s.wait_for_nothing("e");
       s.take_error("client");
       s.wait_for_nothing("e");
     }},
    {"a_reset_is_an_edge_with_everything",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.epoll("e");
       s.add("e", "a", in | out | end | edge);
       s.wait("e");
       s.set_linger("b", true, 0);
       s.close("b");
       s.wait("e");
       s.wait_for_nothing("e");
       s.receive("a");
       s.modify("e", "a", in | out | end | edge);
       s.wait("e");
     }},
    {"waiting_connections_are_one_edge_and_a_further_one_is_another",
     [](Script& s) {
       s.tcp_listener("listener");
       s.epoll("e");
       s.add("e", "listener", in | edge);
       for (const char* name : {"first", "second"}) {
         s.socket(name, tcp4);
         s.connect(name, "127.0.0.1:listener");
         s.await(name, out);
       }
       s.pause();
       s.wait("e");
       s.wait_for_nothing("e");
       s.accept("listener", "a");
       s.wait_for_nothing("e");
       s.socket("third", tcp4);
       s.connect("third", "127.0.0.1:listener");
       s.wait("e");
       s.accept("listener", "b");
       s.accept("listener", "c");
       s.wait_for_nothing("e");
     }},
    {"once_is_once_until_it_is_armed_again",
     [](Script& s) {
       watch_pair(s, in | oneshot);
       s.send("b", "one");
       s.wait("e");
       s.wait_for_nothing("e");
       s.send("b", "two");
       s.wait_for_nothing("e");
       s.modify("e", "a", in | oneshot);
       s.wait("e");
       s.receive("a");
       s.modify("e", "a", in | oneshot);
       s.wait_for_nothing("e");
       s.send("b", "three");
       s.wait("e");
     }},
    {"once_keeps_silent_about_a_hangup_too",
     [](Script& s) {
       watch_pair(s, in | oneshot);
       s.send("b", "one");
       s.wait("e");
       s.close("b");
       s.wait_for_nothing("e");
       s.modify("e", "a", 0);
       s.wait("e");
     }},
    {"what_is_ready_when_it_is_added_is_reported",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("b", "hello");
       s.epoll("e");
       s.add("e", "a", in | edge);
       s.wait("e");
       s.wait_for_nothing("e");
     }},
    {"a_change_of_interest_reports_again",
     [](Script& s) {
       watch_pair(s, in | edge);
       s.send("b", "hello");
       s.wait("e");
       s.modify("e", "a", in | edge);
       s.wait("e");
       s.modify("e", "a", out | edge);
       s.wait("e");
       s.wait_for_nothing("e");
       s.modify("e", "a", in);
       s.wait("e");
       s.wait("e");
     }},
    {"a_change_of_interest_forgets_what_nobody_wants",
     [](Script& s) {
       watch_pair(s, in);
       s.send("b", "hello");
       s.modify("e", "a", 0);
       s.wait_for_nothing("e");
       s.receive("a");
       s.modify("e", "a", in);
       s.wait_for_nothing("e");
       s.send("b", "hello");
       s.wait("e");
     }},
    {"a_hangup_is_reported_unasked",
     [](Script& s) {
       watch_pair(s, 0);
       s.send("b", "hello");
       s.wait_for_nothing("e");
       s.close("b");
       s.wait("e");
       s.wait("e");
     }},
    {"an_error_is_reported_unasked",
     [](Script& s) {
       watch_pair(s, edge);
       s.send("a", "unread");
       s.close("b");
       s.wait("e");
       s.take_error("a");
       s.modify("e", "a", edge);
       s.wait("e");
     }},
    {"the_peers_end_is_reported_only_if_asked_for",
     [](Script& s) {
       watch_pair(s, in);
       s.epoll("f");
       s.add("f", "a", end);
       s.send("b", "bye");
       s.wait_for_nothing("f");
       s.shutdown("b", SHUT_WR);
       s.wait("e");
       s.wait("f");
     }},
    {"a_fresh_tcp_socket_is_writable_and_hung_up",
     [](Script& s) {
       s.socket("a", tcp4);
       s.socket("b", unix_stream);
       s.epoll("e");
       s.add("e", "a", in | out | end);
       s.add("e", "b", in | out | end);
       s.wait("e");
       s.wait("e");
     }},
    {"a_pending_connection_reports_nothing",
     [](Script& s) {
       s.tcp_listener("listener", 0);
       s.socket("first", tcp4);
       s.connect("first", "127.0.0.1:listener");
       s.await("first", out);
       s.socket("second", tcp4);
       s.connect("second", "127.0.0.1:listener");
       s.epoll("e");
       s.add("e", "second", in | out | end);
       s.wait_for_nothing("e");
     }},
    {"two_epolls_report_the_same_socket",
     [](Script& s) {
       watch_pair(s, in | edge);
       s.epoll("f");
       s.add("f", "a", in);
       s.send("b", "hello");
       s.wait("e");
       s.wait("f");
       s.receive("a");
       s.wait_for_nothing("f");
     }},
    {"shutting_wakes_the_own_end_before_the_peers",
     [](Script& s) {
       watch_pair(s, end | edge);
       s.add("e", "b", hangup | end | edge);
       s.wait_for_nothing("e");
       s.shutdown("b", SHUT_RDWR);
       s.wait("e", {.in_order = true});
     }},
    {"a_unix_socket_has_more_room_when_all_of_a_send_is_read",
     [](Script& s) {
       watch_pair(s, out | edge);
       s.wait("e");
       s.send("a", "hello");
       s.send("a", "world");
       s.receive("b", 4);
       s.wait_for_nothing("e");
       s.receive("b", 3);
       s.wait("e");
     }},
    {"a_datagram_that_has_left_is_an_edge",
     [](Script& s) {
       s.socket("a", udp4);
       s.bind("a", "127.0.0.1:0");
       s.epoll("e");
       s.add("e", "a", out | edge);
       s.wait("e");
       s.wait_for_nothing("e");
       s.send_to("a", "hello", "127.0.0.1:a");
       s.wait("e");
     }},
};

}  // namespace

Subject epoll_scenarios() { return {"epoll", scenarios}; }

}  // namespace weir::conformance
