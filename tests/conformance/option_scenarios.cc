// weir: scenarios of socket options: stored, rounded, refused.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

const Scenario scenarios[] = {
    {"a_socket_tells_what_it_is",
     [](Script& s) {
       for (const Kind& kind : {tcp4, tcp6, udp4, udp6, unix_stream}) {
         s.socket(kind.name, kind);
         s.get(kind.name, type);
         s.get(kind.name, domain);
         s.get(kind.name, protocol);
         s.get(kind.name, accepts_connections);
         s.take_error(kind.name);
       }
     }},
    {"a_tcp_socket_starts_with_everything_off",
     [](Script& s) {
       s.socket("a", tcp4);
       s.get("a", keep_alive);
       s.get("a", reuse_address);
       s.get("a", reuse_port);
       s.get("a", no_delay);
       s.get_linger("a");
       s.socket("v6", tcp6);
       s.get("v6", v6_only);
     }},
    {"switches_are_stored_as_0_and_1",
     [](Script& s) {
       s.socket("a", tcp4);
       for (const Option& option : {keep_alive, reuse_address, reuse_port, no_delay}) {
         s.set("a", option, 7);
         s.get("a", option);
         s.set("a", option, 0);
         s.get("a", option);
       }
     }},
    {"keep_alive_and_the_user_timeout_have_bounds",
     [](Script& s) {
       s.socket("a", tcp4);
       for (const Option& option : {keep_idle, keep_interval, keep_count, user_timeout}) {
         for (const int value : {1, 127, 128, 32'767, 32'768, 0, -1}) {
           s.set("a", option, value);
           s.get("a", option);
         }
       }
       s.socket("local", unix_stream);
       s.set("local", keep_idle, 1);
       s.set("local", user_timeout, 1);
     }},
    {"the_time_to_defer_accepting_is_rounded_to_repetitions",
     [](Script& s) {
       s.socket("a", tcp4);
       for (const int seconds : {1, 2, 3, 4, 7, 8, 100, 200, 1000, 100'000, 0, -1}) {
         s.set("a", defer_accept, seconds);
         s.get("a", defer_accept);
       }
     }},
    {"buffer_sizes_are_doubled",
     [](Script& s) {
       s.socket("tcp", tcp4);
       s.socket("udp", udp4);
       s.socket("unix", unix_stream);
       for (const char* name : {"tcp", "udp", "unix"}) {
         s.set(name, send_buffer, 50'000);
         s.get(name, send_buffer);
         s.set(name, receive_buffer, 50'000);
         s.get(name, receive_buffer);
       }
     }},
    {"buffer_sizes_have_a_least_value",
     [](Script& s) {
       s.socket("tcp", tcp4);
       s.set("tcp", send_buffer, 1);
       s.get("tcp", send_buffer);
       s.set("tcp", receive_buffer, 1);
       s.get("tcp", receive_buffer);
       s.set("tcp", send_buffer, 0);
       s.get("tcp", send_buffer);
     },
     "the least value itself differs with the kernel's version and build; these are the usual ones"},
    {"a_buffer_size_set_on_a_connection_is_stored",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set("a", send_buffer, 30'000);
       s.get("a", send_buffer);
       s.set("b", receive_buffer, 30'000);
       s.get("b", receive_buffer);
     }},
    {"linger_is_stored",
     [](Script& s) {
       s.socket("a", tcp4);
       s.set_linger("a", true, 0);
       s.get_linger("a");
       s.set_linger("a", true, 5);
       s.get_linger("a");
       s.set_linger("a", false, 7);
       s.get_linger("a");
     }},
    {"linger_needs_both_of_its_numbers",
     [](Script& s) {
       s.socket("a", tcp4);
       s.set("a", {"SO_LINGER", SOL_SOCKET, SO_LINGER}, 1);
     }},
    {"listening_shows_in_an_option",
     [](Script& s) {
       s.socket("a", tcp4);
       s.bind("a", "127.0.0.1:0");
       s.get("a", accepts_connections);
       s.listen("a");
       s.get("a", accepts_connections);
       s.socket("local", unix_stream);
       s.bind("local", "unix:@listening");
       s.listen("local");
       s.get("local", accepts_connections);
     }},
    {"an_unknown_option_is_an_error_and_so_is_an_unknown_level",
     [](Script& s) {
       for (const Kind& kind : {tcp4, tcp6, udp4, unix_stream}) {
         s.socket(kind.name, kind);
         s.get(kind.name, unknown_option);
         s.set(kind.name, unknown_option, 1);
         s.get(kind.name, unknown_tcp_option);
         s.set(kind.name, unknown_tcp_option, 1);
         s.get(kind.name, unknown_level);
         s.set(kind.name, unknown_level, 1);
       }
     }},
    {"what_can_only_be_read_cannot_be_set",
     [](Script& s) {
       s.socket("a", tcp4);
       s.set("a", type, SOCK_DGRAM);
       s.set("a", domain, AF_UNIX);
       s.set("a", protocol, 0);
       s.set("a", error_option, 0);
       s.set("a", accepts_connections, 1);
     }},
    {"tcp_options_are_for_tcp_sockets",
     [](Script& s) {
       s.socket("local", unix_stream);
       s.set("local", no_delay, 1);
       s.get("local", no_delay);
       s.socket("datagrams", udp4);
       s.set("datagrams", no_delay, 1);
       s.get("datagrams", no_delay);
       s.socket("v6", tcp6);
       s.set("v6", no_delay, 1);
       s.get("v6", no_delay);
     }},
    {"ipv6_options_are_for_ipv6_sockets",
     [](Script& s) {
       s.socket("v4", tcp4);
       s.set("v4", v6_only, 1);
       s.get("v4", v6_only);
       s.socket("v6", tcp6);
       s.set("v6", v6_only, 1);
       s.get("v6", v6_only);
       s.set("v6", v6_only, 0);
       s.bind("v6", "[::]:0");
       s.set("v6", v6_only, 1);
       s.get("v6", v6_only);
     }},
    {"switches_are_stored_on_unix_sockets",
     [](Script& s) {
       s.socket("a", unix_stream);
       s.set("a", keep_alive, 1);
       s.get("a", keep_alive);
       s.set("a", reuse_address, 1);
       s.get("a", reuse_address);
       s.set_linger("a", true, 0);
       s.get_linger("a");
     }},
    {"options_are_for_sockets",
     [](Script& s) {
       s.counter("counter");
       s.get("counter", type);
       s.set("counter", keep_alive, 1);
       s.get("none", type);
       s.set("none", keep_alive, 1);
     }},
    {"an_ipv6_address_is_for_ipv6_only",
     [](Script& s) {
       s.socket("a", tcp6);
       s.bind("a", "[::1]:0");
       s.get("a", v6_only);
       s.tcp_pair("c", "d", "[::1]:0");
       s.get("c", v6_only);
       s.get("d", v6_only);
       s.socket("v4", udp4);
       s.bind("v4", "127.0.0.1:0");
       s.set("v4", v6_only, 1);
       s.socket("only", tcp6);
       s.set("only", v6_only, 1);
       s.bind("only", "[::ffff:127.0.0.1]:0");
     }},
    {"a_reset_socket_is_bound_no_more",
     [](Script& s) {
       s.tcp_pair("a", "b", "[::1]:0");
       s.set("a", v6_only, 1);
       s.set_linger("b", true, 0);
       s.close("b");
       s.await("a", everything);
       s.set("a", v6_only, 1);
     }},
};

}  // namespace

Subject option_scenarios() { return {"options", scenarios}; }

}  // namespace weir::conformance
