// weir: texts for tests of compression, and names of its formats.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <random>
#include <string>

#include "weir/stream/zlib_filter.h"

namespace weir::testing_support {

/// `count` bytes that compress as prose does, to about a third.
inline std::string words(std::size_t count) {
  std::mt19937_64 random(count);
  std::string text;
  while (text.size() < count) {
    const std::size_t word = random() % 300;
    for (std::size_t i = 0; i < 2 + word % 7; ++i) text += static_cast<char>('a' + (word * (i + 3)) % 26);
    text += ' ';
  }
  text.resize(count);
  return text;
}

inline std::string format_name(ZlibOptions::Format format) {
  switch (format) {
    case ZlibOptions::Format::zlib: return "zlib";
    case ZlibOptions::Format::gzip: return "gzip";
    case ZlibOptions::Format::raw: return "raw";
  }
  return "";
}

}  // namespace weir::testing_support
