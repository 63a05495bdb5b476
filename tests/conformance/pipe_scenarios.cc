// weir: scenarios of pipes and event counters.
// SPDX-License-Identifier: MIT
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

constexpr std::uint64_t most_of_a_counter = ~std::uint64_t{0} - 1;

/// A pipe, and an epoll that watches both ends.
void watch_pipe(Script& s, std::uint32_t extra = 0) {
  s.pipe("r", "w");
  s.epoll("e");
  s.add("e", "r", in | end | extra);
  s.add("e", "w", out | extra);
}

const Scenario pipes[] = {
    {"bytes_go_through_a_pipe_one_way",
     [](Script& s) {
       watch_pipe(s);
       s.wait("e");
       s.read("r");
       s.write("w", "hello ");
       s.write("w", "world");
       s.wait("e");
       s.read("r", 2);
       s.read("r");
       s.read("r");
       s.write("r", "hello");
       s.read("w");
       s.write("w", "");
       s.wait("e");
     }},
    {"a_pipe_whose_writer_closed_ends",
     [](Script& s) {
       watch_pipe(s);
       s.write("w", "bye");
       s.close("w");
       s.wait("e");
       s.read("r");
       s.wait("e");
       s.read("r");
       s.read("r");
     }},
    {"a_pipe_whose_reader_closed_is_broken",
     [](Script& s) {
       watch_pipe(s);
       s.write("w", "lost");
       s.close("r");
       s.wait("e");
       s.write("w", "hello");
       s.write("w", "hello");
     }},
    {"a_full_pipe_says_try_again_until_it_is_read",
     [](Script& s) {
       watch_pipe(s);
       s.fill("w");
       s.write("w", "more");
       s.wait("e");
       s.drain("r", "w");
       s.wait("e");
       s.write("w", "more");
       s.read("r");
     },
     "how much fits"},
    {"a_full_pipe_whose_reader_closes_is_an_error",
     [](Script& s) {
       watch_pipe(s);
       s.fill("w");
       s.close("r");
       s.wait("e");
       s.write("w", "hello");
     }},
    {"a_write_of_a_page_is_whole_or_not_at_all",
     [](Script& s) {
       s.pipe("r", "w");
       s.fill("w");
       s.read_pattern("r", 4095);
       s.send_pattern("w", 4096);
       s.read_pattern("r", 1);
       s.send_pattern("w", 4096);
       s.send_pattern("w", 1);
       s.drain("r", "w");
     }},
    {"a_longer_write_takes_the_room_there_is",
     [](Script& s) {
       s.pipe("r", "w");
       s.fill("w");
       s.read_pattern("r", 8192);
       s.send_pattern("w", 20'000);
       s.send_pattern("w", 20'000);
       s.drain("r", "w");
     }},
    {"a_pipe_reports_an_edge_for_every_write",
     [](Script& s) {
       watch_pipe(s, edge);
       s.wait("e");
       s.wait_for_nothing("e");
       s.write("w", "one");
       s.wait("e");
       s.write("w", "two");
       s.wait("e");
       s.wait_for_nothing("e");
       s.read("r", 3);
       s.wait_for_nothing("e");
       s.read("r");
       s.close("w");
       s.wait("e");
     },
     "kernels from 5.5 to 5.13 reported only the first of several writes"},
    {"room_in_a_full_pipe_is_an_edge",
     [](Script& s) {
       watch_pipe(s, edge);
       s.wait("e");
       s.fill("w");
       s.wait("e");
       s.drain("r", "w");
       s.wait("e");
       s.wait_for_nothing("e");
     },
     "how many edges come while it is drained; the wait takes them all"},
    {"a_pipe_is_no_socket",
     [](Script& s) {
       s.pipe("r", "w");
       s.send("w", "hello");
       s.receive("r");
       s.file_size("r");
       s.read_at("r", 0);
       s.read_pieces_at("r", 0, {4});
       s.write_pieces_at("w", 0, {"hello"});
     }},
    {"pieces_go_through_a_pipe",
     [](Script& s) {
       watch_pipe(s);
       s.read_pieces("r", {3, 5});
       s.write_pieces("w", {"hello ", "", "world"});
       s.wait("e");
       s.read_pieces("r", {2, 0, 3});
       s.read_pieces("r", {20, 20});
       s.read_pieces("r", {});
       s.write_pieces("w", {});
       s.write_pieces("w", {"", ""});
       s.write_pieces("r", {"hello"});
       s.read_pieces("w", {5});
       s.read_pieces("none", {5});
       s.write_pieces("none", {"hello"});
       s.close("r");
       s.write_pieces("w", {"lost"});
     }},
    {"a_call_takes_1024_pieces",
     [](Script& s) {
       s.pipe("r", "w");
       s.write_many_pieces("w", 1024);
       s.write_many_pieces("w", 1025);
       s.read_many_pieces("r", 1025);
       s.read_many_pieces("r", 1024);
       s.read_many_pieces("r", 1024);
     }},
};

const Scenario counters[] = {
    {"a_counter_adds_up_until_it_is_read",
     [](Script& s) {
       s.counter("c");
       s.read_number("c");
       s.write_number("c", 3);
       s.write_number("c", 4);
       s.write_number("c", 0);
       s.read_number("c");
       s.read_number("c");
     }},
    {"a_counter_takes_whole_numbers_only",
     [](Script& s) {
       s.counter("c");
       s.write("c", "short");
       s.write_number("c", ~std::uint64_t{0});
       s.write_number("c", 1);
       s.read("c", 7);
       s.write("c", "");
       s.read_number("c");
     }},
    {"a_full_counter_says_try_again",
     [](Script& s) {
       s.counter("c");
       s.epoll("e");
       s.add("e", "c", in | out);
       s.wait("e");
       s.write_number("c", most_of_a_counter - 1);
       s.wait("e");
       s.write_number("c", 2);
       s.write_number("c", 1);
       s.wait("e");
       s.write_number("c", 1);
       s.write_number("c", 0);
       s.read_number("c");
       s.wait("e");
     }},
    {"every_write_to_a_counter_is_an_edge",
     [](Script& s) {
       s.counter("c");
       s.epoll("e");
       s.add("e", "c", in | edge);
       s.wait_for_nothing("e");
       s.write_number("c", 1);
       s.wait("e");
       s.wait_for_nothing("e");
       s.write_number("c", 1);
       s.wait("e");
       s.read_number("c");
       s.wait_for_nothing("e");
       s.write_number("c", 0);
       s.wait_for_nothing("e");
     }},
    {"reading_a_counter_is_an_edge_for_who_waits_for_room",
     [](Script& s) {
       s.counter("c");
       s.epoll("e");
       s.add("e", "c", out | edge);
       s.wait("e");
       s.write_number("c", 5);
       s.wait_for_nothing("e");
       s.read_number("c");
       s.wait("e");
     }},
    {"a_counter_is_no_socket_and_has_no_places",
     [](Script& s) {
       s.counter("c");
       s.send("c", "12345678");
       s.receive("c");
       s.file_size("c");
       s.read_at("c", 0);
     }},
};

}  // namespace

Subject pipe_scenarios() { return {"pipe", pipes}; }
Subject counter_scenarios() { return {"counter", counters}; }

}  // namespace weir::conformance
