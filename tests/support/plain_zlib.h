// weir: compression of whole texts by zlib itself, to hold the filter against.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "weir/stream/zlib_filter.h"

namespace weir::testing_support {

/// One stream, or one member of gzip, that holds all of `text`.
std::string compressed_text(std::string_view text, const ZlibOptions& options = {});

/// What compressed bytes turn out to be.
struct Decompressed {
  std::string text;          ///< all that comes of them before the end or an error
  bool is_complete = false;  ///< they end where a stream, or a member, ends
  bool is_wrong = false;     ///< damaged, or followed by something else
};

/// Nothing is decompressed beyond `limit` bytes. Several members of gzip are one text.
Decompressed decompressed(std::string_view bytes, const ZlibOptions& options = {},
                          std::size_t limit = std::size_t{1} << 30);

}  // namespace weir::testing_support
