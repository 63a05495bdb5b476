// weir: scenarios of descriptor numbers, and of calls on descriptors of the wrong kind.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

/// Every call that is for sockets only.
void try_socket_calls(Script& s, std::string_view name) {
  s.bind(name, "127.0.0.1:0");
  s.listen(name);
  s.accept(name, "accepted");
  s.connect(name, "127.0.0.1:0");
  s.shutdown(name, SHUT_WR);
  s.local_name(name);
  s.peer_name(name);
  s.get(name, type);
  s.set(name, keep_alive, 1);
  s.receive(name);
  s.receive_from(name);
  s.send(name, "hello");
  s.send_pieces(name, {"hello"});
  s.send_to(name, "hello", "127.0.0.1:0");
}

const Scenario scenarios[] = {
    {"the_lowest_free_number_is_used",
     [](Script& s) {
       for (const char* name : {"a", "b", "c"}) s.counter(name);
       s.close("b");
       s.epoll("e");
       s.compare_numbers("b", "e");
       s.close("a");
       s.close("e");
       s.socket("f", tcp4);
       s.compare_numbers("a", "f");
       s.pipe("r", "w");
       s.compare_numbers("e", "r");
       s.close("r");
       s.close("f");
       s.close("w");
       s.socket_pair("x", "y");
       s.compare_numbers("f", "x");
       s.compare_numbers("r", "y");
       s.open("file", "file", O_RDWR | O_CREAT);
       s.compare_numbers("w", "file");
       s.unlink("file");
     }},
    {"an_accepted_connection_gets_the_lowest_free_number",
     [](Script& s) {
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.counter("hole");
       s.socket("client", unix_stream);
       s.connect("client", "unix:@listener");
       s.close("hole");
       s.accept("listener", "server");
       s.compare_numbers("hole", "server");
     }},
    {"a_call_that_fails_uses_no_number",
     [](Script& s) {
       s.counter("a");
       s.close("a");
       s.open("file", "missing", O_RDONLY);
       s.socket_pair("x", "y", tcp4);
       s.socket("odd", {"of an unknown type", AF_INET, 4711});
       s.socket("odd", {"of an unknown family", 4711, SOCK_STREAM});
       s.counter("b");
       s.compare_numbers("a", "b");
       s.tcp_listener("listener");
       s.accept("listener", "nobody");
       s.counter("c");
       s.close("c");
       s.accept("listener", "nobody");
       s.counter("d");
       s.compare_numbers("c", "d");
     }},
    {"a_number_that_is_none_is_refused_by_every_call",
     [](Script& s) {
       s.epoll("e");
       try_socket_calls(s, "none");
       s.read("none");
       s.write("none", "hello");
       s.close("none");
       s.add("e", "none", in);
       s.modify("e", "none", in);
       s.remove("e", "none");
       s.add("none", "e", in);
       s.wait("none");
     }},
    {"a_closed_number_is_refused_until_it_is_used_again",
     [](Script& s) {
       s.counter("a");
       s.close("a");
       s.write_number("a", 1);
       s.close("a");
       s.counter("b");
       s.write_number("b", 1);
       s.read_number("b");
     }},
    {"calls_for_sockets_refuse_everything_else",
     [](Script& s) {
       s.pipe("r", "w");
       s.counter("counter");
       s.epoll("e");
       s.open("file", "file", O_RDWR | O_CREAT);
       for (const char* name : {"r", "w", "counter", "e", "file"}) try_socket_calls(s, name);
       s.unlink("file");
     }},
    {"each_descriptor_tells_its_kind_and_how_it_was_opened",
     [](Script& s) {
       s.open("reading", "file", O_RDONLY | O_CREAT);
       s.open("writing", "file", O_WRONLY);
       s.open("both", "file", O_RDWR);
       s.open("adding", "file", O_WRONLY | O_APPEND);
       s.pipe("r", "w");
       s.socket_pair("x", "y");
       s.socket("tcp", tcp4);
       s.socket("udp", udp4);
       s.counter("counter");
       s.epoll("e");
       for (const char* name :
            {"reading", "writing", "both", "adding", "r", "w", "x", "tcp", "udp", "counter", "e", "none"}) {
         s.file_kind(name);
         s.status_flags(name);
       }
       s.tcp_pair("left", "right");
       s.status_flags("right");
       s.unlink("file");
     }},
    {"what_was_set_is_told_and_how_it_was_opened_stays",
     [](Script& s) {
       s.open("file", "file", O_RDONLY | O_CREAT);
       s.pipe("r", "w");
       s.socket_pair("x", "y");
       s.counter("counter");
       for (const char* name : {"file", "r", "w", "x", "counter", "none"}) {
         for (const int flags : {0, O_NONBLOCK, O_RDWR, O_RDWR | O_APPEND | O_NONBLOCK}) {
           s.set_status_flags(name, flags);
           s.status_flags(name);
         }
       }
       s.status_flags("y");
       s.unlink("file");
     }},
    {"a_file_can_be_made_to_be_appended_to",
     [](Script& s) {
       s.open("file", "file", O_RDWR | O_CREAT);
       s.write("file", "0123");
       s.open("again", "file", O_RDWR);
       s.write("again", "a");
       s.set_status_flags("again", O_APPEND);
       s.write("again", "b");
       s.write_pieces_at("again", 0, {"c"});
       s.set_status_flags("again", 0);
       s.write_pieces_at("again", 0, {"d"});
       s.write("again", "e");
       s.read_at("file", 0);
       s.unlink("file");
     }},
};

}  // namespace

Subject descriptor_scenarios() { return {"descriptors", scenarios}; }

}  // namespace weir::conformance
