// weir: simulated UDP sockets.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "weir/sys/sim_kernel/internet_socket.h"

namespace weir::sys {

/// A UDP socket, as net/ipv4/udp.c of Linux answers.
class UdpSocket final : public InternetSocket {
 public:
  UdpSocket(Machine& machine, int family) : InternetSocket(machine, family, SOCK_DGRAM) {}
  ~UdpSocket() override;

  bool keeps_messages_apart() const override { return true; }
  std::uint32_t readiness() override;
  bool has_connection(int& error) override {
    error = EOPNOTSUPP;
    return false;
  }
  Socket* accept(SocketName&) override { return nullptr; }
  CallResult connect(const SocketName& name) override;
  CallResult shutdown(int how) override;
  CallResult peer_name(SocketName& name) override;
  CallResult receive(MutableBytes into) override;
  CallResult send(Bytes from) override;
  CallResult send_to(Bytes from, const SocketName& to) override;
  CallResult receive_from(MutableBytes into, SocketName& from) override;

 private:
  struct Datagram {
    InternetName from;
    std::string bytes;
  };

  Ports& ports() override { return machine().udp_ports; }
  int take_error() override { return std::exchange(error_, 0); }
  int read_destination(const SocketName& from, InternetName& into, int if_v6_only);
  CallResult send_datagram(Bytes from, const InternetName& to);
  /// The file that is bound to `to` on that machine and takes datagrams from `from`; null when there is none.
  static UdpSocket* find(Machine& machine, const InternetName& to, const InternetName& from);
  static void arrive(Machine& sender, Machine& receiver, const InternetName& to, Datagram datagram);
  static void refuse(Machine& sender, Machine& receiver, const InternetName& to, const InternetName& from);

  std::optional<InternetName> peer_;
  std::deque<Datagram> queue_;
  std::size_t queued_bytes_ = 0;
  int error_ = 0;
  bool is_receive_shut_ = false;
  bool is_send_shut_ = false;
};

}  // namespace weir::sys
