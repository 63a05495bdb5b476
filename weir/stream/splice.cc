// weir: one way of a pump between two sockets, through a pipe of the kernel's; internal.
// SPDX-License-Identifier: MIT
#include "weir/stream/splice.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "weir/base/bytes.h"
#include "weir/stream/stream.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr std::size_t large = 48_KiB;  // nearly a whole receive
constexpr std::size_t small = 16_KiB;
constexpr std::uint8_t large_to_begin = 2;  // in a row
constexpr std::uint8_t small_to_end = 16;
constexpr std::size_t pipe_size = 256_KiB;

/// Of a system, or a kind of socket, that has no such thing.
bool is_unsupported(int error) { return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP; }

}  // namespace

void Splice::consider(Stream& from, Stream& to, std::size_t count) {
  if (is_on_ || is_impossible_) return;
  in_a_row_ = count >= large ? static_cast<std::uint8_t>(in_a_row_ + 1) : std::uint8_t{0};
  if (in_a_row_ < large_to_begin || !from.is_plain_socket() || !to.is_plain_socket()) return;
  in_a_row_ = 0;
  is_on_ = reader_ || open_pipe();
  is_impossible_ = !is_on_;
}

/// Where there are no descriptors for it, bytes go through memory as before.
bool Splice::open_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (!sys::create_pipe(ends)) return false;
  reader_.reset(ends[0]);
  writer_.reset(ends[1]);
  const sys::CallResult size = sys::set_pipe_size(writer_.number(), pipe_size);
  capacity_ = size ? size.count() : 64_KiB;  // pipe(7): who has many large pipes already may have no more
  return true;
}

Diversion::Step Splice::fill(Stream& from, Stream& to, int socket, std::size_t most) {
  if (!is_on_) return {Diversion::Answer::none};
  const auto hold_up = [&]() -> Diversion::Step {
    is_holding_up_ = true;
    from.hold_receiving();
    return {Diversion::Answer::idle};
  };
  if (held_ >= capacity_) return hold_up();
  const sys::CallResult got = sys::fill_pipe(socket, writer_.number(), std::min(most, capacity_ - held_));
  if (!got) {
    if (is_unsupported(got.error_number()) && held_ == 0) {
      is_on_ = false;
      is_impossible_ = true;
      return {Diversion::Answer::none};
    }
    // EAGAIN may be the pipe's, which has room by pages and not by bytes; when it is empty it is the socket's.
    if (got.error_number() == EAGAIN && held_ != 0) return hold_up();
    return {Diversion::Answer::failed, got};
  }
  if (got.count() != 0) {
    held_ += got.count();
    from.note_received(got.count());
    count_size(got.count());
    to.send_diverted();
  }
  return {Diversion::Answer::moved, got};
}

void Splice::let_go(Stream& from) noexcept {
  if (std::exchange(is_holding_up_, false)) from.release_receiving();
}

void Splice::count_size(std::size_t count) noexcept {
  in_a_row_ =
      count < small && held_ == count ? static_cast<std::uint8_t>(std::min(in_a_row_ + 1, 255)) : std::uint8_t{0};
}

Diversion::Step Splice::drain(Stream* from, Stream& to, int socket, std::size_t most) {
  if (held_ == 0) return {Diversion::Answer::idle};
  const sys::CallResult sent = sys::drain_pipe(reader_.number(), socket, std::min(most, held_));
  if (!sent) {
    if (sent.error_number() == EAGAIN) to.note_no_room();
    return {Diversion::Answer::failed, sent};
  }
  held_ -= sent.count();
  to.note_sent(sent.count(), held_ != 0);
  owner_.spliced(side_, sent.count());
  if (held_ <= capacity_ / 2 && std::exchange(is_holding_up_, false) && from != nullptr) from->release_receiving();
  if (held_ == 0) {
    if (in_a_row_ >= small_to_end) {
      is_on_ = false;
      in_a_row_ = 0;
    }
    owner_.pipe_emptied(side_);
  }
  return {Diversion::Answer::moved, sent};
}

}  // namespace weir
