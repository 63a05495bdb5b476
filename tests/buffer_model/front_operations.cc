// weir: the model's operations at the front of a buffer.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <utility>

#include "tests/buffer_model/machine.h"

namespace weir::buffer_model {
namespace {

void prepended(Subject& to, std::string_view text) { to.content.prepend(Content(text)); }

void prepend_copy(Machine& m) {
  Subject& to = m.subject(Need::front);
  const std::string_view text = m.text();
  const bool is_bytes = m.coin();
  if (m.attempt([&] { is_bytes ? to.buffer.prepend(as_bytes(text)) : to.buffer.prepend(text); },
                {{.subject = &to, .added = text.size()}}, overflows(to, text.size())))
    prepended(to, text);
}

/// A part of its own content.
void prepend_own(Machine& m) {
  Subject& to = m.subject(Need::front);
  const bool is_copied = m.coin();
  const std::string_view head = to.content.head();
  const std::size_t count = m.below(to.buffer.front().size() + 1);
  if (to.buffer.front().size() > head.size()) return;
  const std::string text(head.substr(0, count));
  const Effect effect{.subject = &to, .added = count};
  const bool done =
      is_copied ? m.attempt([&] { to.buffer.prepend(to.buffer.front().first(count)); }, {effect}, overflows(to, count))
                : m.attempt(
                      [&] {
                        if (count != 0) to.buffer.prepend(to.buffer.slices().begin()->subslice(0, count));
                      },
                      {effect}, overflows(to, count));
  if (done) prepended(to, text);
}

void prepend_number(Machine& m) {
  Subject& to = m.subject(Need::front);
  const auto number = static_cast<std::uint32_t>(m.below(unlimited));
  const bool is_big = m.coin();
  std::array<std::byte, sizeof number> bytes{};
  is_big ? store_big_endian(bytes, number) : store_little_endian(bytes, number);
  if (m.attempt([&] { is_big ? to.buffer.prepend_big_endian(number) : to.buffer.prepend_little_endian(number); },
                {{.subject = &to, .added = bytes.size()}}, overflows(to, bytes.size())))
    prepended(to, as_text(bytes));
}

void prepend_slice(Machine& m) {
  Subject& to = m.subject(Need::front);
  const Pinned* pinned = m.pinned();
  const bool is_moved = m.coin();
  if (pinned == nullptr) return;
  Slice slice = pinned->slice;
  const std::size_t count = pinned->text.size();
  const bool done = m.attempt([&] { is_moved ? to.buffer.prepend(std::move(slice)) : to.buffer.prepend(slice); },
                              {{.subject = &to, .added = count}}, overflows(to, count));
  m.check(slice.is_empty() == (count == 0 || (done && is_moved)), "the slice is not as promised");
  if (done) prepended(to, pinned->text);
}

/// To itself as well.
void prepend_buffer(Machine& m) {
  Subject& to = m.subject(Need::front);
  Subject& from = m.subject(Need::both);
  if (&to == &from) {
    (void)m.attempt([&] { to.buffer.prepend(std::move(from.buffer)); }, {{.subject = &to}});
    return;
  }
  const std::size_t count = from.content.size();
  if (!m.attempt([&] { to.buffer.prepend(std::move(from.buffer)); },
                 {{.subject = &to, .added = count}, {.subject = &from, .removed = count}}, overflows(to, count)))
    return;
  to.content.prepend(std::exchange(from.content, Content()));
}

/// The first bytes are changed in place; whoever else views them must not see it.
void write_in_place(Machine& m) {
  Subject& of = m.subject();
  const std::string_view head = of.content.head();
  const std::size_t most = of.content.is_safe() ? of.content.size() : head.size();
  const std::size_t count = m.below(std::min(most, longest_text) + 1);
  const std::string_view text = m.text(count);
  const bool is_changed = !m.rarely(4);
  MutableBytes place;
  if (!m.attempt([&] { place = of.buffer.writable(count); }, {{.subject = &of}})) return;
  m.check(as_text(place) == (count <= head.size() ? head.substr(0, count) : ""), "other bytes to be changed");
  if (m.has_failed() || !is_changed || place.empty()) return;
  std::copy_n(as_bytes(text).begin(), count, place.begin());
  of.content.overwrite(0, text);
  m.check_content(of.buffer, of.content);
}

constexpr std::array operations{
    Operation{"prepend_copy", 3, prepend_copy},     Operation{"prepend_own", 1, prepend_own},
    Operation{"prepend_number", 1, prepend_number}, Operation{"prepend_slice", 2, prepend_slice},
    Operation{"prepend_buffer", 2, prepend_buffer}, Operation{"write_in_place", 2, write_in_place},
};

}  // namespace

std::span<const Operation> front_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
