// weir: scenarios of regular files, and of sending them.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

/// A file with ten bytes, open for reading as `file`.
void make_file(Script& s) {
  s.open("writer", "file", O_WRONLY | O_CREAT | O_TRUNC);
  s.write("writer", "0123456789");
  s.close("writer");
  s.open("file", "file", O_RDONLY);
}

const Scenario scenarios[] = {
    {"a_file_is_written_and_read",
     [](Script& s) {
       s.open("file", "file", O_RDWR | O_CREAT | O_EXCL);
       s.describe_file("file");
       s.file_size("file");
       s.read("file");
       s.write("file", "hello");
       s.write("file", " world");
       s.file_size("file");
       s.read("file");
       s.open("again", "file", O_RDONLY);
       s.read("again", 5);
       s.read("again", 5);
       s.read("again", 5);
       s.read("again", 5);
       s.unlink("file");
     }},
    {"opening_in_vain_tells_why",
     [](Script& s) {
       s.open("file", "missing", O_RDONLY);
       s.open("file", "missing", O_WRONLY);
       s.open("file", "file", O_WRONLY | O_CREAT);
       s.open("again", "file", O_WRONLY | O_CREAT | O_EXCL);
       s.open("again", "file", O_WRONLY | O_CREAT);
       s.unlink("file");
       s.describe_file("file");
     }},
    {"a_file_opened_for_one_thing_refuses_the_other",
     [](Script& s) {
       make_file(s);
       s.write("file", "hello");
       s.open("writer", "file", O_WRONLY);
       s.read("writer");
       s.read_at("writer", 0);
       s.unlink("file");
     }},
    {"truncating_empties_and_appending_adds",
     [](Script& s) {
       make_file(s);
       s.open("adding", "file", O_WRONLY | O_APPEND);
       s.write("adding", "abc");
       s.file_size("file");
       s.open("writer", "file", O_WRONLY);
       s.write("writer", "XY");
       s.write("adding", "d");
       s.read("file");
       s.open("emptying", "file", O_WRONLY | O_TRUNC);
       s.file_size("file");
       s.read("file");
       s.read_at("file", 0);
       s.unlink("file");
     }},
    {"a_file_is_read_at_any_place",
     [](Script& s) {
       make_file(s);
       s.read_at("file", 3, 4);
       s.read("file", 2);
       s.read_at("file", 8);
       s.read_at("file", 10);
       s.read_at("file", 1'000'000);
       s.read("file", 2);
       s.unlink("file");
     }},
    {"pieces_are_read_from_and_written_to_any_place",
     [](Script& s) {
       s.open("file", "file", O_RDWR | O_CREAT | O_EXCL);
       s.write_pieces_at("file", 3, {"one", "", "two"});
       s.file_size("file");
       s.read_pieces_at("file", 3, {2, 20});
       s.write_pieces("file", {"ab", "c"});
       s.read_pieces("file", {1, 4});
       s.read_pieces_at("file", 0, {9});
       s.read_pieces_at("file", 9, {9});
       s.read_pieces_at("file", 1'000'000, {9});
       s.write_pieces_at("file", 20, {});
       s.write_pieces_at("file", 20, {""});
       s.file_size("file");
       s.read_pieces_at("none", 0, {1});
       s.write_pieces_at("none", 0, {"one"});
       s.unlink("file");
     }},
    {"pieces_written_at_a_place_of_a_file_opened_to_append_go_to_its_end",
     [](Script& s) {
       make_file(s);
       s.open("adding", "file", O_WRONLY | O_APPEND);
       s.write_pieces_at("adding", 2, {"a", "b"});
       s.write_pieces("adding", {"c", "d"});
       s.read("file");
       s.read_pieces_at("adding", 0, {1});
       s.write_pieces_at("file", 0, {"x"});
       s.unlink("file");
     }},
    {"a_file_without_a_name_lives_on_while_it_is_open",
     [](Script& s) {
       make_file(s);
       s.unlink("file");
       s.read("file");
       s.file_size("file");
       s.open("again", "file", O_RDONLY);
       s.open("again", "file", O_RDWR | O_CREAT);
       s.file_size("again");
       s.file_size("file");
       s.unlink("file");
     }},
    {"a_file_is_sent_to_a_unix_socket",
     [](Script& s) {
       make_file(s);
       s.socket_pair("a", "b");
       s.send_file("a", "file", 2, 5);
       s.receive("b");
       s.send_file("a", "file", 7, 100);
       s.receive("b");
       s.send_file("a", "file", 10, 100);
       s.send_file("a", "file", 99, 100);
       s.send_file("a", "file", 0, 0);
       s.receive("b");
       s.read("file", 3);
       s.unlink("file");
     }},
    {"a_file_is_sent_over_tcp",
     [](Script& s) {
       make_file(s);
       s.tcp_pair("a", "b");
       s.send_file("a", "file", 0, 4);
       s.send_file("a", "file", 4, 100);
       s.receive_exactly("b", 10);
       s.unlink("file");
     }},
    {"a_large_file_is_sent_in_parts",
     [](Script& s) {
       s.open("writer", "file", O_WRONLY | O_CREAT);
       s.send_pattern("writer", 300'000);
       s.open("file", "file", O_RDONLY);
       s.socket_pair("a", "b");
       s.transfer_file("a", "file", "b", 300'000);
       s.tcp_pair("c", "d");
       s.transfer_file("c", "file", "d", 300'000);
       s.unlink("file");
     },
     "how large the parts are"},
    {"a_file_is_not_sent_to_a_closed_peer",
     [](Script& s) {
       make_file(s);
       s.socket_pair("a", "b");
       s.close("b");
       s.send_file("a", "file", 0, 10);
       s.tcp_pair("c", "d");
       s.shutdown("c", SHUT_WR);
       s.send_file("c", "file", 0, 10);
       s.socket("fresh", tcp4);
       s.send_file("fresh", "file", 0, 10);
       s.unlink("file");
     }},
    {"a_file_is_not_sent_where_there_is_no_room",
     [](Script& s) {
       make_file(s);
       s.socket_pair("a", "b");
       s.fill("a");
       s.send_file("a", "file", 0, 10);
       s.tcp_pair("c", "d");
       s.set("c", send_buffer, 65'536);
       s.fill_up("c");
       s.send_file("c", "file", 0, 10);
       s.unlink("file");
     },
     "how much fits before"},
    {"only_files_are_sent",
     [](Script& s) {
       make_file(s);
       s.socket_pair("a", "b");
       s.counter("counter");
       s.send_file("a", "b", 0, 10);
       s.send_file("a", "counter", 0, 10);
       s.send_file("a", "none", 0, 10);
       s.send_file("none", "file", 0, 10);
       s.open("writer", "file", O_WRONLY);
       s.send_file("a", "writer", 0, 10);
       s.unlink("file");
     }},
    {"sockets_have_no_places_and_no_size",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.read_at("a", 0);
       s.read_pieces_at("a", 0, {1});
       s.write_pieces_at("a", 0, {"x"});
       s.file_size("a");
       s.file_size("none");
       s.read_at("none", 0);
     }},
    {"files_are_no_sockets",
     [](Script& s) {
       make_file(s);
       s.send("file", "hello");
       s.receive("file");
       s.bind("file", "unix:@name");
       s.unlink("file");
     }},
    {"what_cannot_be_read_is_not_sent_and_what_cannot_be_written_takes_nothing",
     [](Script& s) {
       s.open("file", "file", O_RDWR | O_CREAT);
       s.pipe("reader", "writer");
       s.socket_pair("a", "b");
       s.send_file("a", "writer", 0, 8);
       s.send_file("a", "reader", 0, 8);
       s.send_file("reader", "file", 0, 8);
       s.unlink("file");
     }},
};

}  // namespace

Subject file_scenarios() { return {"file", scenarios}; }

}  // namespace weir::conformance
