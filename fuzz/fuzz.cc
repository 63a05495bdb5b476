// weir: what the fuzz targets share: choices out of a fuzzer's bytes, text cut into slices, and a loud end.
// SPDX-License-Identifier: MIT
#include "fuzz/fuzz.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace weir::fuzz {
namespace {

constexpr std::size_t shown_bytes = 24;

/// Some bytes of a text, with what cannot be printed as numbers.
std::string shown(std::string_view text) {
  std::string result = "\"";
  for (const char letter : text.substr(0, shown_bytes)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte < 0x7F && letter != '"' && letter != '\\') {
      result += letter;
    } else {
      std::array<char, 5> escaped{};
      (void)std::snprintf(escaped.data(), escaped.size(), "\\x%02x", byte);
      result += escaped.data();
    }
  }
  return result + (text.size() > shown_bytes ? "\"..." : "\"");
}

std::string content_of(const Buffer& buffer) {
  std::string content;
  for (const Slice& slice : buffer.slices()) content += as_text(slice.bytes());
  return content;
}

}  // namespace

void give_up(std::string_view what) {
  (void)std::fprintf(stderr, "fuzz: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

void require_same(std::string_view found, std::string_view expected, std::string_view what) {
  if (found == expected) [[likely]]
    return;
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(found, expected).in1 - found.begin());
  give_up(std::string(what) + ": " + std::to_string(found.size()) + " bytes instead of " +
          std::to_string(expected.size()) + ", and from byte " + std::to_string(at) + " on " + shown(found.substr(at)) +
          " instead of " + shown(expected.substr(at)));
}

void require_same(const Buffer& found, std::string_view expected, std::string_view what) {
  const bool is_same = found == expected;
  if (is_same && found.size() == expected.size()) [[likely]]
    return;
  require_same(content_of(found), expected, what);
  give_up(std::string(what) + ": the bytes are the same, but the buffer says otherwise");
}

std::uint64_t Input::number(std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes, 8); ++i) value |= std::uint64_t{byte()} << 8 * i;
  return value;
}

std::size_t Input::below(std::size_t limit) noexcept {
  if (limit == 0) return 0;
  const auto bits = static_cast<std::size_t>(std::bit_width(limit - 1));
  return number(std::max<std::size_t>((bits + 7) / 8, 1)) % limit;
}

std::size_t Input::size() noexcept {
  constexpr std::array<std::size_t, 20> borders{127, 128,  129,  255,  256,  257,  447,  511,  512,  513,
                                                639, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097};
  constexpr std::uint8_t first_border = 140;
  const std::uint8_t chosen = byte();
  return chosen < first_border ? chosen / 2 : borders[(chosen - first_border) % borders.size()];
}

std::string Input::filler(std::size_t count) {
  std::string text(count, '\0');
  std::size_t value = byte();
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>(value + i * 7 + i / 256);
  return text;
}

std::string_view Input::text(std::size_t count) noexcept {
  const std::string_view taken = bytes_.substr(0, count);
  bytes_.remove_prefix(taken.size());
  return taken;
}

Slice slice_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return Slice::adopt(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

Buffer one_slice(std::string_view text, Pool& pool) {
  Buffer buffer(pool);
  if (!text.empty()) buffer.append(slice_of(text));
  return buffer;
}

void Cutter::append_piece(Buffer& to, std::string_view& text) {
  constexpr std::array<std::size_t, 16> large{63,  64,  65,  127, 128,  129,  255,  256,
                                              257, 511, 512, 513, 1023, 1024, 1025, 4096};
  constexpr std::size_t first_large = 48;
  if (left_.is_empty()) left_ = pattern_;
  if (left_.is_empty()) {
    to.append(slice_of(text));
    text = {};
    return;
  }
  const std::size_t form = left_.byte();
  const std::size_t size = form / 4 < first_large ? 1 + form / 4 : large[form / 4 - first_large];
  const std::string_view piece = text.substr(0, size);
  text.remove_prefix(piece.size());
  switch (form % 4) {
    case 0: return to.append(slice_of(piece));
    case 1: return to.append(piece);
    case 2: return to.append_static(piece);
    default: return to.append(Slice::copy_of(as_bytes(piece), to.pool()));
  }
}

void require_all_released(const Pool& pool) {
  const PoolStats stats = pool.stats();
  require(stats.blocks == 0 && stats.in_use == 0, "blocks of the pool are left when nothing uses them any more");
}

}  // namespace weir::fuzz
