// weir: one way of a pump between two sockets, through a pipe of the kernel's; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/loop/diversion.h"
#include "weir/sys/descriptor.h"

namespace weir {

class Stream;

/// Hears of bytes that have passed.
class SpliceOwner {
 public:
  virtual void spliced(int side, std::size_t count) = 0;
  virtual void pipe_emptied(int side) = 0;

 protected:
  ~SpliceOwner() = default;
};

/// Bytes that the stream of `side` has received and the other one is to send.
///
/// It is worth its two more system calls for long transfers only: it begins when much has come at once, and ends, when the
/// pipe is empty, after little has come many times in a row.
class Splice {
 public:
  Splice(SpliceOwner& owner, int side) noexcept : owner_(owner), side_(side) {}

  bool is_on() const noexcept { return is_on_; }
  bool holds_bytes() const noexcept { return held_ != 0; }
  /// The program was handed `count` bytes, all that had come: perhaps the next ones go through the kernel. Only when `from`
  /// has nothing in its input.
  void consider(Stream& from, Stream& to, std::size_t count);

  Diversion::Step fill(Stream& from, Stream& to, int socket, std::size_t most);
  /// `from` is received from no more.
  void let_go(Stream& from) noexcept;
  Diversion::Step drain(Stream* from, Stream& to, int socket, std::size_t most);

 private:
  bool open_pipe();
  void count_size(std::size_t count) noexcept;

  SpliceOwner& owner_;
  const int side_;
  sys::Descriptor reader_;
  sys::Descriptor writer_;
  std::size_t capacity_ = 0;
  std::size_t held_ = 0;
  std::uint8_t in_a_row_ = 0;  // of large ones while off, of small ones while on
  bool is_on_ = false;
  bool is_impossible_ = false;
  bool is_holding_up_ = false;  // `from` waits for room in the pipe
};

}  // namespace weir
