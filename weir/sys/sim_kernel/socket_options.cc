// weir: the options of simulated sockets.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir::sys {
namespace {

// The kernel doubles what is asked for, to have room for its own bookkeeping (socket(7)), and keeps to these bounds.
constexpr std::size_t least_send_buffer = 4608;
constexpr std::size_t least_receive_buffer = 2304;

bool is_known(int level, int option) {
  switch (level) {
    case SOL_SOCKET:
      switch (option) {
        case SO_REUSEADDR:
        case SO_REUSEPORT:
        case SO_KEEPALIVE:
        case SO_BROADCAST:
        case SO_DONTROUTE:
        case SO_OOBINLINE:
        case SO_PRIORITY:
        case SO_MARK:
        case SO_RCVLOWAT:
        case SO_TIMESTAMP:
        case SO_PASSCRED:
        case SO_TYPE:
        case SO_DOMAIN:
        case SO_PROTOCOL:
        case SO_SNDBUF:
        case SO_RCVBUF:
        case SO_LINGER: return true;
        default: return false;
      }
    case IPPROTO_TCP: return option >= TCP_NODELAY && option <= TCP_NOTSENT_LOWAT && option != TCP_INFO;
    case IPPROTO_IPV6: return option == IPV6_V6ONLY || option == IPV6_UNICAST_HOPS || option == IPV6_TCLASS;
    case IPPROTO_IP: return option == IP_TOS || option == IP_TTL || option == IP_BIND_ADDRESS_NO_PORT;
    default: return false;
  }
}

/// As do_tcp_setsockopt() of Linux has it.
bool is_within_bounds(int tcp_option, int value) {
  switch (tcp_option) {
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL: return value >= 1 && value <= 32'767;
    case TCP_KEEPCNT: return value >= 1 && value <= 127;
    case TCP_USER_TIMEOUT: return value >= 0;
    default: return true;
  }
}

/// Linux keeps TCP_DEFER_ACCEPT as a number of repetitions, after 1, 2, 4, … s, and tells when the last of them is due.
int rounded_to_repetitions(int seconds) {
  constexpr int longest_repetition = 120;
  constexpr int most_repetitions = 255;
  if (seconds <= 0) return 0;
  int rounded = 1;
  int next = 1;
  for (int count = 1; rounded < seconds && count < most_repetitions; ++count) {
    next = std::min(next * 2, longest_repetition);
    rounded += next;
  }
  return rounded;
}

}  // namespace

int SocketOptions::check(int level, int option) const {
  if (family_ == AF_UNIX && level != SOL_SOCKET) return EOPNOTSUPP;
  const bool is_of_another =
      (level == IPPROTO_TCP && type_ != SOCK_STREAM) || (level == IPPROTO_IPV6 && family_ != AF_INET6);
  return is_of_another || !is_known(level, option) ? ENOPROTOOPT : 0;
}

int SocketOptions::number(int level, int option) const {
  const auto found = numbers_.find({level, option});
  if (found != numbers_.end()) return found->second;
  if (level != IPPROTO_TCP) return level == SOL_SOCKET && option == SO_RCVLOWAT ? 1 : 0;
  switch (option) {  // tcp(7)
    case TCP_KEEPIDLE: return 7200;
    case TCP_KEEPINTVL: return 75;
    case TCP_KEEPCNT: return 9;
    case TCP_SYNCNT: return 6;
    case TCP_MAXSEG: return 536;
    default: return 0;
  }
}

Duration SocketOptions::seconds(int option) const { return std::chrono::seconds(number(IPPROTO_TCP, option)); }

std::size_t SocketOptions::buffer_size(int wanted, std::size_t least) const {
  const std::size_t granted = std::min(static_cast<std::size_t>(std::max(wanted, 0)), largest_buffer_);
  return std::max(granted * 2, least);
}

CallResult SocketOptions::answer(MutableBytes into, int value) {
  std::memcpy(into.data(), &value, std::min(into.size(), sizeof value));
  return CallResult::success();
}

CallResult SocketOptions::get(int level, int option, MutableBytes value) const {
  const int own_level = type_ == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  const bool is_foreign = level != SOL_SOCKET && level != IPPROTO_IP && level != own_level;
  if (family_ == AF_INET && is_foreign) return CallResult::failure(EOPNOTSUPP);  // only IPv4, and only asking
  if (const int error = check(level, option)) return CallResult::failure(error);
  if (level == SOL_SOCKET) {
    switch (option) {
      case SO_TYPE: return answer(value, type_);
      case SO_DOMAIN: return answer(value, family_);
      case SO_PROTOCOL: return answer(value, family_ == AF_UNIX ? 0 : type_ == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP);
      case SO_SNDBUF: return answer(value, static_cast<int>(send_buffer));
      case SO_RCVBUF: return answer(value, static_cast<int>(receive_buffer));
      case SO_LINGER:
        std::memcpy(value.data(), &linger_, std::min(value.size(), sizeof linger_));
        return CallResult::success();
      default: break;
    }
  }
  return answer(value, number(level, option));
}

CallResult SocketOptions::set(int level, int option, Bytes value) {
  if (const int error = check(level, option)) return CallResult::failure(error);
  if (level == SOL_SOCKET && (option == SO_TYPE || option == SO_DOMAIN || option == SO_PROTOCOL)) {
    return CallResult::failure(ENOPROTOOPT);
  }
  int wanted = 0;
  if (value.size() < sizeof wanted) return CallResult::failure(EINVAL);
  std::memcpy(&wanted, value.data(), sizeof wanted);
  if (level == SOL_SOCKET) {
    switch (option) {
      case SO_SNDBUF: send_buffer = buffer_size(wanted, least_send_buffer); return CallResult::success();
      case SO_RCVBUF: receive_buffer = buffer_size(wanted, least_receive_buffer); return CallResult::success();
      case SO_LINGER:
        if (value.size() < sizeof linger_) return CallResult::failure(EINVAL);
        if (wanted == 0) {
          linger_.l_onoff = 0;  // the time stays
        } else {
          std::memcpy(&linger_, value.data(), sizeof linger_);
          linger_.l_onoff = 1;
        }
        return CallResult::success();
      case SO_REUSEADDR:
      case SO_REUSEPORT:
      case SO_KEEPALIVE:
      case SO_BROADCAST:
      case SO_DONTROUTE:
      case SO_OOBINLINE: wanted = wanted != 0 ? 1 : 0; break;
      default: break;
    }
  }
  if (level == IPPROTO_TCP && !is_within_bounds(option, wanted)) return CallResult::failure(EINVAL);
  if (level == IPPROTO_TCP && (option == TCP_NODELAY || option == TCP_CORK)) wanted = wanted != 0 ? 1 : 0;
  if (level == IPPROTO_IP && option == IP_BIND_ADDRESS_NO_PORT) wanted = wanted != 0 ? 1 : 0;
  if (level == IPPROTO_TCP && option == TCP_DEFER_ACCEPT) wanted = rounded_to_repetitions(wanted);
  numbers_[{level, option}] = wanted;
  return CallResult::success();
}

}  // namespace weir::sys
