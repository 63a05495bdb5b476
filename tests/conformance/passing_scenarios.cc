// weir: scenarios of descriptors that are passed over Unix sockets.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

/// A connection, and a pipe whose ends are there to be passed: that its writer is closed everywhere shows at the reader.
void open_all(Script& s) {
  s.socket_pair("a", "b");
  s.pipe("r", "w");
}

/// Whether any descriptor of the pipe's writer is left.
void tell_if_writer_is_open(Script& s) {
  s.read("r");
  s.look("r");
}

const Scenario scenarios[] = {
    {"what_is_passed_is_the_same_open_file",
     [](Script& s) {
       open_all(s);
       s.pass("a", "x", {"w"});
       s.await("b", in);
       s.receive_passed("b", {"copy"});
       s.write("copy", "through the copy");
       s.read("r");
       s.close("w");
       tell_if_writer_is_open(s);
       s.write("copy", "still");
       s.read("r");
       s.close("copy");
       tell_if_writer_is_open(s);
     }},
    {"a_file_that_is_passed_keeps_its_place",
     [](Script& s) {
       open_all(s);
       s.open("file", "file", O_RDWR | O_CREAT);
       s.write("file", "0123456789");
       s.open("again", "file", O_RDONLY);
       s.read("again", 3);
       s.pass("a", "x", {"again"});
       s.receive_passed("b", {"copy"});
       s.read("copy", 3);
       s.read("again", 3);
       s.set_status_flags("copy", O_NONBLOCK | O_APPEND);
       s.status_flags("again");
       s.unlink("file");
     }},
    {"a_receive_stops_behind_bytes_that_came_with_descriptors",
     [](Script& s) {
       open_all(s);
       s.send("a", "1234");
       s.pass("a", "5", {"w"});
       s.send("a", "6789");
       s.receive_passed("b", {"copy"}, 20);
       s.receive_passed("b", {}, 20);
       s.receive_passed("b", {}, 20);
     }},
    {"two_that_were_passed_one_after_the_other_come_apart",
     [](Script& s) {
       open_all(s);
       s.pass("a", "one", {"w"});
       s.pass("a", "two", {"r", "w"});
       s.receive_passed("b", {"first"});
       s.receive_passed("b", {"second", "third"});
       s.write("third", "hello");
       s.read("second");
     }},
    {"a_receive_in_parts_brings_them_with_the_first",
     [](Script& s) {
       open_all(s);
       s.pass("a", "hello", {"w"});
       s.send("a", "more");
       s.receive_passed("b", {"copy"}, 2);
       s.receive_passed("b", {}, 64);
     }},
    {"bytes_before_may_fill_a_receive_and_leave_them_for_the_next",
     [](Script& s) {
       open_all(s);
       s.send("a", "1234");
       s.pass("a", "56", {"w"});
       s.receive_passed("b", {}, 4);
       s.receive_passed("b", {"copy"}, 1);
       s.receive_passed("b", {}, 4);
     }},
    {"bytes_before_and_one_of_those_they_came_with_bring_them",
     [](Script& s) {
       open_all(s);
       s.send("a", "1234");
       s.pass("a", "56", {"w"});
       s.send("a", "789");
       s.receive_passed("b", {"copy"}, 5);
       s.receive_passed("b", {}, 64);
     }},
    {"a_receive_of_nothing_takes_the_descriptors",
     [](Script& s) {
       open_all(s);
       s.pass("a", "x", {"w"});
       s.receive_passed("b", {"copy"}, 0);
       s.receive_passed("b", {});
     }},
    {"who_does_not_ask_for_descriptors_gets_none_and_they_are_closed",
     [](Script& s) {
       open_all(s);
       s.send("a", "1234");
       s.pass("a", "5", {"w"});
       s.send("a", "6789");
       s.close("w");
       s.receive("b");
       tell_if_writer_is_open(s);
       s.receive("b");
     }},
    {"reading_closes_them_too",
     [](Script& s) {
       open_all(s);
       s.pass("a", "hello", {"w"});
       s.send("a", "more");
       s.close("w");
       s.read("b");
       tell_if_writer_is_open(s);
       s.read_pieces("b", {2, 2});
     }},
    {"they_live_while_they_are_under_way",
     [](Script& s) {
       open_all(s);
       s.pass("a", "x", {"w"});
       s.close("w");
       tell_if_writer_is_open(s);
       s.close("a");
       tell_if_writer_is_open(s);
       s.receive_passed("b", {"copy"});
       s.receive_passed("b", {});
       s.write("copy", "hello");
       tell_if_writer_is_open(s);
     }},
    {"a_socket_that_closes_closes_those_that_it_has_not_received",
     [](Script& s) {
       open_all(s);
       s.pass("a", "x", {"w"});
       s.pass("a", "x", {"w", "w"});
       s.close("w");
       tell_if_writer_is_open(s);
       s.close("b");
       tell_if_writer_is_open(s);
       s.take_error("a");
     }},
    {"a_listener_that_closes_closes_those_that_wait_in_it",
     [](Script& s) {
       open_all(s);
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.socket("client", unix_stream);
       s.connect("client", "unix:@listener");
       s.pass("client", "x", {"w"});
       s.close("w");
       tell_if_writer_is_open(s);
       s.close("listener");
       s.await("r", hangup);
     }},
    {"they_wait_for_the_accept",
     [](Script& s) {
       open_all(s);
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.socket("client", unix_stream);
       s.connect("client", "unix:@listener");
       s.pass("client", "x", {"w"});
       s.accept("listener", "server");
       s.receive_passed("server", {"copy"});
     }},
    {"without_a_byte_they_go_nowhere",
     [](Script& s) {
       open_all(s);
       s.pass("a", "", {"w"});
       s.close("w");
       tell_if_writer_is_open(s);
       s.receive_passed("b", {});
     }},
    {"a_wrong_number_sends_nothing",
     [](Script& s) {
       open_all(s);
       s.pass("a", "x", {"nobody"});
       s.pass("a", "x", {"w", "nobody"});
       s.close("w");
       tell_if_writer_is_open(s);
       s.receive_passed("b", {});
       s.pass("a", "x", {"w"});
     }},
    {"nothing_passed_is_a_send",
     [](Script& s) {
       open_all(s);
       s.pass("a", "one", {});
       s.pass("a", "two", {});
       s.receive_passed("b", {});
     }},
    {"as_many_as_253_are_passed_at_once",
     [](Script& s) {
       open_all(s);
       s.pass_many("a", "x", "w", 253);
       s.pass_many("a", "x", "w", 254);
       s.close("w");
       s.receive_passed("b", {});
       s.receive_passed("b", {});
       tell_if_writer_is_open(s);
     }},
    {"received_ones_get_the_lowest_numbers_in_order",
     [](Script& s) {
       open_all(s);
       for (const char* name : {"hole", "between", "other_hole"}) s.counter(name);
       s.pass("a", "x", {"w", "r"});
       s.close("hole");
       s.close("other_hole");
       s.receive_passed("b", {"first", "second"});
       s.compare_numbers("hole", "first");
       s.compare_numbers("other_hole", "second");
       s.write("first", "hello");
       s.read("second");
     }},
    {"those_for_which_there_is_no_number_are_lost",
     [](Script& s) {
       open_all(s);
       s.pass("a", "hello", {"w", "w", "w"});
       s.send("a", "more");
       s.allow_descriptors(1);
       s.receive_passed("b", {"copy"});
       s.counter("none");
       s.lift_limit();
       s.receive_passed("b", {});
       s.close("w");
       tell_if_writer_is_open(s);
       s.close("copy");
       tell_if_writer_is_open(s);
     }},
    {"without_any_number_all_are_lost_and_the_bytes_come",
     [](Script& s) {
       open_all(s);
       s.pass("a", "hello", {"w"});
       s.allow_descriptors(0);
       s.receive_passed("b", {"copy"}, 2);
       s.lift_limit();
       s.close("w");
       tell_if_writer_is_open(s);
       s.receive_passed("b", {"copy"});
     }},
    {"a_number_is_not_needed_by_who_does_not_ask",
     [](Script& s) {
       open_all(s);
       s.pass("a", "hello", {"w"});
       s.allow_descriptors(0);
       s.receive("b");
       s.lift_limit();
     }},
    {"the_same_one_twice_becomes_two",
     [](Script& s) {
       open_all(s);
       s.pass("a", "x", {"w", "w"});
       s.receive_passed("b", {"first", "second"});
       s.compare_numbers("first", "second");
       s.close("first");
       s.close("w");
       s.write("second", "hello");
       s.read("r");
       s.close("second");
       tell_if_writer_is_open(s);
     }},
    {"a_socket_that_is_not_connected_passes_nothing",
     [](Script& s) {
       open_all(s);
       s.socket("c", unix_stream);
       s.pass("c", "x", {"w"});
       s.pass("c", "x", {"nobody"});
       s.receive_passed("c", {});
     }},
    {"a_broken_connection_passes_nothing",
     [](Script& s) {
       open_all(s);
       s.close("b");
       s.pass("a", "x", {"w"});
       s.receive_passed("a", {});
       s.socket_pair("c", "d");
       s.shutdown("c", SHUT_WR);
       s.pass("c", "x", {"w"});
       s.receive_passed("d", {});
       s.close("w");
       tell_if_writer_is_open(s);
     }},
    {"a_full_socket_takes_none_until_it_is_read",
     [](Script& s) {
       open_all(s);
       s.fill("a");
       s.pass("a", "x", {"w"});
       s.drain("b", "a");
       s.receive_passed("b", {});
       s.pass("a", "x", {"w"});
       s.receive_passed("b", {"copy"});
     },
     "how much fits"},
    {"tcp_carries_the_bytes_alone",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.pipe("r", "w");
       s.pass("a", "x", {"w"});
       s.await("b", in);
       s.receive_passed("b", {});
       s.pass("a", "x", {"nobody"});
       s.close("w");
       tell_if_writer_is_open(s);
     }},
    {"what_is_no_socket_passes_nothing",
     [](Script& s) {
       open_all(s);
       s.pass("w", "x", {"r"});
       s.receive_passed("r", {});
       s.pass("nobody", "x", {"r"});
       s.receive_passed("nobody", {});
     }},
    {"an_epoll_reports_a_file_that_lives_on_elsewhere",
     [](Script& s) {
       open_all(s);
       s.epoll("e");
       s.add("e", "r", in);
       s.pass("a", "x", {"r"});
       s.close("r");
       s.write("w", "hello");
       s.wait("e");
       s.remove("e", "r");
       s.receive_passed("b", {"copy"});
       s.wait("e");
       s.read("copy");
       s.close("copy");
       s.wait_for_nothing("e");
     }},
    {"a_number_used_again_is_another_entry_of_an_epoll",
     [](Script& s) {
       open_all(s);
       s.epoll("e");
       s.add("e", "r", in);
       s.pass("a", "x", {"r"});
       s.close("r");
       s.counter("c");
       s.compare_numbers("r", "c");
       s.add("e", "c", in);
       s.write_number("c", 1);
       s.wait("e");
       s.remove("e", "c");
       s.write("w", "hello");
       s.wait("e");
     }},
    {"what_is_passed_may_be_added_to_an_epoll_beside_the_original",
     [](Script& s) {
       open_all(s);
       s.epoll("e");
       s.add("e", "r", in);
       s.pass("a", "x", {"r"});
       s.receive_passed("b", {"copy"});
       s.add("e", "copy", in);
       s.write("w", "hello");
       s.wait("e");
       s.close("copy");
       s.wait("e");
     }},
    {"passing_wakes_who_waits_once_for_each",
     [](Script& s) {
       open_all(s);
       s.epoll("e");
       s.add("e", "b", in | edge);
       s.pass("a", "x", {"w"});
       s.wait("e");
       s.wait_for_nothing("e");
       s.pass("a", "y", {"w"});
       s.wait("e");
       s.receive_passed("b", {});
       s.wait_for_nothing("e");
     }},
    {"a_connection_can_be_passed_on",
     [](Script& s) {
       open_all(s);
       s.socket_pair("x", "y");
       s.send("y", "before ");
       s.pass("a", "x", {"x"});
       s.close("x");
       s.send("y", "meanwhile");
       s.receive_passed("b", {"copy"});
       s.receive("copy");
       s.send("copy", "back");
       s.receive("y");
       s.close("copy");
       s.receive("y");
     }},
    {"a_listener_can_be_passed_on",
     [](Script& s) {
       open_all(s);
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.pass("a", "x", {"listener"});
       s.close("listener");
       s.socket("client", unix_stream);
       s.connect("client", "unix:@listener");
       s.receive_passed("b", {"copy"});
       s.accept("copy", "server");
       s.send("client", "hello");
       s.receive("server");
     }},
    {"sockets_that_are_under_way_in_themselves_alone_are_closed",
     [](Script& s) {
       open_all(s);
       s.pass("a", "x", {"b", "w"});
       for (const char* name : {"w", "b", "a"}) s.close(name);
       s.await("r", hangup);
     },
     "when it looks"},
    {"sockets_that_are_under_way_in_each_other_alone_are_closed",
     [](Script& s) {
       open_all(s);
       s.socket_pair("c", "d");
       s.pass("a", "x", {"d", "w"});
       s.pass("c", "x", {"b"});
       for (const char* name : {"w", "b", "d", "c"}) s.close(name);
       s.await("r", hangup);
     },
     "when it looks"},
    {"a_socket_in_itself_that_somebody_has_is_received_again",
     [](Script& s) {
       open_all(s);
       s.pass("a", "x", {"b"});
       s.close("a");
       s.receive_passed("b", {"copy"});
       s.close("b");
       s.receive("copy");
     }},
};

}  // namespace

Subject passing_scenarios() { return {"passing", scenarios}; }

}  // namespace weir::conformance
