// weir: scenarios of ports: whose they are, when they are free again, and who may share them.
// SPDX-License-Identifier: MIT
#include "tests/conformance/options.h"
#include "tests/conformance/scenarios.h"

namespace weir::conformance {
namespace {

/// A connection whose listener is named `listener`, with the accepted end `server` and the other end `client`.
void connect(Script& s, bool reuses_address) {
  s.socket("listener", tcp4);
  s.set("listener", reuse_address, reuses_address ? 1 : 0);
  s.bind("listener", "127.0.0.1:0");
  s.listen("listener");
  s.socket("client", tcp4);
  s.bind("client", "127.0.0.1:0");  // else connecting may take a port that an earlier connection still holds
  s.connect("client", "127.0.0.1:listener");
  s.await("client", out);
  s.await("listener", in);
  s.accept("listener", "server");
}

/// Tries to bind to the port of `owner`, first without and then with SO_REUSEADDR, and to listen there.
void try_port(Script& s, std::string_view owner, std::string_view host = "127.0.0.1") {
  const std::string address = std::string(host) + ':' + std::string(owner);
  s.socket("plain", tcp4);
  s.bind("plain", address);
  s.close("plain");
  s.socket("reusing", tcp4);
  s.set("reusing", reuse_address, 1);
  if (s.bind("reusing", address)) s.listen("reusing");
  s.close("reusing");
}

const Scenario scenarios[] = {
    {"port_0_is_a_port_of_its_own_each_time",
     [](Script& s) {
       s.socket("a", tcp4);
       s.socket("b", tcp4);
       s.bind("a", "127.0.0.1:0");
       s.bind("b", "127.0.0.1:0");
       s.local_name("a");
       s.local_name("b");
     },
     "which port"},
    {"an_unbound_socket_has_the_name_of_nothing",
     [](Script& s) {
       s.socket("v4", tcp4);
       s.local_name("v4");
       s.socket("v6", tcp6);
       s.local_name("v6");
     }},
    {"a_socket_is_bound_once",
     [](Script& s) {
       s.socket("a", tcp4);
       s.bind("a", "127.0.0.1:0");
       s.bind("a", "127.0.0.1:0");
       s.tcp_pair("left", "right");
       s.bind("left", "127.0.0.1:0");
       s.bind("right", "127.0.0.1:0");
     }},
    {"an_address_can_be_bound_that_gets_its_port_by_connecting",
     [](Script& s) {
       for (const Kind& kind : {tcp4, tcp6}) {
         const bool is_v6 = kind.family == AF_INET6;
         s.tcp_listener("listener", 8, is_v6 ? "[::1]:0" : "127.0.0.1:0");
         s.socket("client", kind);
         s.set("client", bind_no_port, 7);
         s.get("client", bind_no_port);
         s.bind("client", is_v6 ? "[::1]:0" : "127.0.0.1:0");
         s.local_name("client");
         s.bind("client", is_v6 ? "[::1]:0" : "127.0.0.2:0");
         s.connect("client", is_v6 ? "[::1]:listener" : "127.0.0.1:listener");
         s.await("client", out);
         s.local_name("client");
         s.bind("client", is_v6 ? "[::1]:0" : "127.0.0.1:0");
         s.close("client");
         s.close("listener");
       }
     }},
    {"an_address_without_a_port_gets_one_by_listening",
     [](Script& s) {
       s.socket("listener", tcp4);
       s.set("listener", bind_no_port, 1);
       s.bind("listener", "127.0.0.1:0");
       s.listen("listener");
       s.local_name("listener");
       s.socket("client", tcp4);
       s.connect("client", "127.0.0.1:listener");
       s.await("client", out);
     }},
    {"a_port_that_is_asked_for_is_taken_at_once",
     [](Script& s) {
       s.socket("first", tcp4);
       s.bind("first", "127.0.0.1:0");
       s.socket("second", tcp4);
       s.set("second", bind_no_port, 1);
       s.bind("second", "127.0.0.1:first");
       s.bind("second", "0.0.0.0:0");
       s.local_name("second");
       s.bind("second", "127.0.0.1:0");
       s.local_name("second");
     }},
    {"an_address_without_a_port_survives_an_attempt_that_fails",
     [](Script& s) {
       s.socket("nobody", tcp4);
       s.bind("nobody", "127.0.0.1:0");
       s.tcp_listener("listener");
       s.socket("client", tcp4);
       s.set("client", bind_no_port, 1);
       s.bind("client", "127.0.0.2:0");
       s.connect("client", "127.0.0.1:nobody");
       s.await("client", everything);
       s.take_error("client");
       s.connect("client", "127.0.0.1:listener");
       s.connect("client", "127.0.0.1:listener");
       s.await("client", out);
       s.await("listener", in);
       s.accept_naming_peer("listener", "server");
       s.peer_name("client");
     }},
    {"datagrams_leave_an_address_that_has_no_port_by_one_of_the_systems_choice",
     [](Script& s) {
       s.socket("to", udp4);
       s.bind("to", "127.0.0.1:0");
       s.socket("from", udp4);
       s.set("from", bind_no_port, 1);
       s.bind("from", "127.0.0.2:0");
       s.local_name("from");
       s.send_to("from", "hello", "127.0.0.1:to");
       s.local_name("from");
       s.await("to", in);
       s.receive_from("to");
     }},
    {"a_bound_port_is_taken_although_nobody_listens",
     [](Script& s) {
       s.socket("a", tcp4);
       s.bind("a", "127.0.0.1:0");
       s.socket("b", tcp4);
       s.bind("b", "127.0.0.1:a");
       s.set("b", reuse_address, 1);
       s.bind("b", "127.0.0.1:a");
     }},
    {"two_that_reuse_addresses_share_a_port_until_one_listens",
     [](Script& s) {
       s.socket("a", tcp4);
       s.set("a", reuse_address, 1);
       s.bind("a", "127.0.0.1:0");
       s.socket("b", tcp4);
       s.set("b", reuse_address, 1);
       s.bind("b", "127.0.0.1:a");
       s.listen("a");
       s.listen("b");
       s.socket("c", tcp4);
       s.set("c", reuse_address, 1);
       s.bind("c", "127.0.0.1:a");
       s.close("a");
       s.listen("b");
     }},
    {"a_listeners_port_is_taken",
     [](Script& s) {
       s.tcp_listener("listener");
       try_port(s, "listener");
       s.socket("a", tcp4);
       s.set("a", reuse_port, 1);
       s.bind("a", "127.0.0.1:listener");
     }},
    {"a_listeners_port_is_taken_although_it_reuses_addresses",
     [](Script& s) {
       s.socket("listener", tcp4);
       s.set("listener", reuse_address, 1);
       s.bind("listener", "127.0.0.1:0");
       s.listen("listener");
       try_port(s, "listener");
     }},
    {"a_listeners_port_is_free_as_soon_as_it_closes",
     [](Script& s) {
       s.tcp_listener("listener");
       s.close("listener");
       try_port(s, "listener");
     }},
    {"the_wildcard_and_an_address_conflict",
     [](Script& s) {
       s.tcp_listener("specific");
       try_port(s, "specific", "0.0.0.0");
       s.tcp_listener("wildcard", 8, "0.0.0.0:0");
       try_port(s, "wildcard", "127.0.0.1");
       try_port(s, "wildcard", "0.0.0.0");
     }},
    {"different_addresses_do_not_conflict",
     [](Script& s) {
       s.tcp_listener("listener");
       s.socket("other", tcp4);
       s.bind("other", "127.0.0.2:listener");
       s.listen("other");
       s.socket("v6", tcp6);
       s.bind("v6", "[::1]:listener");
       s.listen("v6");
     }},
    {"the_dual_stack_wildcard_conflicts_with_ipv4",
     [](Script& s) {
       s.tcp_listener("dual", 8, "[::]:0");
       try_port(s, "dual", "127.0.0.1");
       try_port(s, "dual", "0.0.0.0");
       s.tcp_listener("v4", 8, "0.0.0.0:0");
       s.socket("v6", tcp6);
       s.bind("v6", "[::]:v4");
       s.set("v6", v6_only, 1);
       s.bind("v6", "[::]:v4");
       s.listen("v6");
     }},
    {"an_address_of_another_machine_cannot_be_bound",
     [](Script& s) {
       s.socket("a", tcp4);
       s.bind("a", "203.0.113.7:0");
       s.socket("b", tcp6);
       s.bind("b", "[2001:db8::7]:0");
       s.bind("a", "127.0.0.1:0");
     }},
    {"two_share_a_port_only_if_both_ask_for_it",
     [](Script& s) {
       s.socket("a", tcp4);
       s.set("a", reuse_port, 1);
       s.bind("a", "127.0.0.1:0");
       s.socket("b", tcp4);
       s.bind("b", "127.0.0.1:a");
       s.set("b", reuse_address, 1);
       s.bind("b", "127.0.0.1:a");
       s.set("b", reuse_port, 1);
       s.bind("b", "127.0.0.1:a");
       s.listen("a");
       s.listen("b");
     }},
    {"a_live_connection_keeps_the_port_of_its_listener",
     [](Script& s) {
       connect(s, false);
       s.close("listener");
       try_port(s, "listener");
     }},
    {"a_live_connection_leaves_the_port_to_one_that_reuses_addresses",
     [](Script& s) {
       connect(s, true);
       s.close("listener");
       try_port(s, "listener");
     }},
    {"a_connection_closed_here_first_keeps_the_port_for_a_while",
     [](Script& s) {
       connect(s, false);
       s.close("listener");
       s.close("server");
       s.await("client", in | end);
       s.close("client");
       s.pause();
       try_port(s, "listener");
     }},
    {"a_connection_closed_here_first_leaves_the_port_to_one_that_reuses_addresses",
     [](Script& s) {
       connect(s, true);
       s.close("listener");
       s.close("server");
       s.await("client", in | end);
       s.close("client");
       s.pause();
       try_port(s, "listener");
     }},
    {"a_connection_closed_there_first_keeps_the_port_there_and_not_here",
     [](Script& s) {
       connect(s, false);
       s.close("listener");
       s.close("client");
       s.await("server", in | end);
       s.close("server");
       s.pause();
       try_port(s, "listener");
       try_port(s, "client");
     }},
    {"a_reset_connection_leaves_the_port_at_once",
     [](Script& s) {
       connect(s, false);
       s.close("listener");
       s.set_linger("server", true, 0);
       s.close("server");
       s.await("client", everything);
       s.close("client");
       try_port(s, "listener");
       try_port(s, "client");
     }},
    {"a_connected_sockets_own_port_is_taken",
     [](Script& s) {
       connect(s, false);
       try_port(s, "client");
     }},
    {"a_refused_client_keeps_a_port_that_it_named_itself",
     [](Script& s) {
       s.socket("silent", tcp4);
       s.bind("silent", "127.0.0.1:0");
       s.socket("chosen", tcp4);
       s.bind("chosen", "127.0.0.1:0");
       s.close("chosen");
       s.socket("client", tcp4);
       s.bind("client", "127.0.0.1:chosen");
       s.connect("client", "127.0.0.1:silent");
       s.await("client", everything);
       s.local_name("client");
       s.socket("other", tcp4);
       s.bind("other", "127.0.0.1:chosen");
       s.bind("client", "127.0.0.1:0");
     }},
    {"a_refused_client_gives_up_a_port_that_the_system_chose",
     [](Script& s) {
       s.socket("silent", tcp4);
       s.bind("silent", "127.0.0.1:0");
       s.socket("client", tcp4);
       s.bind("client", "127.0.0.1:0");
       s.connect("client", "127.0.0.1:silent");
       s.await("client", everything);
       s.local_name("client");
       s.take_error("client");
       s.socket("other", tcp4);
       s.bind("other", "127.0.0.1:client");
     }},
    {"a_listener_that_is_shut_gives_up_a_port_that_the_system_chose",
     [](Script& s) {
       s.tcp_listener("a");
       s.shutdown("a", SHUT_RD);
       s.socket("b", tcp4);
       s.bind("b", "127.0.0.1:a");
       s.local_name("a");
     }},
    {"a_reset_socket_can_be_bound_again",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.set_linger("b", true, 0);
       s.close("b");
       s.await("a", everything);
       s.bind("a", "127.0.0.1:0");
       s.local_name("a");
     }},
    {"a_connected_ipv6_socket_is_in_the_way_of_the_ipv4_wildcard",
     [](Script& s) {
       s.tcp_pair("a", "b", "[::1]:0");
       s.socket("c", tcp4);
       s.bind("c", "0.0.0.0:a");
       s.socket("d", tcp4);
       s.bind("d", "0.0.0.0:b");
     }},
    {"a_live_connection_may_be_told_later_to_leave_the_port",
     [](Script& s) {
       s.tcp_pair("a", "b");
       s.socket("c", tcp4);
       s.set("c", reuse_address, 1);
       s.bind("c", "127.0.0.1:b");
       s.set("b", reuse_address, 1);
       s.bind("c", "127.0.0.1:b");
     }},
};

}  // namespace

Subject tcp_bind_scenarios() { return {"tcp_bind", scenarios}; }

}  // namespace weir::conformance
