// weir: the model's operations on the memory that buffers and slices keep, and on how it is cut.
// SPDX-License-Identifier: MIT
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "tests/buffer_model/held_memory.h"
#include "tests/buffer_model/machine.h"

namespace weir::buffer_model {
namespace {

/// Afterwards the content keeps no more than four times its bytes, each block counted once, and a few hundred bytes.
void compact(Machine& m) {
  Subject& of = m.subject();
  constexpr std::size_t few_hundred = 256;  // a short copy
  const std::size_t size = of.content.size();
  const bool is_done = m.attempt([&] { of.buffer.compact(); }, {{.subject = &of}});
  m.check_content(of.buffer, of.content);
  if (!is_done) return;
  const BufferMemory memory = of.buffer.memory();
  m.check(memory.fair_share <= memory.pinned, "a share that is more than all");
  if (of.content.has(Content::Kind::file)) return;
  if (of.content.size() != size) return;  // memory that came back has appended, to a block as large as the content
  const HeldMemory held = held_by(of.buffer);
  m.check(held.bytes <= few_hundred || (held.bytes - few_hundred) / 4 <= held.viewed,
          "the content keeps " + std::to_string(held.bytes) + " bytes for " + std::to_string(held.viewed));
}

/// With no draft, no receive block and no kept slice left but in a buffer, the shares of all buffers are what is held.
void measure(Machine& m) {
  m.drafts().clear();
  m.received().release();
  m.settle();
  for (const std::unique_ptr<Subject>& each : m.subjects()) {
    if (each->content.has(Content::Kind::file)) return;
  }
  FairShares shares;
  for (const std::unique_ptr<Subject>& each : m.subjects()) shares.add(each->buffer);
  for (Pinned& pinned : m.pins()) {
    if (pinned.text.empty()) continue;
    Buffer holder;
    m.check(static_cast<bool>(holder.reserve_slice()), "no place for a slice");
    holder.append_reserved(std::move(pinned.slice));
    shares.add(holder);
    pinned.slice = *holder.slices().begin();
  }
  m.check(shares.are_all_of(m.pool().stats()), "the shares of all buffers are not what is held");
}

/// What `gather` fills is known before, whatever is in the buffer.
void count_entries(Machine& m) {
  Subject& of = m.subject();
  const std::size_t offset = m.coin() ? m.below(of.content.size() + 1) : 0;
  const std::size_t count = m.coin() ? m.below(of.content.size() - offset + 100) : unlimited;
  std::vector<iovec> entries(of.buffer.slice_count() + 1);
  m.check(of.buffer.count_entries(offset, count) == of.buffer.gather(entries, offset, count),
          "another number of entries was told than filled");
  std::size_t slices = 0;
  std::size_t bytes = 0;
  for (const Slice& slice : of.buffer.slices()) {
    ++slices;
    bytes += slice.size();
  }
  m.check(of.buffer.memory_size() == bytes, "another size is in memory than the slices have");
  m.check(slices == of.buffer.slice_count() || (slices < of.buffer.slice_count() && bytes < of.content.size()),
          "another number of slices");
  m.check(of.buffer.count_entries() <= slices, "more entries than slices");
}

/// What a block is like after a slice has become one.
void check_block(Machine& m, Block& block, const std::string& text) {
  m.check(as_text(block.bytes()) == text && block.size() == text.size() && block.is_empty() == text.empty(),
          "other bytes in the block");
  m.check(block.capacity() >= block.size() + block.room().size(), "more room than the block has");
  std::string copy(text.size() / 2 + 1, '\0');
  const std::size_t copied = block.copy_to(std::as_writable_bytes(std::span(copy)));
  m.check(copied == std::min(copy.size(), text.size()) && copy.substr(0, copied) == text.substr(0, copied),
          "other bytes were copied out of the block");
}

/// The memory of a kept slice, or a copy where others view it, is written to. Nobody else may see that.
void pin_into_block(Machine& m) {
  Subject& to = m.subject(Need::back);
  Pinned* pinned = m.pinned();
  const bool is_moved = !m.rarely(3);
  const std::size_t change = m.below(3);
  const std::string_view text = m.text();
  if (pinned == nullptr) return;
  std::string expected = pinned->text;
  Slice slice = is_moved ? std::move(pinned->slice) : pinned->slice;
  Block block;
  const bool is_block = m.attempt([&] { block = std::move(slice).into_block(m.pool()); }, {});
  m.check(as_text(slice.bytes()) == (is_block ? "" : expected), "the slice is not as promised");  // NOLINT
  if (is_moved) {
    if (is_block) pinned->text.clear();
    pinned->slice = std::move(slice);
  }
  if (!is_block) return;
  check_block(m, block, expected);
  const std::size_t dropped = std::min(text.size(), block.size());
  switch (change) {
    case 0:
      block.drop(dropped);
      expected.erase(0, dropped);
      if (m.coin()) block.move_to_front();
      break;
    case 1:
      expected = text.substr(0, block.capacity());
      block.assign(as_bytes(expected));
      break;
    default:
      const std::string_view more = text.substr(0, block.room().size());
      block.append(as_bytes(more));
      expected += more;
  }
  check_block(m, block, expected);
  if (m.has_failed()) return;
  const std::size_t size = expected.size();
  if (m.attempt([&] { to.buffer.append(std::move(block)); }, {{.subject = &to, .added = size}}, overflows(to, size)))
    to.content.append(expected);
}

void pin_compact(Machine& m) {
  Pinned* pinned = m.pinned();
  if (pinned == nullptr) return;
  const bool is_done = m.attempt([&] { pinned->slice.compact(m.pool()); }, {});
  m.check(as_text(pinned->slice.bytes()) == pinned->text, "a slice has changed");
  if (!is_done || pinned->text.empty()) return;
  Buffer holder;
  m.check(static_cast<bool>(holder.reserve_slice()), "no place for a slice");
  holder.append_reserved(pinned->slice);
  m.check(holder.memory().pinned <= 4 * pinned->text.size() + 515, "a slice keeps much more than it has");
}

constexpr std::array operations{
    Operation{"compact", 2, compact},
    Operation{"measure", 1, measure},
    Operation{"count_entries", 2, count_entries},
    Operation{"pin_into_block", 2, pin_into_block},
    Operation{"pin_compact", 1, pin_compact},
};

}  // namespace

std::span<const Operation> memory_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
