// weir: options of a connection's socket.
// SPDX-License-Identifier: MIT
#include "weir/net/socket_options.h"

#include <algorithm>
#include <limits>

#include "weir/net/option_setter.h"
#include "weir/net/socket.h"
#include "weir/sys/option_calls.h"

namespace weir {
namespace {

constexpr int most = std::numeric_limits<int>::max();

/// Rounded up, so that no time is shorter than was asked for.
template <class Unit>
int count_of(Duration duration) {
  return static_cast<int>(std::clamp<std::int64_t>(std::chrono::ceil<Unit>(duration).count(), -1, most));
}

int bounded(std::size_t bytes) { return static_cast<int>(std::min<std::size_t>(bytes, most)); }

/// The same for every kind of socket.
Result<void> apply_general(int socket, const SocketOptions& options) {
  if (options.send_buffer_bytes) {
    if (auto set = sys::set_send_buffer(socket, bounded(*options.send_buffer_bytes)); !set) return set.error();
  }
  if (options.receive_buffer_bytes) {
    if (auto set = sys::set_receive_buffer(socket, bounded(*options.receive_buffer_bytes)); !set) return set.error();
  }
  if (options.mark) return sys::set_mark(socket, *options.mark).to_result();
  return {};
}

Result<void> apply_tcp(int socket, const SocketOptions& options) {
  if (options.no_delay) {
    if (auto set = sys::set_no_delay(socket, *options.no_delay); !set) return set.error();
  }
  if (options.user_timeout) {
    const int milliseconds = count_of<std::chrono::milliseconds>(*options.user_timeout);
    if (auto set = sys::set_user_timeout(socket, milliseconds); !set) return set.error();
  }
  return options.keep_alive ? apply_keep_alive(socket, options.keep_alive) : Result<void>();
}

}  // namespace

Result<void> apply_options(int socket, const SocketOptions& options, bool is_tcp) {
  if (auto applied = apply_general(socket, options); !applied) return applied;
  return is_tcp ? apply_tcp(socket, options) : Result<void>();
}

Result<void> apply_options(int socket, const SocketOptions& options) {
  int domain = AF_UNSPEC;
  if (auto asked = sys::get_option(socket, SOL_SOCKET, SO_DOMAIN, domain); !asked) return asked.error();
  return apply_options(socket, options, domain == AF_INET || domain == AF_INET6);
}

Result<void> apply_keep_alive(int socket, const std::optional<KeepAlive>& keep_alive) {
  if (!keep_alive) return sys::set_keep_alive(socket, false).to_result();
  const int idle = count_of<std::chrono::seconds>(keep_alive->idle);
  const int interval = count_of<std::chrono::seconds>(keep_alive->interval);
  if (auto set = sys::set_keep_alive_idle(socket, idle); !set) return set.error();
  if (auto set = sys::set_keep_alive_interval(socket, interval); !set) return set.error();
  if (auto set = sys::set_keep_alive_probes(socket, keep_alive->probes); !set) return set.error();
  return sys::set_keep_alive(socket, true).to_result();
}

Result<void> Socket::set_options(const SocketOptions& options) { return apply_options(number(), options); }

Result<void> Socket::set_options(const SocketOptions& options, Address::Family family) {
  return apply_options(number(), options, family != Address::Family::local);
}

Result<void> Socket::set_keep_alive(const std::optional<KeepAlive>& keep_alive) {
  return apply_keep_alive(number(), keep_alive);
}

Result<void> Socket::set_no_delay(bool on) { return sys::set_no_delay(number(), on).to_result(); }

Result<void> Socket::set_user_timeout(Duration limit) {
  return sys::set_user_timeout(number(), count_of<std::chrono::milliseconds>(limit)).to_result();
}

Result<void> Socket::set_send_buffer(std::size_t bytes) {
  return sys::set_send_buffer(number(), bounded(bytes)).to_result();
}

Result<void> Socket::set_receive_buffer(std::size_t bytes) {
  return sys::set_receive_buffer(number(), bounded(bytes)).to_result();
}

Result<void> Socket::set_mark(std::uint32_t mark) { return sys::set_mark(number(), mark).to_result(); }

Result<void> Socket::set_reuse_address(bool on) { return sys::set_reuse_address(number(), on).to_result(); }

Result<void> Socket::set_share_port(bool on) { return sys::set_share_port(number(), on).to_result(); }

Result<void> Socket::set_v6_only(bool on) { return sys::set_v6_only(number(), on).to_result(); }

Result<void> Socket::set_defer_accept(Duration longest) {
  return sys::set_defer_accept(number(), count_of<std::chrono::seconds>(longest)).to_result();
}

Result<void> Socket::set_bind_without_port(bool on) { return sys::set_bind_without_port(number(), on).to_result(); }

}  // namespace weir
