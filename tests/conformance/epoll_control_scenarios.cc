// weir: scenarios of the interest list: what it takes, the order of events, epolls within epolls.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

using namespace std::chrono_literals;

/// Event counters, watched by `e`.
void watch_counters(Script& s, std::initializer_list<const char*> names, std::uint32_t events) {
  s.epoll("e");
  for (const char* name : names) {
    s.counter(name);
    s.add("e", name, events);
  }
}

const Scenario scenarios[] = {
    {"a_descriptor_is_added_once",
     [](Script& s) {
       watch_counters(s, {"a"}, in);
       s.add("e", "a", in);
       s.add("e", "a", out);
       s.remove("e", "a");
       s.add("e", "a", out);
       s.wait("e");
     }},
    {"what_was_not_added_can_be_neither_changed_nor_removed",
     [](Script& s) {
       watch_counters(s, {"a"}, in);
       s.counter("b");
       s.modify("e", "b", in);
       s.remove("e", "b");
       s.remove("e", "a");
       s.remove("e", "a");
       s.modify("e", "a", in);
     }},
    {"bad_descriptors_and_operations_are_refused",
     [](Script& s) {
       watch_counters(s, {"a"}, in);
       s.add("e", "none", in);
       s.add("none", "a", in);
       s.add("a", "e", in);
       s.control("e", 0, "a", in);
       s.control("e", 4, "a", in);
       s.wait("none");
       s.wait("a");
       s.wait("e", {.most = 0});
     }},
    {"a_regular_file_cannot_be_watched",
     [](Script& s) {
       s.open("file", "file", O_RDWR | O_CREAT);
       s.epoll("e");
       s.add("e", "file", in);
       s.modify("e", "file", in);
       s.remove("e", "file");
       s.unlink("file");
     }},
    {"an_epoll_cannot_watch_itself",
     [](Script& s) {
       s.epoll("e");
       s.add("e", "e", in);
       s.remove("e", "e");
     }},
    {"epolls_cannot_watch_each_other",
     [](Script& s) {
       s.epoll("e");
       s.epoll("f");
       s.add("e", "f", in);
       s.add("f", "e", in);
     }},
    {"an_epoll_carries_no_bytes",
     [](Script& s) {
       s.epoll("e");
       s.read("e");
       s.write("e", "hello");
       s.receive("e");
     }},
    {"closing_removes",
     [](Script& s) {
       watch_counters(s, {"a", "b"}, in);
       s.write_number("a", 1);
       s.write_number("b", 1);
       s.wait("e");
       s.close("a");
       s.wait("e");
       s.remove("e", "a");
       s.counter("again");
       s.compare_numbers("a", "again");
       s.write_number("again", 1);
       s.wait("e");
       s.remove("e", "again");
       s.add("e", "again", in);
       s.wait("e");
     }},
    {"removing_forgets_what_was_ready",
     [](Script& s) {
       watch_counters(s, {"a", "b"}, in | edge);
       s.write_number("a", 1);
       s.write_number("b", 1);
       s.remove("e", "a");
       s.wait("e");
       s.add("e", "a", in | edge);
       s.wait("e");
     }},
    {"an_epoll_can_be_closed_before_what_it_watches",
     [](Script& s) {
       watch_counters(s, {"a"}, in);
       s.close("e");
       s.write_number("a", 1);
       s.read_number("a");
       s.close("a");
     }},
    {"edges_come_in_the_order_in_which_they_happened",
     [](Script& s) {
       watch_counters(s, {"a", "b", "c"}, in | edge);
       s.write_number("c", 1);
       s.write_number("a", 1);
       s.write_number("b", 1);
       s.write_number("c", 1);
       s.wait("e", {.in_order = true});
     }},
    {"what_was_reported_goes_behind_the_others",
     [](Script& s) {
       watch_counters(s, {"a", "b", "c", "d", "f"}, in);
       for (const char* name : {"a", "b", "c", "d", "f"}) s.write_number(name, 1);
       s.wait("e", {.most = 2, .in_order = true});
       s.wait("e", {.most = 2, .in_order = true});
       s.wait("e", {.most = 2, .in_order = true});
       s.wait("e", {.in_order = true});
     }},
    {"edges_that_found_no_room_come_with_the_next_wait",
     [](Script& s) {
       watch_counters(s, {"a", "b", "c"}, in | edge);
       for (const char* name : {"a", "b", "c"}) s.write_number(name, 1);
       s.wait("e", {.most = 2, .in_order = true});
       s.write_number("a", 1);
       s.wait("e", {.in_order = true});
       s.wait_for_nothing("e");
     }},
    {"a_level_that_woke_up_again_keeps_its_place",
     [](Script& s) {
       watch_counters(s, {"a", "b"}, in);
       s.write_number("a", 1);
       s.write_number("b", 1);
       s.write_number("a", 1);
       s.wait("e", {.most = 1, .in_order = true});
       s.write_number("a", 1);
       s.wait("e", {.most = 1, .in_order = true});
       s.read_number("a");
       s.write_number("a", 1);
       s.wait("e", {.in_order = true});
     }},
    {"a_change_of_interest_goes_to_the_end_unless_it_waits_already",
     [](Script& s) {
       watch_counters(s, {"a", "b", "c"}, in | edge);
       s.write_number("a", 1);
       s.write_number("b", 1);
       s.modify("e", "a", in | edge);
       s.wait("e", {.in_order = true});
       s.modify("e", "b", in | edge);
       s.write_number("c", 1);
       s.modify("e", "a", in | edge);
       s.wait("e", {.in_order = true});
     }},
    {"what_is_ready_no_more_takes_no_room",
     [](Script& s) {
       watch_counters(s, {"a", "b"}, in);
       s.write_number("a", 1);
       s.write_number("b", 1);
       s.read_number("a");
       s.wait("e", {.most = 1, .in_order = true});
       s.read_number("b");
       s.wait_for_nothing("e");
     }},
    {"an_epoll_is_readable_while_it_has_events",
     [](Script& s) {
       watch_counters(s, {"a"}, in);
       s.epoll("outer");
       s.add("outer", "e", in);
       s.wait_for_nothing("outer");
       s.write_number("a", 1);
       s.wait("outer");
       s.wait("outer");
       s.wait("e");
       s.wait("outer");
       s.read_number("a");
       s.wait_for_nothing("outer");
       s.wait_for_nothing("e");
     }},
    {"an_inner_edge_is_readable_until_the_inner_wait",
     [](Script& s) {
       watch_counters(s, {"a"}, in | edge);
       s.epoll("outer");
       s.add("outer", "e", in);
       s.write_number("a", 1);
       s.wait("outer");
       s.wait("outer");
       s.wait("e");
       s.wait_for_nothing("outer");
     }},
    {"an_epoll_watched_by_edge_is_reported_for_each_new_event",
     [](Script& s) {
       watch_counters(s, {"a", "b"}, in | edge);
       s.epoll("outer");
       s.add("outer", "e", in | edge);
       s.write_number("a", 1);
       s.wait("outer");
       s.wait_for_nothing("outer");
       s.write_number("b", 1);
       s.wait("outer");
       s.wait("e");
       s.wait_for_nothing("outer");
     }},
    {"a_ready_epoll_is_reported_when_it_is_added",
     [](Script& s) {
       watch_counters(s, {"a"}, in);
       s.write_number("a", 1);
       s.epoll("outer");
       s.add("outer", "e", in | edge);
       s.wait("outer");
       s.close("a");
       s.modify("outer", "e", in | edge);
       s.wait_for_nothing("outer");
     }},
    {"a_wait_without_events_lasts_as_long_as_asked",
     [](Script& s) {
       s.epoll("e");
       s.wait_for("e", 0ns);
       s.wait_for("e", 1ns);
       s.wait_for("e", 3ms);
       s.wait_for("e", 2'500us);
     }},
    {"a_wait_with_events_does_not_last",
     [](Script& s) {
       watch_counters(s, {"a"}, out);
       s.wait_for("e", 0ns);
       s.wait_for("e", -1ns);
     }},
    {"who_watches_last_is_woken_first",
     [](Script& s) {
       s.counter("a");
       for (const char* name : {"e", "f", "outer"}) s.epoll(name);
       s.add("e", "a", in);
       s.add("f", "a", in);
       s.add("outer", "e", in | edge);
       s.add("outer", "f", in | edge);
       s.write_number("a", 1);
       s.wait("outer", {.in_order = true});
     }},
};

}  // namespace

Subject epoll_control_scenarios() { return {"epoll_control", scenarios}; }

}  // namespace weir::conformance
