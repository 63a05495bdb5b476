// weir: what simulated TCP and UDP sockets have in common.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "weir/sys/sim_kernel/machine.h"
#include "weir/sys/sim_kernel/socket_options.h"

namespace weir::sys {

/// A socket with an IPv4 or IPv6 name.
class InternetSocket : public Socket {
 public:
  CallResult bind(const SocketName& name) override;
  CallResult local_name(SocketName& name) override;
  CallResult get_option(int level, int option, MutableBytes value) override;
  CallResult set_option(int level, int option, Bytes value) override;

 protected:
  InternetSocket(Machine& machine, int family, int type)
      : machine_(machine),
        family_(family),
        options_(family, type, machine.options()) {}

  virtual Ports& ports() = 0;
  virtual int take_error() = 0;
  virtual bool is_listening() const { return false; }
  virtual void option_changed(int, int) {}
  /// Null while there is no port.
  virtual PortUse* port_use() { return port_.get(); }
  /// True when the system has taken back the port it had chosen, though the socket still tells of it.
  virtual bool has_lost_port() { return false; }

  Machine& machine() noexcept { return machine_; }
  int family() const noexcept { return family_; }
  SocketOptions& options() noexcept { return options_; }
  bool is_bound() { return name_.port != 0 && !has_lost_port(); }

  /// What the program calls this end.
  InternetName name_;
  bool has_chosen_address_ = false;  // by bind(2): kept until the socket is closed
  std::unique_ptr<PortUse> port_;

  /// Reads the name of a peer; a wildcard means this machine. An errno number; 0 is success.
  int read_peer(const SocketName& from, InternetName& into) const;
  std::unique_ptr<PortUse> new_use(const InternetName& name);
  InternetAddress wildcard() const noexcept;
  /// The address that this machine sends from to get to `peer`.
  InternetAddress source_for(const InternetAddress& peer) const noexcept;
  /// False where an IPv6 socket that has an IPv4 address, mapped, is to send to an IPv6 one.
  bool can_reach(const InternetAddress& peer) const noexcept {
    return name_.address.is_any() || !name_.address.is_v4() || peer.is_v4();
  }
  /// Takes a port of the system's choice unless there is one. An errno number; 0 is success.
  int bind_if_unbound();

 private:
  Machine& machine_;
  int family_;
  SocketOptions options_;
};

}  // namespace weir::sys
