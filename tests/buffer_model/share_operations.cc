// weir: the model's operations with slices kept aside and with memory that several buffers view.
// SPDX-License-Identifier: MIT
#include <array>
#include <optional>
#include <utility>

#include "tests/buffer_model/machine.h"
#include "weir/buffer/cursor.h"

namespace weir::buffer_model {
namespace {

constexpr std::size_t most_pins = 24;

void unpin_one(Machine& m, std::size_t which) {
  std::swap(m.pins()[which], m.pins().back());
  m.pins().pop_back();
}

/// Keeps one of the first slices aside, or a part of it.
void pin(Machine& m) {
  Subject& of = m.subject();
  const std::size_t number = m.below(6);
  const std::size_t cut = m.below(4);
  if (m.pins().size() == most_pins) unpin_one(m, 0);
  const std::string_view head = of.content.head();
  std::size_t offset = 0;
  std::size_t i = 0;
  for (const Slice& slice : of.buffer.slices()) {
    if (offset + slice.size() > head.size()) return;
    if (i++ == number) {
      const std::size_t first = slice.size() * cut / 8;
      Slice part = slice.subslice(first, slice.size() - 2 * first);
      const std::string_view text = head.substr(offset + first, part.size());
      m.pins().push_back({std::move(part), std::string(text)});
      return;
    }
    offset += slice.size();
  }
}

void unpin(Machine& m) {
  const std::size_t which = m.below(m.pins().size());
  if (!m.pins().empty()) unpin_one(m, which);
}

/// Memory of every kind.
void pin_made(Machine& m) {
  const std::string_view text = m.text();
  const std::size_t kind = m.below(4);
  std::optional<Slice> slice;
  std::string adopted(text);
  std::vector<std::byte> bytes(as_bytes(text).begin(), as_bytes(text).end());
  Lent* lent = kind == 3 ? &m.lend(text) : nullptr;
  Callback<void()> release = [&m, lent] { m.take_back(*lent); };
  const bool done = m.attempt(
      [&] {
        switch (kind) {
          case 0: slice = Slice::copy_of(as_bytes(text), m.pool()); break;
          case 1: slice = Slice::adopt(std::move(adopted)); break;
          case 2: slice = Slice::adopt(std::move(bytes)); break;
          default: slice = Slice::foreign(lent->memory, std::move(release));
        }
      },
      {});
  if (!done && lent != nullptr) {
    m.check(lent->returned == 0, "what was not taken was released");
    m.take_back(*lent);
  }
  if (m.pins().size() == most_pins) unpin_one(m, 0);
  if (done) m.pins().push_back({*std::move(slice), std::string(text)});
}

void append_slice(Machine& m) {
  Subject& to = m.subject(Need::back);
  const Pinned* pinned = m.pinned();
  if (pinned == nullptr) return;
  const std::size_t offset = m.below(pinned->text.size() + 1);
  const std::size_t count = m.coin() ? m.below(pinned->text.size() - offset + 1) : pinned->text.size() - offset;
  if (m.attempt([&] { to.buffer.append(pinned->slice.subslice(offset, count)); }, {{.subject = &to, .added = count}},
                count > Buffer::max_size - to.content.size()))
    to.content.append(std::string_view(pinned->text).substr(offset, count));
}

/// Many small slices, so that the queue grows nodes.
void append_burst(Machine& m) {
  Subject& to = m.subject(Need::back);
  const Pinned* pinned = m.pinned();
  const std::size_t slices = m.below(60);
  const std::size_t size = 1 + m.below(200);
  if (pinned == nullptr || to.content.size() > Buffer::max_size / 2) return;
  for (std::size_t i = 0; i < slices && !m.has_failed(); ++i) {
    const std::size_t offset = i * 37 % (pinned->text.size() + 1);
    const std::size_t count = std::min(size, pinned->text.size() - offset);
    if (m.attempt([&] { to.buffer.append(pinned->slice.subslice(offset, count)); }, {{.subject = &to, .added = count}}))
      to.content.append(std::string_view(pinned->text).substr(offset, count));
  }
}

void append_reserved(Machine& m) {
  Subject& to = m.subject(Need::back);
  const Pinned* pinned = m.pinned();
  const bool is_used = !m.rarely(3);
  bool is_certain = false;
  (void)m.attempt([&] { is_certain = static_cast<bool>(to.buffer.reserve_slice()); }, {{.subject = &to}});
  if (!is_certain || !is_used || pinned == nullptr || pinned->text.size() > Buffer::max_size - to.content.size())
    return;
  {
    const AllocationPlan nothing_left(1, true);
    to.buffer.append_reserved(pinned->slice);
  }
  to.content.append(pinned->text);
  to.changes(pinned->text.size(), 0);
}

void share(Machine& m) {
  Subject& to = m.subject(Need::back);
  Subject& of = m.subject();
  const std::size_t offset = m.below(of.content.size() + 1);
  const std::size_t count = m.coin() ? m.below(of.content.size() - offset + 1) : of.content.size() - offset;
  std::optional<Buffer> shared;
  if (!m.attempt([&] { shared.emplace(of.buffer.share(offset, count)); }, {{.subject = &of}})) return;
  m.give(to, *std::move(shared), of.content.part(offset, count));
  m.check_content(of.buffer, &to == &of ? to.content : of.content);
}

/// Reads pieces by a cursor.
void read_pieces(Machine& m) {
  Subject& of = m.subject();
  const std::string_view head = of.content.head();
  const std::size_t skipped = m.below(head.size() + 1);
  const std::size_t count = m.below(head.size() - skipped + 1);
  const bool is_slice = m.coin();
  if (!of.content.is_text()) return;
  Cursor cursor(of.buffer);
  m.check(cursor.skip(skipped) && cursor.position() == skipped && cursor.left() == head.size() - skipped,
          "the cursor is elsewhere");
  m.check(head.substr(skipped).starts_with(as_text(cursor.run())), "another run");
  if (is_slice) {
    const Slice slice = cursor.read_slice(count);
    m.check(as_text(slice.bytes()) == head.substr(skipped, slice.size()), "another slice was read");
    m.check(slice.size() <= count && (slice.size() != 0 || count == 0 || skipped == head.size()),
            "a slice of another size");
    return;
  }
  std::optional<Buffer> read;
  if (!m.attempt([&] { read.emplace(cursor.read_buffer(count)); }, {{.subject = &of}})) return;
  m.check_content(*read, Content(head.substr(skipped, count)));
  m.check(cursor.position() == skipped + count, "the cursor did not move");
}

template <class Number>
void read_number(Machine& m, Cursor& cursor, std::string_view head) {
  const bool is_big = m.coin();
  const std::size_t at = cursor.position();
  const std::optional<Number> number = is_big ? cursor.read_big_endian<Number>() : cursor.read_little_endian<Number>();
  m.check(number.has_value() == (head.size() - at >= sizeof(Number)), "a number was missed, or made up");
  m.check(cursor.position() == (number ? at + sizeof(Number) : at), "the cursor moved otherwise");
  if (!number) return;
  const Bytes bytes = as_bytes(head.substr(at));
  m.check(*number == (is_big ? load_big_endian<Number>(bytes) : load_little_endian<Number>(bytes)), "another number");
}

void read_numbers(Machine& m) {
  Subject& of = m.subject();
  const std::string_view head = of.content.head();
  const std::size_t place = m.below(head.size() + 1);
  const std::size_t numbers = m.below(8);
  if (!of.content.is_text()) return;
  Cursor cursor(of.buffer);
  m.check(cursor.seek(place), "the cursor cannot go there");
  for (std::size_t i = 0; i < numbers && !m.has_failed(); ++i) {
    switch (m.below(4)) {
      case 0: read_number<std::uint8_t>(m, cursor, head); break;
      case 1: read_number<std::uint16_t>(m, cursor, head); break;
      case 2: read_number<std::uint32_t>(m, cursor, head); break;
      default: read_number<std::uint64_t>(m, cursor, head);
    }
  }
}

constexpr std::array operations{
    Operation{"pin", 3, pin},
    Operation{"unpin", 2, unpin},
    Operation{"pin_made", 2, pin_made},
    Operation{"append_slice", 4, append_slice},
    Operation{"append_burst", 1, append_burst},
    Operation{"append_reserved", 2, append_reserved},
    Operation{"share", 3, share},
    Operation{"read_pieces", 2, read_pieces},
    Operation{"read_numbers", 1, read_numbers},
};

}  // namespace

std::span<const Operation> sharing_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
