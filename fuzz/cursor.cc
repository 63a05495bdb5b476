// weir: fuzz target: what a Cursor reads, however its buffer is cut, and what a Writer writes, against plain text.
// SPDX-License-Identifier: MIT
#include "weir/buffer/cursor.h"

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "fuzz/wanted.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/varint.h"
#include "weir/buffer/writer.h"

namespace weir::fuzz {
namespace {

/// A number of the text's first `bytes` bytes, put together one by one.
std::optional<std::uint64_t> plain_number(std::string_view text, std::size_t bytes, std::endian order) {
  if (text.size() < bytes) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    const char byte = order == std::endian::big ? text[i] : text[bytes - 1 - i];
    value = value << 8 | static_cast<std::uint8_t>(byte);
  }
  return value;
}

struct PlainVarint {
  bool is_too_large = false;
  std::optional<std::uint64_t> value;
  std::size_t size = 0;
};

PlainVarint plain_varint(std::string_view text) {
  PlainVarint result;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(text.size(), 10); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (i == 9 && byte > 1) return {.is_too_large = true, .value = std::nullopt, .size = 0};
    value |= std::uint64_t{byte & 0x7FU} << 7 * i;
    if (byte < 0x80) return {.is_too_large = false, .value = value, .size = i + 1};
  }
  return result;
}

/// A cursor beside the text that it reads.
class Reading {
 public:
  Reading(const Buffer& buffer, std::string_view text) : cursor_(buffer), text_(text) {}

  void step(Input& input) {
    const std::size_t before = position_;
    switch (input.below(16)) {
      case 0: read_integer<std::uint8_t>(input); break;
      case 1: read_integer<std::int16_t>(input); break;
      case 2: read_integer<std::uint32_t>(input); break;
      case 3: read_integer<std::int64_t>(input); break;
      case 4: read_byte(); break;
      case 5: read_unsigned(input); break;
      case 6: read_varint(); break;
      case 7: read_signed_varint(); break;
      case 8: read_bytes(input); break;
      case 9: read_string(input); break;
      case 10: read_terminated(input); break;
      case 11: read_buffer(input); break;
      case 12: read_slice(input); break;
      case 13: skip(input); break;
      case 14: seek(input); break;
      default: find(input); break;
    }
    require(cursor_.position() == position_ && cursor_.left() == text_.size() - position_,
            "after a read that began at " + std::to_string(before) + " the cursor stands at " +
                std::to_string(cursor_.position()) + " instead of " + std::to_string(position_));
    require(cursor_.is_at_end() == rest().empty() && !cursor_.is_at_file(), "a cursor is wrong about its end");
    require(cursor_.run().empty() == rest().empty() && rest().starts_with(as_text(cursor_.run())),
            "the bytes behind a cursor are not those of its buffer");
  }

 private:
  std::string_view rest() const { return text_.substr(position_); }

  /// Gives up unless a read gave what it should; else follows it.
  template <class T>
  void follow(const std::optional<T>& found, const std::optional<T>& expected, std::size_t size, const char* what) {
    require(found == expected,
            std::string(what) + " at " + std::to_string(position_) + (found ? " is another" : " is not read"));
    if (found) position_ += size;
  }

  template <std::integral T>
  void read_integer(Input& input) {
    const std::endian order = input.coin() ? std::endian::big : std::endian::little;
    std::optional<T> expected;
    if (const auto value = plain_number(rest(), sizeof(T), order)) expected = static_cast<T>(*value);
    const bool is_big = order == std::endian::big;
    const auto peeked = is_big ? cursor_.peek_big_endian<T>() : cursor_.peek_little_endian<T>();
    require(peeked == expected, "a number that was peeked at is another");
    follow(is_big ? cursor_.read_big_endian<T>() : cursor_.read_little_endian<T>(), expected, sizeof(T), "a number");
  }

  void read_byte() {
    std::optional<std::byte> expected;
    if (!rest().empty()) expected = static_cast<std::byte>(rest()[0]);
    require(cursor_.peek_byte() == expected, "a byte that was peeked at is another");
    follow(cursor_.read_byte(), expected, 1, "a byte");
  }

  void read_unsigned(Input& input) {
    const std::size_t bytes = 1 + input.below(8);
    const std::endian order = input.coin() ? std::endian::big : std::endian::little;
    follow(cursor_.read_unsigned(bytes, order), plain_number(rest(), bytes, order), bytes, "a number of some bytes");
  }

  void read_varint() {
    const PlainVarint expected = plain_varint(rest());
    const auto found = cursor_.read_varint();
    require(!found == expected.is_too_large, "a varint is too large, or should be");
    if (!found) return require(found.error() == std::errc::value_too_large, "a varint fails with another error");
    follow(*found, expected.value, expected.size, "a varint");
  }

  void read_signed_varint() {
    const PlainVarint plain = plain_varint(rest());
    const auto found = cursor_.read_signed_varint();
    require(!found == plain.is_too_large, "a signed varint is too large, or should be");
    if (!found) return;
    std::optional<std::int64_t> expected;
    if (plain.value) {
      const auto half = static_cast<std::int64_t>(*plain.value >> 1);
      expected = (*plain.value & 1) == 0 ? half : -half - 1;
    }
    follow(*found, expected, plain.size, "a signed varint");
  }

  void read_bytes(Input& input) {
    std::vector<std::byte> into(input.size());
    const bool is_peek = input.coin();
    const bool is_read = is_peek ? cursor_.peek(into) : cursor_.read(into);
    require(is_read == (into.size() <= rest().size()), "a read gave less, or more, than there is");
    if (!is_read) return;
    require_same(as_text(into), rest().substr(0, into.size()), "bytes that were read");
    if (!is_peek) position_ += into.size();
  }

  void read_string(Input& input) {
    const std::size_t count = input.coin() ? input.size() : input.below(rest().size() + 2);
    std::optional<std::string> expected;
    if (count <= rest().size()) expected = rest().substr(0, count);
    follow(cursor_.read_string(count), expected, count, "a string");
  }

  void read_terminated(Input& input) {
    const std::size_t limit = input.coin() ? unlimited : input.size();
    const std::size_t size = rest().substr(0, limit).find('\0');
    const bool is_there = size != std::string_view::npos;
    const auto found = cursor_.read_terminated_string(limit);
    require(!found == (!is_there && rest().size() >= limit),
            "a limit of a string was not kept, or seen where it is not");
    if (!found) return require(found.error() == errc::limit, "a string that is too long fails with another error");
    std::optional<std::string> expected;
    if (is_there) expected = rest().substr(0, size);
    follow(*found, expected, size + 1, "a string with an end");
  }

  void read_buffer(Input& input) {
    const std::size_t count = input.below(rest().size() + 1);
    const Buffer part = cursor_.read_buffer(count);
    require_same(part, rest().substr(0, count), "a buffer that was read");
    position_ += count;
  }

  void read_slice(Input& input) {
    const std::size_t most = input.coin() ? unlimited : input.size();
    const std::size_t run = cursor_.run().size();
    const Slice slice = cursor_.read_slice(most);
    require(slice.size() == std::min(most, run), "a slice has another size");
    require_same(as_text(slice.bytes()), rest().substr(0, slice.size()), "a slice that was read");
    position_ += slice.size();
  }

  void skip(Input& input) {
    const std::size_t count = input.coin() ? input.size() : input.below(rest().size() + 2);
    const bool is_there = count <= rest().size();
    require(cursor_.skip(count) == is_there, "a cursor skips more than there is, or not what there is");
    if (is_there) position_ += count;
  }

  void seek(Input& input) {
    const std::size_t place = input.below(text_.size() + 2);
    require(cursor_.seek(place) == (place <= text_.size()), "a cursor goes behind the end, or not where it may");
    if (place <= text_.size()) position_ = place;
  }

  void find(Input& input) {
    const Wanted wanted = Wanted::chosen(input, rest());
    require_same(find_in(cursor_, wanted), plain_find(rest(), wanted), wanted, "from a cursor on");
  }

  Cursor cursor_;
  std::string_view text_;
  std::size_t position_ = 0;
};

/// The same reads of the same bytes, in one slice and in many.
void read(Input input) {
  Pool pool({.limit = std::size_t{1} << 26});
  {
    Cutter cutter(input.part(input.below(32)));
    Input steps = input.part(input.below(256));
    const std::string_view text = input.rest();
    Buffer cut(pool);
    cutter.append_all(cut, text);
    const Buffer whole = one_slice(text, pool);
    Reading in_slices(cut, text);
    Reading in_one(whole, text);
    while (!steps.is_empty()) {
      Input same = steps;
      in_one.step(same);
      in_slices.step(steps);
    }
  }
  require_all_released(pool);
}

/// A writer beside what its memory should hold.
class Writing {
 public:
  explicit Writing(std::size_t room) : memory_(room, std::byte{0xEE}), writer_(memory_), expected_(room, '\xEE') {}

  void step(Input& input) {
    switch (input.below(8)) {
      case 0: return write_integer<std::uint8_t>(input);
      case 1: return write_integer<std::int16_t>(input);
      case 2: return write_integer<std::uint32_t>(input);
      case 3: return write_integer<std::uint64_t>(input);
      case 4: return write_unsigned(input);
      case 5: return write_varint(input);
      case 6: return write_text(input);
      default: return skip(input);
    }
  }

  /// What was written is read again.
  void finish() {
    Buffer buffer;
    buffer.append(writer_.bytes());
    require_same(buffer, std::string_view(expected_).substr(0, written_), "what was written");
    Cursor cursor(buffer);
    for (const auto& [place, value] : varints_) {
      require(cursor.seek(place), "less was written than was told");
      const auto read = cursor.read_varint();
      require(read && *read == value, "a varint that was written is read as another");
    }
  }

 private:
  void follow(bool is_written, std::string_view bytes) {
    require(is_written == (bytes.size() <= expected_.size() - written_), "a write does not say whether it fits");
    if (is_written) {
      expected_.replace(written_, bytes.size(), bytes);
      written_ += bytes.size();
    }
    require(writer_.written() == written_ && writer_.left() == expected_.size() - written_, "a writer is elsewhere");
    require(writer_.room().size() == writer_.left(), "a writer's room has another size");
    require_same(as_text(memory_), expected_, "memory that is written to");
  }

  template <std::integral T>
  void write_integer(Input& input) {
    const bool is_big = input.coin();
    const std::uint64_t value = input.number(sizeof(T));
    const bool is_written =
        is_big ? writer_.write_big_endian(static_cast<T>(value)) : writer_.write_little_endian(static_cast<T>(value));
    follow(is_written, bytes_of(value, sizeof(T), is_big));
  }

  static std::string bytes_of(std::uint64_t value, std::size_t bytes, bool is_big) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
    if (is_big) std::ranges::reverse(text);
    return text;
  }

  void write_unsigned(Input& input) {
    const std::size_t bytes = 1 + input.below(8);
    const bool is_big = input.coin();
    const std::uint64_t value = input.number(bytes);
    follow(writer_.write_unsigned(value, bytes, is_big ? std::endian::big : std::endian::little),
           bytes_of(value, bytes, is_big));
  }

  void write_varint(Input& input) {
    const std::uint64_t value = input.number(input.below(9));
    const bool is_signed = input.coin();
    std::string bytes;
    for (std::uint64_t left = value;; left >>= 7) {
      bytes += static_cast<char>(left < 0x80 ? left : left | 0x80);
      if (left < 0x80) break;
    }
    const std::size_t place = written_;
    follow(is_signed ? writer_.write_signed_varint(unfold_sign(value)) : writer_.write_varint(value), bytes);
    if (written_ != place) varints_.emplace_back(place, value);
  }

  void write_text(Input& input) {
    const std::string text = input.filler(input.size());
    follow(writer_.write(text), text);
  }

  void skip(Input& input) {
    const std::size_t count = input.size();
    const bool fits = count <= expected_.size() - written_;
    follow(writer_.skip(count), fits ? std::string(count, '\xEE') : std::string(count, '\0'));
  }

  std::vector<std::byte> memory_;
  Writer writer_;
  std::string expected_;
  std::size_t written_ = 0;
  std::vector<std::pair<std::size_t, std::uint64_t>> varints_;  ///< where, and which
};

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzz::Input input(data, size);
  if (input.below(4) != 0) {
    weir::fuzz::read(input);
    return 0;
  }
  weir::fuzz::Writing writing(input.size());
  while (!input.is_empty()) writing.step(input);
  writing.finish();
  return 0;
}
