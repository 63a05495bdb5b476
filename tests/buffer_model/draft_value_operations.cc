// weir: the model's operations that stage numbers, formatted text, blocks and vectors in drafts, and as much room as there is.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/buffer_model/machine.h"

namespace weir::buffer_model {
namespace {

/// For a system call that fills several extents: what did not come is cut off again.
void draft_allocate_up_to(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::size_t size = m.size();
  const std::size_t most = m.rarely(6) ? unlimited - m.below(2) * size : size;
  constexpr std::size_t beyond_any_room = std::size_t{1} << 20;
  if (draft == nullptr || overflows(*draft, beyond_any_room)) return;
  MutableBytes memory;
  if (!attempt(m, *draft, [&] { memory = draft->draft.allocate_up_to(most); })) return;
  m.check(memory.size() <= most && memory.empty() == (most == 0), "more was allocated than asked for, or nothing");
  if (m.has_failed() || memory.empty()) return;
  std::string text;
  while (text.size() < memory.size()) text += m.text(std::min(memory.size() - text.size(), longest_text));
  std::ranges::copy(as_bytes(std::string_view(text)), memory.begin());
  draft->regions.push_back({memory, draft->content.size()});
  draft->content.append(text);
}

void draft_append_vector(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::string_view text = m.text();
  if (draft == nullptr) return;
  std::vector<std::byte> bytes(as_bytes(text).begin(), as_bytes(text).end());
  const bool done = attempt(
      m, *draft, [&] { draft->draft.append(std::move(bytes)); }, overflows(*draft, text.size()));
  m.check(as_text(bytes) == (done ? "" : text),
          "the vector is not as promised");  // NOLINT(bugprone-use-after-move): promised
  if (done) draft->content.append(text);
}

void draft_append_block(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::string_view text = m.text();
  const std::size_t more = m.below(1000);
  const std::size_t dropped = m.below(text.size() + 1);
  Result<Block> block = m.pool().try_allocate(text.size() + more);
  if (draft == nullptr || !block) return;
  block->append(as_bytes(text));
  block->drop(dropped);
  const std::string_view rest = text.substr(dropped);
  const bool done = attempt(
      m, *draft, [&] { draft->draft.append(*std::move(block)); }, overflows(*draft, rest.size()));
  m.check(block->size() == (done ? 0 : rest.size()),
          "the block is not as promised");  // NOLINT(bugprone-use-after-move)
  if (done) draft->content.append(rest);
}

void draft_append_printf(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::string_view all = m.text();
  const std::string_view text = all.substr(0, all.find('\0'));
  const auto number = static_cast<int>(m.below(1000));
  const std::string expected = std::string(text) + ' ' + std::to_string(number);
  constexpr std::size_t guess = 256;  // room is made before it is known how much is needed
  if (draft == nullptr || overflows(*draft, expected.size() + guess)) return;
  bool is_converted = false;
  const bool done = attempt(m, *draft, [&] {
    is_converted = draft->draft.append_printf("%.*s %d", static_cast<int>(text.size()), text.data(), number);
  });
  if (!done) return;
  m.check(is_converted, "it was not converted");
  draft->content.append(expected);
}

template <class Number>
void append_one_number(Machine& m, OpenDraft& draft, Number number, bool is_big) {
  std::string expected;
  for (std::size_t i = 0; i < sizeof number; ++i) expected += static_cast<char>(number >> 8 * i);
  if (is_big) std::ranges::reverse(expected);
  const bool done = attempt(
      m, draft, [&] { is_big ? draft.draft.append_big_endian(number) : draft.draft.append_little_endian(number); },
      overflows(draft, expected.size()));
  if (done) draft.content.append(expected);
}

void draft_append_number(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::size_t number = m.below(unlimited);
  const bool is_big = m.coin();
  const std::size_t width = m.below(4);
  if (draft == nullptr) return;
  switch (width) {
    case 0: return append_one_number(m, *draft, static_cast<std::uint8_t>(number), is_big);
    case 1: return append_one_number(m, *draft, static_cast<std::int16_t>(number), is_big);
    case 2: return append_one_number(m, *draft, static_cast<std::uint32_t>(number), is_big);
    default: return append_one_number(m, *draft, static_cast<std::uint64_t>(number), is_big);
  }
}

void draft_append_varint(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::uint64_t number = m.below(unlimited) >> m.below(64);
  if (draft == nullptr) return;
  std::string expected;
  for (std::uint64_t rest = number;; rest >>= 7) {
    expected += static_cast<char>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
    if (rest <= 0x7F) break;
  }
  if (attempt(
          m, *draft, [&] { draft->draft.append_varint(number); }, overflows(*draft, expected.size())))
    draft->content.append(expected);
}

constexpr std::array operations{
    Operation{"draft_allocate_up_to", 2, draft_allocate_up_to},
    Operation{"draft_append_vector", 1, draft_append_vector},
    Operation{"draft_append_block", 1, draft_append_block},
    Operation{"draft_append_printf", 1, draft_append_printf},
    Operation{"draft_append_number", 1, draft_append_number},
    Operation{"draft_append_varint", 1, draft_append_varint},
};

}  // namespace

std::span<const Operation> draft_value_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
