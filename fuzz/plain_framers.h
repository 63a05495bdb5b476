// weir: readers of lines and frames that see the whole stream at once, and are too simple to be wrong.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "weir/buffer/frame_reader.h"
#include "weir/buffer/search.h"

namespace weir::fuzz {

/// What a reader makes of a stream.
struct Frames {
  std::vector<std::string> frames;
  std::error_code error;  ///< that of the frame behind them, if there is one
  std::string left;       ///< of the stream, that frame's bytes included

  bool operator==(const Frames&) const = default;
};

Frames plain_lines(std::string_view stream, LineEnd style, std::size_t limit);
Frames plain_delimited(std::string_view stream, std::string_view delimiter, std::size_t limit);
Frames plain_lengths(std::string_view stream, const LengthFormat& format);

/// The bytes before a frame; nothing, and `error` is set, when they cannot be.
std::optional<std::string> plain_prefix(std::uint64_t payload, const LengthFormat& format, std::error_code& error);

}  // namespace weir::fuzz
