// weir: the model's operations that write through a Writer, exchange buffers, and pass parts of files and bytes on.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string>
#include <utility>

#include "tests/buffer_model/machine.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/varint.h"
#include "weir/buffer/writer.h"

namespace weir::buffer_model {
namespace {

std::string number_text(std::uint64_t number, std::size_t bytes, std::endian order) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(number >> 8 * i);
  if (order == std::endian::big) std::ranges::reverse(text);
  return text;
}

/// Into room that was prepared, as much as is there and no more.
void write_by_writer(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::size_t room_size = m.below(60);
  const std::size_t writes = m.below(10);
  MutableBytes room;
  if (!m.attempt([&] { room = to.buffer.prepare(room_size); }, {{.subject = &to}}, overflows(to, room_size))) return;
  Writer writer(room.first(std::min(room.size(), room_size)));
  std::string expected;
  for (std::size_t i = 0; i < writes && !m.has_failed(); ++i) {
    const std::uint64_t number = m.below(unlimited) >> m.below(64);
    const std::size_t width = 1 + m.below(8);
    const std::endian order = m.coin() ? std::endian::little : std::endian::big;
    const std::uint64_t narrow = width == 8 ? number : number & ((std::uint64_t{1} << 8 * width) - 1);
    const std::string_view text = m.text(m.below(20));
    const auto folded = static_cast<std::int64_t>(number);
    std::string bytes;
    bool is_written = false;
    switch (m.below(7)) {
      case 0:
        bytes = number_text(number, 8, std::endian::big);
        is_written = writer.write_big_endian(number);
        break;
      case 1:
        bytes = number_text(number, 2, std::endian::little);
        is_written = writer.write_little_endian(static_cast<std::int16_t>(number));
        break;
      case 2:
        bytes = number_text(number, 1, order);
        is_written = writer.write_byte(static_cast<std::byte>(number));
        break;
      case 3:
        bytes = number_text(narrow, width, order);
        is_written = writer.write_unsigned(narrow, width, order);
        break;
      case 4:
        bytes = as_text(Varint(number).bytes());
        is_written = writer.write_varint(number);
        break;
      case 5:
        bytes = as_text(Varint(fold_sign(folded)).bytes());
        is_written = writer.write_signed_varint(folded);
        break;
      default: bytes = text; is_written = writer.write(text);
    }
    m.check(is_written == (expected.size() + bytes.size() <= room_size),
            "it was written beyond the end, or not at all");
    if (is_written) expected += bytes;
    m.check(writer.written() == expected.size() && writer.left() == room_size - expected.size(), "another size");
  }
  m.check(as_text(writer.bytes()) == expected && writer.room().size() == writer.left(), "other bytes were written");
  if (m.has_failed()) return;
  (void)m.attempt([&] { to.buffer.commit(writer.written()); }, {{.subject = &to, .added = expected.size()}});
  to.content.append(expected);
}

/// Moves all of `from` to `to` in place of what is there. Followers may have appended to either since the last step.
void replace_content(Machine& m, Subject& to, Buffer& from, Content&& content) {
  m.settle();
  const std::size_t size = content.size();
  (void)m.attempt([&] { to.buffer = std::move(from); },
                  {{.subject = &to, .added = size, .removed = to.content.size()}});
  to.content = std::move(content);
}

/// By way of a third one, as std::swap does; also with itself.
void exchange(Machine& m) {
  Subject& one = m.subject(Need::both);
  Subject& other = m.subject(Need::both);
  std::optional<Buffer> third;
  (void)m.attempt([&] { third.emplace(std::move(one.buffer)); }, {{.subject = &one, .removed = one.content.size()}});
  Content content = std::exchange(one.content, Content());
  m.check_content(*third, content);
  if (&one != &other) {
    m.settle();
    std::optional<Buffer> fourth;
    (void)m.attempt([&] { fourth.emplace(std::move(other.buffer)); },
                    {{.subject = &other, .removed = other.content.size()}});
    Content moved = std::exchange(other.content, Content());
    replace_content(m, one, *fourth, std::move(moved));
    m.check_content(one.buffer, one.content);
  }
  replace_content(m, other, *third, std::move(content));
  m.check_content(other.buffer, other.content);
}

/// A part of the file that stands in front of a buffer, once more.
void append_front_file(Machine& m) {
  Subject& of = m.subject();
  Subject& to = m.subject(Need::back);
  const std::optional<FileRange> file = of.buffer.front_file();
  const std::size_t offset = m.below(file ? file->size() + 1 : 0);
  const std::size_t size = m.below(file ? file->size() - offset + 1 : 0);
  if (!file) return;
  const FileRange part = file->subrange(offset, size);
  m.check(part.size() == size && part.is_empty() == (size == 0), "a part of another size");
  m.check(size == 0 || (part.offset() == file->offset() + offset && part.file() == m.file()), "a part of another file");
  m.check((part == *file) == (size == file->size()), "equality of parts differs");
  if (m.attempt([&] { to.buffer.append(part); }, {{.subject = &to, .added = size}}, overflows(to, size)) && size != 0)
    to.content.append_file(part.offset(), size);
}

constexpr std::array operations{
    Operation{"write_by_writer", 2, write_by_writer},
    Operation{"exchange", 1, exchange},
    Operation{"append_front_file", 1, append_front_file},
};

}  // namespace

std::span<const Operation> value_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
