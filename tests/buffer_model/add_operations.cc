// weir: the model's operations that add to a buffer.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/buffer_model/machine.h"
#include "weir/buffer/varint.h"

namespace weir::buffer_model {
namespace {

/// Bytes, text, a C string, or the form that tells.
void append_copy(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  const std::size_t form = m.below(4);
  const std::string terminated(form == 2 ? text.substr(0, text.find('\0')) : "");
  const std::string_view added = form == 2 ? std::string_view(terminated) : text;
  bool is_added = true;
  const auto append = [&] {
    switch (form) {
      case 0: return to.buffer.append(as_bytes(text));
      case 1: return to.buffer.append(text);
      case 2: return to.buffer.append(terminated.c_str());
      default: is_added = to.buffer.try_append(as_bytes(text));
    }
  };
  if (form == 3) {  // it does not throw: whether it did anything is known only afterwards
    (void)m.attempt(append, {});
    m.check(!is_added || !overflows(to, text.size()), "it went through in spite of its size");
    if (is_added) {
      to.content.append(text);
      to.changes(text.size(), 0);
    }
    m.check_content(to.buffer, to.content);
    return;
  }
  if (m.attempt(append, {{.subject = &to, .added = added.size()}}, overflows(to, added.size())))
    to.content.append(added);
}

void append_string(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  std::string bytes(text);
  if (m.rarely(4)) bytes.reserve(bytes.size() * 6);
  const bool done = m.attempt([&] { to.buffer.append(std::move(bytes)); }, {{.subject = &to, .added = text.size()}},
                              overflows(to, text.size()));
  m.check(bytes == (done ? "" : text), "the string is not as promised");  // NOLINT(bugprone-use-after-move): promised
  if (done) to.content.append(text);
}

void append_vector(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  std::vector<std::byte> bytes(as_bytes(text).begin(), as_bytes(text).end());
  const bool done = m.attempt([&] { to.buffer.append(std::move(bytes)); }, {{.subject = &to, .added = text.size()}},
                              overflows(to, text.size()));
  m.check(as_text(bytes) == (done ? "" : text),
          "the vector is not as promised");  // NOLINT(bugprone-use-after-move): promised
  if (done) to.content.append(text);
}

void append_static(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  if (m.attempt([&] { to.buffer.append_static(text); }, {{.subject = &to, .added = text.size()}},
                overflows(to, text.size())))
    to.content.append(text);
}

/// Memory of which nobody has so much.
void append_claimed(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::size_t size = some_claim(m.choices(), Buffer::max_size - to.content.size());
  const Bytes claimed(reinterpret_cast<const std::byte*>(claimed_address), size);
  if (m.attempt([&] { to.buffer.append(Slice::from_static(claimed)); }, {{.subject = &to, .added = size}},
                overflows(to, size)))
    to.content.append_claimed(claimed_address, size);
}

/// More than there can be, in every form that is given a size only.
void ask_too_much(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::size_t size = some_claim(m.choices(), Buffer::max_size - to.content.size());
  const Bytes claimed(reinterpret_cast<const std::byte*>(claimed_address), size);
  int released = 0;
  Callback<void()> release = [&released] { ++released; };
  switch (m.below(7)) {
    case 0: (void)m.attempt([&] { (void)to.buffer.prepare(size); }, {{.subject = &to}}, true); break;
    case 1: (void)m.attempt([&] { (void)to.buffer.prepare(unlimited - size); }, {{.subject = &to}}, true); break;
    case 2: m.check(!to.buffer.reserve(size), "so much cannot be reserved"); break;
    case 3: m.check(!to.buffer.reserve(unlimited), "so much cannot be reserved"); break;
    case 4: m.check(!to.buffer.try_append(claimed), "so much cannot be copied"); break;
    case 5: (void)m.attempt([&] { to.buffer.append(claimed); }, {{.subject = &to}}, true); break;
    default:
      if (!overflows(to, size)) break;
      (void)m.attempt([&] { to.buffer.append_foreign(claimed, std::move(release)); }, {{.subject = &to}}, true);
  }
  m.check(released == 0, "what was not taken was released");
  m.check_content(to.buffer, to.content);
}

void append_block(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  const std::size_t more = m.below(1000);
  const std::size_t dropped = m.below(text.size() + 1);
  Result<Block> block = m.pool().try_allocate(text.size() + more);
  if (!block) return;
  block->append(as_bytes(text));
  block->drop(dropped);
  const std::string_view rest = text.substr(dropped);
  const bool done = m.attempt([&] { to.buffer.append(*std::move(block)); }, {{.subject = &to, .added = rest.size()}},
                              overflows(to, rest.size()));
  m.check(block->size() == (done ? 0 : rest.size()),
          "the block is not as promised");  // NOLINT(bugprone-use-after-move)
  if (done) to.content.append(rest);
}

void append_foreign(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  Lent& lent = m.lend(text);
  Callback<void()> release = m.release_of(lent);
  const bool done = m.attempt([&] { to.buffer.append_foreign(lent.memory, std::move(release)); },
                              {{.subject = &to, .added = text.size()}}, overflows(to, text.size()));
  m.check(done || lent.returned == 0, "what was not taken was released");
  if (done) {
    to.content.append(text);
  } else {
    m.take_back(lent);
  }
}

template <class Number>
void append_one_number(Machine& m, Subject& to, Number number, bool is_big) {
  std::array<std::byte, sizeof number> bytes{};
  is_big ? store_big_endian(bytes, number) : store_little_endian(bytes, number);
  if (m.attempt([&] { is_big ? to.buffer.append_big_endian(number) : to.buffer.append_little_endian(number); },
                {{.subject = &to, .added = bytes.size()}}, overflows(to, bytes.size())))
    to.content.append(as_text(bytes));
}

void append_number(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::size_t number = m.below(unlimited);
  const bool is_big = m.coin();
  switch (m.below(4)) {
    case 0: return append_one_number(m, to, static_cast<std::uint8_t>(number), is_big);
    case 1: return append_one_number(m, to, static_cast<std::uint16_t>(number), is_big);
    case 2: return append_one_number(m, to, static_cast<std::uint32_t>(number), is_big);
    default: return append_one_number(m, to, static_cast<std::int64_t>(number), is_big);
  }
}

/// Also without a commit, and with one of nothing.
void prepare_and_commit(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  const bool is_committed = !m.rarely(4);
  const std::size_t count = m.coin() ? m.below(text.size() + 1) : text.size();
  MutableBytes room;
  if (!m.attempt([&] { room = to.buffer.prepare(text.size()); }, {{.subject = &to}}, overflows(to, text.size())))
    return;
  m.check(room.size() >= text.size(), "less room than asked for");
  m.check(room.size() <= Buffer::max_size - to.content.size(), "more room than may be committed");
  if (m.has_failed()) return;
  std::copy_n(as_bytes(text).begin(), text.size(), room.begin());
  if (!is_committed) return;
  (void)m.attempt([&] { to.buffer.commit(count); }, {{.subject = &to, .added = count}});
  to.content.append(text.substr(0, count));
}

void reserve_and_append(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  const std::size_t part = 1 + m.below(text.size());
  bool is_certain = false;
  (void)m.attempt([&] { is_certain = static_cast<bool>(to.buffer.reserve(text.size())); }, {{.subject = &to}});
  if (!is_certain) return;
  for (std::size_t done = 0; done < text.size() && to.unsettled() == 0; done += part) {
    bool is_appended = false;
    {
      const AllocationPlan nothing_left(1, true);
      is_appended = to.buffer.try_append(as_bytes(text.substr(done, part)));
    }
    m.check(is_appended, "what was reserved could not be appended");
    to.content.append(text.substr(done, part));
    to.changes(std::min(part, text.size() - done), 0);
  }
}

/// Several pieces at once, one of which may be its own.
void append_pieces(Machine& m) {
  Subject& to = m.subject(Need::back);
  std::vector<Bytes> pieces(m.below(6));
  std::string expected;
  for (Bytes& piece : pieces) {
    piece = m.rarely(4) ? to.buffer.front().first(std::min(to.buffer.front().size(), to.content.head().size()))
                        : as_bytes(m.text());
    expected += as_text(piece);
  }
  if (m.attempt([&] { to.buffer.append_pieces(pieces); }, {{.subject = &to, .added = expected.size()}},
                overflows(to, expected.size())))
    to.content.append(expected);
}

void append_varint(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::uint64_t number = m.below(unlimited) >> m.below(64);
  const std::string expected(as_text(Varint(number).bytes()));
  if (m.attempt([&] { to.buffer.append_varint(number); }, {{.subject = &to, .added = expected.size()}},
                overflows(to, expected.size())))
    to.content.append(expected);
}

void append_printf(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view all = m.text();
  const std::string_view text = all.substr(0, all.find('\0'));
  const auto number = static_cast<int>(m.below(1000));
  const std::string expected = std::string(text) + ' ' + std::to_string(number);
  bool is_converted = false;
  const auto append = [&] {
    is_converted = to.buffer.append_printf("%.*s %d", static_cast<int>(text.size()), text.data(), number);
  };
  constexpr std::size_t guess = 256;  // room is made before it is known how much is needed
  if (overflows(to, expected.size() + guess)) return;
  if (!m.attempt(append, {{.subject = &to, .added = expected.size()}})) return;
  m.check(is_converted, "it was not converted");
  to.content.append(expected);
}

/// The room of a block that is used again for the next.
void receive(Machine& m) {
  Subject& to = m.subject(Need::back);
  const std::string_view text = m.text();
  const MutableBytes room = m.received().room();
  const std::string_view part = text.substr(0, room.size());
  std::copy_n(as_bytes(part).begin(), part.size(), room.begin());
  const Slice slice = m.received().take(part.size());
  if (m.attempt([&] { to.buffer.append(slice); }, {{.subject = &to, .added = part.size()}}, overflows(to, part.size())))
    to.content.append(part);
}

/// A part of its own content, as bytes or as a slice.
void append_own(Machine& m) {
  Subject& to = m.subject(Need::back);
  const bool is_copied = m.coin();
  const std::size_t number = m.below(4);
  const std::string_view head = to.content.head();
  std::size_t offset = 0;
  auto slice = to.buffer.slices().begin();
  for (std::size_t i = 0; i < number && slice != to.buffer.slices().end(); ++i) offset += (slice++)->size();
  if (slice == to.buffer.slices().end() || offset >= head.size()) return;
  const std::string text(head.substr(offset, slice->size()));
  const Effect effect{.subject = &to, .added = text.size()};
  const bool too_much = overflows(to, text.size());
  const bool done = is_copied ? m.attempt([&] { to.buffer.append(slice->bytes()); }, {effect}, too_much)
                              : m.attempt([&] { to.buffer.append(*slice); }, {effect}, too_much);
  if (done) to.content.append(text);
}

constexpr std::array operations{
    Operation{"append_copy", 6, append_copy},
    Operation{"append_string", 2, append_string},
    Operation{"append_vector", 2, append_vector},
    Operation{"append_static", 2, append_static},
    Operation{"append_claimed", 1, append_claimed},
    Operation{"ask_too_much", 1, ask_too_much},
    Operation{"append_block", 2, append_block},
    Operation{"append_foreign", 2, append_foreign},
    Operation{"append_number", 2, append_number},
    Operation{"prepare_and_commit", 3, prepare_and_commit},
    Operation{"reserve_and_append", 2, reserve_and_append},
    Operation{"receive", 3, receive},
    Operation{"append_own", 2, append_own},
    Operation{"append_pieces", 2, append_pieces},
    Operation{"append_varint", 1, append_varint},
    Operation{"append_printf", 1, append_printf},
};

}  // namespace

std::span<const Operation> adding_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
