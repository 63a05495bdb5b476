// weir: slots, the loop's own half of every stream, listener, timer and watch.
// SPDX-License-Identifier: MIT
#include "weir/loop/slot.h"

#include <string>
#include <utility>

#include "weir/loop/event_loop.h"

namespace weir {

Slot::Slot(EventLoop& loop) : loop_(&loop), id_(loop.slots_.add(*this, loop.present_birth())) {}

Slot::~Slot() {
  if (loop_->running_slot_ == this) loop_->running_slot_ = nullptr;
  if (loop_->thrower_ == this) loop_->thrower_ = nullptr;
  if (is_named_) loop_->names_.erase(id_.index);
  loop_->slots_.remove(id_);
}

void Slot::set_name(std::string_view name) {
  if (name.empty()) {
    if (std::exchange(is_named_, false)) loop_->names_.erase(id_.index);
  } else {
    loop_->names_.insert_or_assign(id_.index, std::string(name));
    is_named_ = true;
  }
}

std::string_view Slot::name() const noexcept {
  if (!is_named_) return {};
  return loop_->names_.find(id_.index)->second;
}

void Slot::release() noexcept {
  is_released_ = true;
  if (holds_ == 0) free();
}

void Slot::free() noexcept {
  void* memory = this;
  this->~Slot();
  ::operator delete(memory);
}

SlotId SlotTable::add(Slot& slot, std::uint32_t birth) {
  if (first_free_ == SlotId::no_index) {
    entries_.push_back({.generation = first_generation_});
    first_free_ = static_cast<std::uint32_t>(entries_.size() - 1);
  }
  const std::uint32_t index = first_free_;
  Entry& entry = entries_[index];
  first_free_ = std::exchange(entry.birth_or_next_free, birth);
  entry.slot = &slot;
  ++used_;
  return {index, entry.generation};
}

void SlotTable::remove(SlotId id) noexcept {
  Entry& entry = entries_[id.index];
  entry.slot = nullptr;
  ++entry.generation;
  entry.birth_or_next_free = first_free_;
  first_free_ = id.index;
  --used_;
}

}  // namespace weir
