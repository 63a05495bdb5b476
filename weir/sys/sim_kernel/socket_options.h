// weir: the options of simulated sockets.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

#include <map>
#include <utility>

#include "weir/base/bytes.h"
#include "weir/base/time.h"
#include "weir/sys/call_result.h"
#include "weir/sys/sim_kernel/machine.h"

namespace weir::sys {

/// What setsockopt(2) has set and getsockopt(2) tells: the options that programs of this field use. Most are only kept;
/// those that the model heeds have functions of their own.
class SocketOptions {
 public:
  SocketOptions(int family, int type, const MachineOptions& of_machine) noexcept
      : send_buffer(of_machine.send_buffer),
        receive_buffer(of_machine.receive_buffer),
        largest_buffer_(of_machine.largest_buffer),
        family_(family),
        type_(type) {}

  /// An accepted socket begins with the options of the one that listened.
  SocketOptions(const SocketOptions&) = default;
  SocketOptions& operator=(const SocketOptions&) = default;

  /// SO_ERROR and SO_ACCEPTCONN are the caller's to answer.
  CallResult get(int level, int option, MutableBytes value) const;
  CallResult set(int level, int option, Bytes value);

  bool is_set(int level, int option) const { return number(level, option) != 0; }
  int number(int level, int option) const;
  Duration seconds(int option) const;  ///< a TCP option that is a number of seconds
  void restrict_to_v6() { numbers_[{IPPROTO_IPV6, IPV6_V6ONLY}] = 1; }
  void forget(int level, int option) { numbers_.erase({level, option}); }
  bool resets_on_close() const noexcept { return linger_.l_onoff != 0 && linger_.l_linger == 0; }

  static CallResult answer(MutableBytes into, int value);

  std::size_t send_buffer;
  std::size_t receive_buffer;

 private:
  /// An errno number when sockets of this kind have no such option.
  int check(int level, int option) const;
  std::size_t buffer_size(int wanted, std::size_t least) const;

  std::size_t largest_buffer_;
  int family_;
  int type_;
  linger linger_{};
  std::map<std::pair<int, int>, int> numbers_;
};

}  // namespace weir::sys
