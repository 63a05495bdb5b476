// weir: scenarios of Unix sockets: names, connecting, accepting.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

/// A socket that listens at `address`.
void listen_at(Script& s, std::string_view name, std::string_view address, int backlog = 8) {
  s.socket(name, unix_stream);
  s.bind(name, address);
  s.listen(name, backlog);
}

/// Connects `name` to `address`.
void connect_to(Script& s, std::string_view name, std::string_view address) {
  s.socket(name, unix_stream);
  s.connect(name, address);
}

const Scenario scenarios[] = {
    {"a_bound_path_is_a_file_that_outlives_the_socket",
     [](Script& s) {
       s.describe_file("socket");
       s.socket("a", unix_stream);
       s.bind("a", "unix:/socket");
       s.describe_file("socket");
       s.local_name("a");
       s.close("a");
       s.describe_file("socket");
       s.unlink("socket");
       s.describe_file("socket");
       s.unlink("socket");
     }},
    {"a_connection_by_path_is_made_at_once",
     [](Script& s) {
       listen_at(s, "listener", "unix:/socket");
       s.await_nothing("listener", everything);
       connect_to(s, "client", "unix:/socket");
       s.await("client", out);
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
       s.await_nothing("listener", everything);
       s.accept("listener", "another");
       s.send("client", "hello");
       s.receive("server");
       s.send("server", "and back");
       s.receive("client");
       s.unlink("socket");
     }},
    {"each_end_knows_the_names",
     [](Script& s) {
       listen_at(s, "listener", "unix:/socket");
       connect_to(s, "client", "unix:/socket");
       s.local_name("client");
       s.peer_name("client");
       s.accept("listener", "server");
       s.local_name("server");
       s.peer_name("server");
       s.local_name("listener");
       s.peer_name("listener");
       s.unlink("socket");
     }},
    {"a_client_may_be_bound_too",
     [](Script& s) {
       listen_at(s, "listener", "unix:/socket");
       s.socket("client", unix_stream);
       s.local_name("client");
       s.bind("client", "unix:/client");
       s.connect("client", "unix:/socket");
       s.accept_naming_peer("listener", "server");
       s.peer_name("server");
       s.unlink("socket");
       s.unlink("client");
     }},
    {"a_path_is_taken_whatever_is_there",
     [](Script& s) {
       listen_at(s, "listener", "unix:/socket");
       s.socket("second", unix_stream);
       s.bind("second", "unix:/socket");
       s.set("second", reuse_address, 1);
       s.bind("second", "unix:/socket");
       s.close("listener");
       s.bind("second", "unix:/socket");
       s.unlink("socket");
       s.bind("second", "unix:/socket");
       s.open("file", "file", O_WRONLY | O_CREAT);
       s.socket("third", unix_stream);
       s.bind("third", "unix:/file");
       s.describe_file("file");
       s.compare_files("socket", "socket");
       s.compare_files("socket", "file");
       s.unlink("socket");
       s.unlink("file");
     }},
    {"a_socket_is_bound_once",
     [](Script& s) {
       s.socket("a", unix_stream);
       s.bind("a", "unix:/socket");
       s.bind("a", "unix:/other");
       s.describe_file("other");
       s.unlink("socket");
     }},
    {"connecting_in_vain_tells_why",
     [](Script& s) {
       connect_to(s, "a", "unix:/missing");
       s.socket("silent", unix_stream);
       s.bind("silent", "unix:/silent");
       s.connect("a", "unix:/silent");
       s.close("silent");
       s.connect("a", "unix:/silent");
       s.open("file", "file", O_WRONLY | O_CREAT);
       s.connect("a", "unix:/file");
       s.connect("a", "unix:@missing");
       s.take_error("a");
       s.await("a", out | hangup);
       s.unlink("silent");
       s.unlink("file");
     }},
    {"a_socket_refused_before_can_connect",
     [](Script& s) {
       connect_to(s, "a", "unix:/missing");
       listen_at(s, "listener", "unix:/socket");
       s.connect("a", "unix:/socket");
       s.connect("a", "unix:/socket");
       s.unlink("socket");
     }},
    {"a_listener_whose_path_is_gone_cannot_be_reached",
     [](Script& s) {
       listen_at(s, "listener", "unix:/socket");
       connect_to(s, "early", "unix:/socket");
       s.unlink("socket");
       connect_to(s, "late", "unix:/socket");
       s.accept("listener", "server");
       s.local_name("server");
       listen_at(s, "second", "unix:/socket");
       s.connect("late", "unix:/socket");
       s.accept("listener", "another");
       s.accept("second", "another");
       s.unlink("socket");
     }},
    {"bytes_sent_before_the_accept_are_there_after_it",
     [](Script& s) {
       listen_at(s, "listener", "unix:@listener");
       connect_to(s, "client", "unix:@listener");
       s.send("client", "hello");
       s.accept("listener", "server");
       s.receive("server");
     }},
    {"an_abstract_name_needs_no_file_and_is_free_after_the_close",
     [](Script& s) {
       listen_at(s, "listener", "unix:@listener");
       s.local_name("listener");
       s.socket("second", unix_stream);
       s.bind("second", "unix:@listener");
       connect_to(s, "client", "unix:@listener");
       s.peer_name("client");
       s.accept_naming_peer("listener", "server");
       s.local_name("server");
       s.close("listener");
       connect_to(s, "late", "unix:@listener");
       s.bind("second", "unix:@listener");
       s.close("server");
       s.bind("second", "unix:@listener");
     }},
    {"connections_are_accepted_in_the_order_they_came",
     [](Script& s) {
       listen_at(s, "listener", "unix:@listener");
       for (const char* name : {"first", "second", "third"}) {
         connect_to(s, name, "unix:@listener");
         s.send(name, name);
       }
       for (const char* name : {"a", "b", "c"}) {
         s.accept("listener", name);
         s.receive(name);
       }
       s.accept("listener", "d");
     }},
    {"a_full_queue_says_try_again",
     [](Script& s) {
       listen_at(s, "listener", "unix:@listener", 1);
       connect_to(s, "first", "unix:@listener");
       connect_to(s, "second", "unix:@listener");
       connect_to(s, "third", "unix:@listener");
       s.await("third", out | hangup);
       s.peer_name("third");
       s.accept("listener", "a");
       s.connect("third", "unix:@listener");
     }},
    {"an_accepted_socket_has_no_options_of_its_listener",
     [](Script& s) {
       s.socket("listener", unix_stream);
       s.set("listener", keep_alive, 1);
       s.set("listener", reuse_address, 1);
       s.set_linger("listener", true, 3);
       s.bind("listener", "unix:@options");
       s.listen("listener");
       s.socket("client", unix_stream);
       s.connect("client", "unix:@options");
       s.accept("listener", "server");
       s.get("server", keep_alive);
       s.get("server", reuse_address);
       s.get_linger("server");
     }},
    {"a_backlog_of_0_takes_one",
     [](Script& s) {
       listen_at(s, "listener", "unix:@listener", 0);
       connect_to(s, "first", "unix:@listener");
       connect_to(s, "second", "unix:@listener");
       s.listen("listener", 1);
       s.connect("second", "unix:@listener");
     }},
    {"only_a_listening_socket_accepts",
     [](Script& s) {
       s.socket("a", unix_stream);
       s.accept("a", "b");
       s.bind("a", "unix:@a");
       s.accept("a", "b");
       s.socket_pair("left", "right");
       s.accept("left", "b");
     }},
    {"only_a_bound_socket_listens",
     [](Script& s) {
       s.socket("a", unix_stream);
       s.listen("a");
       s.socket_pair("left", "right");
       s.listen("left");
       s.bind("a", "unix:@a");
       s.listen("a");
       s.listen("a");
       connect_to(s, "client", "unix:@a");
       s.listen("client");
     }},
    {"a_listening_socket_carries_no_bytes_and_cannot_connect",
     [](Script& s) {
       listen_at(s, "listener", "unix:@listener");
       listen_at(s, "other", "unix:@other");
       s.send("listener", "hello");
       s.receive("listener");
       s.connect("listener", "unix:@other");
       s.peer_name("listener");
     }},
    {"a_socket_that_never_connected_refuses_bytes",
     [](Script& s) {
       s.socket("a", unix_stream);
       s.send("a", "hello");
       s.receive("a");
       s.peer_name("a");
       s.local_name("a");
       s.take_error("a");
       s.look("a");
     }},
    {"a_connected_socket_does_not_connect_again",
     [](Script& s) {
       listen_at(s, "listener", "unix:@listener");
       connect_to(s, "client", "unix:@listener");
       s.connect("client", "unix:@listener");
       s.accept("listener", "server");
       s.connect("server", "unix:@listener");
       s.connect("client", "unix:/missing");
     }},
    {"a_pair_has_no_names",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.local_name("a");
       s.peer_name("a");
       s.await("a", out);
       s.await_nothing("a", everything & ~out);
     }},
    {"a_pair_of_tcp_sockets_does_not_exist",
     [](Script& s) {
       s.socket_pair("a", "b", tcp4);
       s.socket_pair("a", "b", udp4);
     }},
    {"the_path_of_a_socket_cannot_be_opened",
     [](Script& s) {
       listen_at(s, "listener", "unix:/socket");
       s.open("file", "socket", O_RDONLY);
       s.open("file", "socket", O_RDWR | O_CREAT);
       s.unlink("socket");
     }},
    {"a_refusal_is_told_before_that_the_socket_is_connected",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.socket("bound", unix_stream);
       s.bind("bound", "unix:@bound");
       s.connect("a", "unix:@bound");
       s.socket("listener", unix_stream);
       s.bind("listener", "unix:@listener");
       s.listen("listener");
       s.connect("a", "unix:@listener");
     }},
    {"a_bound_socket_told_to_take_a_path_again_finds_it_taken",
     [](Script& s) {
       s.socket("a", unix_stream);
       s.bind("a", "unix:/path");
       s.bind("a", "unix:/path");
       s.bind("a", "unix:/other");
       s.unlink("path");
     }},
    {"a_name_given_after_connecting_is_told_to_the_peer",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.bind("b", "unix:@late");
       s.peer_name("a");
       s.close("b");
       s.peer_name("a");
     }},
    {"bytes_tell_the_name_of_who_sent_them_if_there_is_one",
     [](Script& s) {
       s.socket_pair("a", "b");
       s.send("a", "hello");
       s.receive_from("b");
       s.bind("a", "unix:@late");
       s.send("a", "hello");
       s.receive_from("b");
       s.receive_from("b");
     }},
};

}  // namespace

Subject unix_scenarios() { return {"unix", scenarios}; }

}  // namespace weir::conformance
