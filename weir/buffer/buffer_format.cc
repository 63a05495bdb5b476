// weir: formatted text at the end of a buffer.
// SPDX-License-Identifier: MIT
#include <cstdarg>
#include <cstdio>

#include "weir/buffer/buffer.h"

namespace weir {
namespace {

constexpr std::size_t first_guess = 128;  // bytes: most log lines and headers fit at once

/// What vsnprintf(3) answers: the length that the text has, or would have, without its NUL.
int format_into(MutableBytes room, const char* format, std::va_list arguments) {
  std::va_list copy;
  va_copy(copy, arguments);
  const int length = std::vsnprintf(reinterpret_cast<char*>(room.data()), room.size(), format, copy);
  va_end(copy);
  return length;
}

}  // namespace

bool Buffer::append_formatted(const char* format, std::va_list arguments) {
  MutableBytes room = prepare(first_guess);
  int length = format_into(room, format, arguments);
  if (length >= 0 && static_cast<std::size_t>(length) >= room.size()) {  // the NUL needs a place too
    commit(0);  // or, where there is no more memory, what was prepared would stay
    room = prepare(static_cast<std::size_t>(length) + 1);
    length = format_into(room, format, arguments);
  }
  commit(length < 0 ? 0 : static_cast<std::size_t>(length));
  return length >= 0;
}

bool Buffer::append_printf(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const bool is_appended = append_formatted(format, arguments);  // memory that runs out here leaks nothing of the list
  va_end(arguments);
  return is_appended;
}

}  // namespace weir
