// weir: socket addresses as scripts write them, with names in place of what each run chooses anew.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "weir/sys/socket_name.h"

namespace weir::conformance {

/// Where a run puts what the machine shares with others.
struct Places {
  std::string folder;    ///< of files and Unix sockets; ends in a slash
  std::string abstract;  ///< what abstract names begin with
  bool shares_ports;     ///< whether other programs' connections have ports there
};

/// Turns text into socket names and back:
///
///     127.0.0.1:0  0.0.0.0:listener  [::1]:b        a port is 0 or the name of the descriptor that had it first
///     unix:/socket                                  a path in the run's folder
///     unix:@name                                    an abstract name
///     unnamed                                       a Unix socket without a name; only printed
///     nobody                                        no name at all; only printed
class AddressBook {
 public:
  explicit AddressBook(Places places) : places_(std::move(places)) {}

  sys::SocketName parse(std::string_view text) const;
  /// Also tells of a length that is not what Linux gives.
  std::string print(const sys::SocketName& name) const;

  /// Calls the port of `name` by the name of `descriptor` from now on. Other names than internet ones have none.
  void learn(const sys::SocketName& name, std::string_view descriptor);
  bool knows(const sys::SocketName& name) const;
  /// Whether the port of `name` is held by a connection that no descriptor of the book's has: another program's, or an
  /// earlier script's. A closed one holds it for a minute more (TIME_WAIT; RFC 9293, 3.6.1), and bind(2) fails meanwhile.
  bool is_strangers(const sys::SocketName& name) const;

  std::string path(std::string_view name) const { return places_.folder + std::string(name); }

 private:
  std::string print_port(std::uint16_t port) const;
  std::string print_local(const sys::SocketName& name) const;

  Places places_;
  std::map<std::string, std::uint16_t, std::less<>> ports_;
  std::map<std::uint16_t, std::string> owners_;
};

}  // namespace weir::conformance
