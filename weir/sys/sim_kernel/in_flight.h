// weir: the descriptors that are under way in a simulated machine's Unix sockets.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "weir/sys/sim_kernel/file.h"

namespace weir::sys {

/// Counts them, for Linux limits how many there may be; and finds Unix sockets that nobody can receive any more, for they are
/// under way in each other, or in themselves (net/unix/garbage.c).
class InFlight {
 public:
  /// `files` are on their way from now on. False when there are too many already: the limit of descriptors counts here as
  /// well, as it does in Linux for all but privileged programs.
  bool take_off(const PassedFiles& files, std::size_t limit);
  /// So many of them have been received, or are gone.
  void landed(std::size_t count) noexcept { count_ -= count; }
  /// The socket is gone. That is when Linux looks for others that nobody can receive any more.
  void forget(const UnixSocket& socket) noexcept;

  /// If a socket has gone since the last time: lets go of what is in those that no descriptor of `open` leads to.
  void collect(std::span<const std::shared_ptr<File>> open);
  /// The machine has crashed and nothing is open: lets go of what is in all of them, whether or not one has gone.
  void clear() { garbage({}).clear(); }

 private:
  PassedFiles garbage(std::span<const std::shared_ptr<File>> open);

  std::size_t count_ = 0;
  bool has_lost_socket_ = false;
  std::vector<UnixSocket*> sockets_;  // those that were ever under way
};

}  // namespace weir::sys
