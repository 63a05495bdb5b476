// weir: text formatted with fmt at the end of a buffer. Optional: needs fmt's headers and library.
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"

namespace weir {

/// Appends what fmt makes of `format`, written straight into the buffer's memory.
///
///     weir::append_format(buffer, "HTTP/1.1 {} {}\r\nContent-Length: {}\r\n", status, reason, body.size());
///
/// Errors: std::bad_alloc, and what a formatter of the program's throws; the buffer is then unchanged.
template <class... Args>
void append_format(Buffer& buffer, fmt::format_string<Args...> format, Args&&... args) {
  constexpr std::size_t first_guess = 128;
  const fmt::string_view text = format;
  std::size_t wanted = first_guess;
  for (;;) {  // more than twice only if the arguments change
    const MutableBytes room = buffer.prepare(wanted);
    struct Preparation {  // ends when a formatter throws, and when the room is too small: else the room would stay
      Buffer* buffer;
      ~Preparation() {
        if (buffer != nullptr) buffer->commit(0);
      }
    } preparation{&buffer};
    wanted =
        fmt::vformat_to_n(reinterpret_cast<char*>(room.data()), room.size(), text, fmt::make_format_args(args...)).size;
    if (wanted <= room.size()) {
      preparation.buffer = nullptr;
      return buffer.commit(wanted);
    }
  }
}

/// The same, staged.
template <class... Args>
void append_format(Draft& draft, fmt::format_string<Args...> format, Args&&... args) {
  Buffer text(draft.pool());
  append_format(text, format, std::forward<Args>(args)...);
  draft.append(std::move(text));
}

}  // namespace weir
