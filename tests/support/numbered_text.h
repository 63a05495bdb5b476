// weir: text whose every place is told by what stands there.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

namespace weir::testing_support {

/// `size` bytes: "0 2 4 6 8 10 13 ...", each number the place where it begins.
inline std::string numbered(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ' ';
  text.resize(size);
  return text;
}

}  // namespace weir::testing_support
