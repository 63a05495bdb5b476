// weir: text formatted with fmt at the end of a buffer. Optional: needs fmt's headers and library.
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "weir/buffer/buffer.h"

namespace weir {

/// Appends what fmt makes of `format`, written straight into the buffer's memory. `Target` is a Buffer or a Draft.
///
///     weir::append_format(buffer, "HTTP/1.1 {} {}\r\nContent-Length: {}\r\n", status, reason, body.size());
///
/// Errors: std::bad_alloc, and what fmt throws for arguments that do not suit; the target is then unchanged.
template <class... Args>
void append_format(Buffer& buffer, fmt::format_string<Args...> format, Args&&... args) {
  constexpr std::size_t first_guess = 128;
  MutableBytes room = buffer.prepare(first_guess);
  const auto write = [&] {
    return fmt::format_to_n(reinterpret_cast<char*>(room.data()), static_cast<std::ptrdiff_t>(room.size()), format,
                            args...)
        .size;
  };
  std::size_t length = write();
  if (length > room.size()) {
    room = buffer.prepare(length);
    length = write();
  }
  buffer.commit(length);
}

}  // namespace weir
