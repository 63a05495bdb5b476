// weir: slots, the loop's own half of every stream, listener, timer and watch.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>
#include <vector>

#include "weir/base/list.h"

namespace weir {

class EventLoop;
class IoSlot;
struct ObjectState;

/// Names a slot. An index is used again, each time with a new generation; those repeat only after 2^32 uses of it.
struct SlotId {
  static constexpr std::uint32_t no_index = ~std::uint32_t{0};

  std::uint32_t index = no_index;
  std::uint32_t generation = 0;

  std::uint64_t packed() const noexcept { return std::uint64_t{generation} << 32 | index; }
  static SlotId unpacked(std::uint64_t value) noexcept {
    return {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)};
  }
  friend bool operator==(SlotId, SlotId) noexcept = default;
};

struct DeferredTag;
struct PlaceTag;
struct StarvedTag;

/// Told when the loop closes a descriptor: something that needs one may try again.
class StarvedListener : public ListHook<StarvedTag> {
 public:
  virtual void descriptor_freed() noexcept = 0;

 protected:
  ~StarvedListener() = default;
};

/// Told when PostQueue::place_freed was raised: there may be a place again among the connections that are allowed.
class PlaceWaiter : public ListHook<PlaceTag> {
 public:
  virtual void place_freed() noexcept = 0;

 protected:
  ~PlaceWaiter() = default;
};

/// The part of an object that has to outlive its handle: what the kernel, or a callback on the stack, may still need.
///
///     created ──► in use ──► released (the handle is gone) ──► freed (and no hold is left)
///
/// Invariant: a slot is freed when it was released and nothing holds it, never before; so a handle may be destroyed
///            inside any callback, its own included.
/// Lifetime:  made with `new` by the layer above; freed by itself. A class of slots has Slot as its first base, so that a
///            slot begins where its memory does. The loop must outlive it.
/// Threads:   the loop's thread.
class Slot : public ListHook<DeferredTag> {
 public:
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  EventLoop& loop() const noexcept { return *loop_; }
  SlotId id() const noexcept { return id_; }
  bool is_released() const noexcept { return is_released_; }

  /// What the loop's insight and snapshots call the object. The loop keeps a copy, which goes with the slot; an empty name
  /// removes it. O(1), and no cost to those without a name. Throws std::bad_alloc; the name is then as before.
  void set_name(std::string_view name);
  /// Valid until the next `set_name`.
  std::string_view name() const noexcept;
  /// Fills in what there is to tell, but not the name, the priority and the age. A slot that is none of the program's
  /// objects leaves all as it is. Allocates nothing.
  virtual void describe(ObjectState&) const noexcept {}

 protected:
  /// Takes a place in the loop's table, so that events and references find the slot by its id.
  explicit Slot(EventLoop& loop);
  virtual ~Slot();

  /// The handle is gone: frees the slot as soon as nothing holds it, which may be now. Nothing may touch it after.
  void release() noexcept;

  /// Keeps the slot for something that is neither its handle nor on the stack: a connection that still lingers.
  void add_hold() noexcept { ++holds_; }
  void drop_hold() noexcept {
    if (--holds_ == 0 && is_released_) free();
  }

 private:
  friend class EventLoop;
  friend class SlotHold;

  /// This slot, if the kernel reports on it.
  virtual IoSlot* as_io_slot() noexcept { return nullptr; }

  /// Runs at the end of the turn in which the slot was deferred.
  virtual void run_deferred() {}

  /// A callback of this slot threw. True when its owner has dealt with that; else the exception leaves `run()`.
  virtual bool caught(std::exception_ptr) { return false; }

  /// The loop is being destroyed: ends at once whatever still goes on without a handle.
  virtual void loop_ends() noexcept {}

  /// Ends the slot. Not a delete-expression: for a stream that means something else.
  void free() noexcept;

  EventLoop* loop_;
  SlotId id_;
  std::uint32_t holds_ = 0;
  bool is_released_ = false;
  bool is_named_ = false;  ///< the loop has a name for it
};

/// Keeps a slot alive while something of it is on the stack.
class SlotHold {
 public:
  explicit SlotHold(Slot& slot) noexcept : slot_(slot) { slot_.add_hold(); }
  SlotHold(const SlotHold&) = delete;
  SlotHold& operator=(const SlotHold&) = delete;
  ~SlotHold() { slot_.drop_hold(); }

 private:
  Slot& slot_;
};

/// Finds slots by id. Entries are used again, last freed first, each time with a new generation.
class SlotTable {
 public:
  /// `first_generation` is that of a place used for the first time; tests begin where generations are about to wrap.
  explicit SlotTable(std::uint32_t first_generation = 0) noexcept : first_generation_(first_generation) {}

  /// Throws std::bad_alloc when the table cannot grow. `birth` is kept for `birth_of`.
  SlotId add(Slot& slot, std::uint32_t birth = 0);
  void remove(SlotId id) noexcept;

  /// The slot of that very generation, or null: the answer to a stale event.
  Slot* find(SlotId id) const noexcept {
    if (id.index >= entries_.size()) return nullptr;
    const Entry& entry = entries_[id.index];
    return entry.generation == id.generation ? entry.slot : nullptr;
  }

  /// What `add` was told. Requires that the slot is in the table.
  std::uint32_t birth_of(SlotId id) const noexcept { return entries_[id.index].birth_or_next_free; }

  std::size_t size() const noexcept { return used_; }

  /// Calls `visit(slot)` for each slot; `visit` may free slots.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].slot != nullptr) visit(*entries_[i].slot);
    }
  }

 private:
  struct Entry {
    Slot* slot = nullptr;
    std::uint32_t generation = 0;
    std::uint32_t birth_or_next_free = SlotId::no_index;  ///< of a slot; of a free entry
  };

  const std::uint32_t first_generation_;
  std::vector<Entry> entries_;
  std::uint32_t first_free_ = SlotId::no_index;
  std::size_t used_ = 0;
};

}  // namespace weir
