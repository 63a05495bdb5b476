// weir: what a search in text should find, plainly.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "weir/buffer/search.h"

namespace weir::buffer_model {

/// What std::string_view found, as an offset that may be none.
inline std::optional<std::size_t> offset_of(std::size_t found) {
  return found == std::string_view::npos ? std::nullopt : std::optional(found);
}

struct PlainLineEnd {
  std::size_t offset;
  std::size_t size;
};

/// The first end of a line.
std::optional<PlainLineEnd> end_of_line(std::string_view text, LineEnd style, std::size_t from);

}  // namespace weir::buffer_model
