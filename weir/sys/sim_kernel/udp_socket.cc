// weir: simulated UDP sockets.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/udp_socket.h"

#include <algorithm>
#include <cerrno>

namespace weir::sys {
namespace {

constexpr std::size_t largest_v4 = 65'507;  // what fits an IP packet behind both headers
constexpr std::size_t largest_v6 = 65'527;
constexpr std::size_t overhead =
    768;  // what a datagram costs of the receive buffer beside its bytes, about as in Linux

}  // namespace

UdpSocket::~UdpSocket() = default;

std::uint32_t UdpSocket::readiness() {
  std::uint32_t events = writable;
  if (!queue_.empty()) events |= readable;
  if (is_receive_shut_) events |= readable | EPOLLRDHUP;
  if (is_receive_shut_ && is_send_shut_) events |= EPOLLHUP;
  if (error_ != 0) events |= EPOLLERR;
  return events;
}

/// An IPv6 socket takes IPv4 names as well, unless it is for IPv6 only.
int UdpSocket::read_destination(const SocketName& from, InternetName& into, int if_v6_only) {
  if (family() != AF_INET6 || from.any.sa_family != AF_INET) return read_peer(from, into);
  if (options().is_set(IPPROTO_IPV6, IPV6_V6ONLY)) return if_v6_only;
  if (const int error = InternetName::read(from, AF_INET, into)) return error;
  if (into.address.is_any()) into.address = InternetAddress::v4(INADDR_LOOPBACK);
  return 0;
}

CallResult UdpSocket::connect(const SocketName& name) {
  if (const int error = bind_if_unbound()) return CallResult::failure(error);  // even if the name is none
  InternetName remote;
  if (const int error = read_destination(name, remote, EAFNOSUPPORT)) return CallResult::failure(error);
  if (!can_reach(remote.address)) return CallResult::failure(EAFNOSUPPORT);
  if (name_.address.is_any()) name_.address = port_->name.address = source_for(remote.address);
  peer_ = remote;
  port_->is_connected = true;
  return CallResult::success();
}

CallResult UdpSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return CallResult::failure(EINVAL);
  is_receive_shut_ |= how != SHUT_WR;  // also where it fails
  is_send_shut_ |= how != SHUT_RD;
  wake(anything);
  return peer_ ? CallResult::success() : CallResult::failure(ENOTCONN);
}

CallResult UdpSocket::peer_name(SocketName& name) {
  if (!peer_) return CallResult::failure(ENOTCONN);
  name = peer_->told_to(family());
  return CallResult::success();
}

CallResult UdpSocket::send(Bytes from) {
  if (const int error = bind_if_unbound()) return CallResult::failure(error);
  return peer_ ? send_datagram(from, *peer_) : CallResult::failure(EDESTADDRREQ);
}

CallResult UdpSocket::send_to(Bytes from, const SocketName& to) {
  if (const int error = bind_if_unbound()) return CallResult::failure(error);  // even if the name is none
  InternetName remote;
  const int family_of_name = to.any.sa_family;
  if (family() == AF_INET6 && family_of_name != AF_INET6 && family_of_name != AF_INET)
    return CallResult::failure(EINVAL);
  if (const int error = read_destination(to, remote, ENETUNREACH)) return CallResult::failure(error);
  if (remote.port == 0) return CallResult::failure(EINVAL);
  return send_datagram(from, remote);
}

CallResult UdpSocket::send_datagram(Bytes from, const InternetName& to) {
  if (!can_reach(to.address)) return CallResult::failure(EAFNOSUPPORT);
  if (from.size() > (to.address.is_v4() ? largest_v4 : largest_v6)) return CallResult::failure(EMSGSIZE);
  if (error_ != 0) return CallResult::failure(take_error());
  if (is_send_shut_) return CallResult::failure(EPIPE);
  wake(writable);  // Linux does so each time that a datagram has left, however much room there was
  Machine* receiver = machine().network().find(machine(), to.address);
  const auto all = static_cast<std::int64_t>(from.size());
  if (receiver == nullptr) return CallResult::success(all);  // sent, and lost
  InternetName source = name_;
  if (source.address.is_any()) source.address = source_for(to.address);
  const auto send_once = [&](TimePoint arrival) {
    Datagram datagram{source, std::string(reinterpret_cast<const char*>(from.data()), from.size())};
    if (arrival == machine().network().timeline().now()) return arrive(machine(), *receiver, to, std::move(datagram));
    machine().network().timeline().at(arrival, [sender = &machine(), receiver, to, datagram]() mutable {
      arrive(*sender, *receiver, to, std::move(datagram));
    });
  };
  const Network::Arrivals arrivals = machine().network().arrivals_of_datagram(machine(), *receiver, from.size());
  if (arrivals.first) send_once(*arrivals.first);
  if (arrivals.second) send_once(*arrivals.second);
  return CallResult::success(all);
}

UdpSocket* UdpSocket::find(Machine& machine, const InternetName& to, const InternetName& from) {
  return static_cast<UdpSocket*>(machine.udp_ports.find(to, [&](const PortUse& use) {
    const auto& peer = static_cast<const UdpSocket*>(use.socket)->peer_;
    return !peer || *peer == from;
  }));
}

void UdpSocket::arrive(Machine& sender, Machine& receiver, const InternetName& to, Datagram datagram) {
  Network& network = receiver.network();
  if (!network.is_up(sender, receiver)) return;
  network.trace().add({network.timeline().now(), static_cast<std::int64_t>(datagram.bytes.size()), receiver.number(),
                       sender.number(), static_cast<std::uint8_t>(NetworkEvent::datagram_arrives), false, false});
  UdpSocket* socket = find(receiver, to, datagram.from);
  if (socket == nullptr) return refuse(sender, receiver, to, datagram.from);
  const std::size_t cost = datagram.bytes.size() + overhead;
  // One is taken however small the buffer; what else finds no room is dropped.
  if (socket->queued_bytes_ > 0 && socket->queued_bytes_ + cost > socket->options().receive_buffer) return;
  socket->queued_bytes_ += cost;
  socket->queue_.push_back(std::move(datagram));
  socket->wake(readable);
}

/// Nobody is there: an ICMP message says so, and a sender that is connected to that name hears of it (udp(7)).
void UdpSocket::refuse(Machine& sender, Machine& receiver, const InternetName& to, const InternetName& from) {
  const auto tell = [&sender, to, from] {
    UdpSocket* socket = find(sender, from, to);
    if (socket == nullptr || socket->peer_ != to) return;
    socket->error_ = ECONNREFUSED;
    socket->wake(EPOLLERR);
  };
  Network& network = receiver.network();
  const auto arrival = network.arrival_of_reply(receiver, sender);
  if (!arrival) return;
  if (*arrival == network.timeline().now()) return tell();
  network.timeline().at(*arrival, tell);
}

CallResult UdpSocket::receive(MutableBytes into) {
  SocketName from;
  const CallResult whole = receive_from(into, from);
  if (!whole) return whole;
  return CallResult::success(static_cast<std::int64_t>(std::min(whole.count(), into.size())));
}

CallResult UdpSocket::receive_from(MutableBytes into, SocketName& from) {
  if (error_ != 0) return CallResult::failure(take_error());
  if (queue_.empty()) return CallResult::failure(EAGAIN);
  const Datagram datagram = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= datagram.bytes.size() + overhead;
  const Bytes bytes = as_bytes(datagram.bytes);
  std::copy_n(bytes.begin(), std::min(bytes.size(), into.size()), into.begin());
  from = datagram.from.told_to(family());
  return CallResult::success(static_cast<std::int64_t>(bytes.size()));
}

}  // namespace weir::sys
