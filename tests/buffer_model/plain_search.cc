// weir: what a search in text should find, plainly.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/plain_search.h"

#include <algorithm>

namespace weir::buffer_model {

std::optional<PlainLineEnd> end_of_line(std::string_view text, LineEnd style, std::size_t from) {
  for (std::size_t i = from; i < text.size(); ++i) {
    const bool is_pair = text.substr(i, 2) == "\r\n";
    switch (style) {
      case LineEnd::crlf:
        if (is_pair || text[i] == '\n') return PlainLineEnd{i, is_pair ? std::size_t{2} : 1};
        break;
      case LineEnd::crlf_strict:
        if (is_pair) return PlainLineEnd{i, 2};
        break;
      case LineEnd::lf:
        if (text[i] == '\n') return PlainLineEnd{i, 1};
        break;
      case LineEnd::nul:
        if (text[i] == '\0') return PlainLineEnd{i, 1};
        break;
      case LineEnd::any: {
        if (text[i] != '\r' && text[i] != '\n') break;
        const std::size_t end = std::min(text.find_first_not_of("\r\n", i), text.size());
        return PlainLineEnd{i, end - i};
      }
    }
  }
  return std::nullopt;
}

}  // namespace weir::buffer_model
