// weir: keeps calls on a pipe, terminal or device from waiting, and others from noticing; internal.
// SPDX-License-Identifier: MIT
#include "weir/stream/pipe_mode.h"

#include <fcntl.h>

#include <array>
#include <charconv>

#include "weir/sys/calls.h"

namespace weir {
namespace {

/// The same file once more, by the name that proc(5) has for it. Not for devices in general: opening one may do anything, and
/// that of a pseudo-terminal's master makes another terminal.
sys::CallResult open_again(int descriptor, int flags) {
  static constexpr std::string_view prefix = "/proc/self/fd/";
  std::array<char, 32> path{};
  char* const number = std::copy(prefix.begin(), prefix.end(), path.data());
  std::to_chars(number, path.data() + path.size() - 1, descriptor);
  return sys::open_file(path.data(), (flags & (O_ACCMODE | O_DIRECT)) | O_NOCTTY);
}

}  // namespace

Result<void> PipeMode::prepare(sys::Descriptor& descriptor) {
  if (auto asked = sys::file_kind(descriptor.number(), kind_); !asked) return asked.error();
  if (kind_ != sys::FileKind::pipe && kind_ != sys::FileKind::terminal) return {};
  const sys::CallResult flags = sys::status_flags(descriptor.number());
  if (!flags) return flags.error();
  if ((flags.number() & O_NONBLOCK) != 0) return {};
  if (const sys::CallResult again = open_again(descriptor.number(), flags.number()); again)
    descriptor.reset(again.number());
  return {};
}

Result<void> PipeMode::apply(int descriptor) {
  if (!can_wait()) return {};
  const sys::CallResult flags = sys::status_flags(descriptor);
  if (!flags) return flags.error();
  if ((flags.number() & O_NONBLOCK) != 0) return {};
  const sys::CallResult set = sys::set_status_flags(descriptor, flags.number() | O_NONBLOCK);
  is_changed_ = static_cast<bool>(set);
  return set.to_result();
}

void PipeMode::restore(int descriptor) noexcept {
  if (!is_changed_) return;
  is_changed_ = false;
  const sys::CallResult flags = sys::status_flags(descriptor);
  if (flags) (void)sys::set_status_flags(descriptor, flags.number() & ~O_NONBLOCK);
}

}  // namespace weir
