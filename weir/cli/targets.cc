// weir: where a proxy's connections go: which target is next, and which are set aside.
// SPDX-License-Identifier: MIT
#include "weir/cli/targets.h"

#include <algorithm>

#include "weir/base/expects.h"

namespace weir::cli {

Targets::Targets(const std::vector<Address>& addresses) {
  expects(!addresses.empty());
  targets_.reserve(addresses.size());
  for (const Address& address : addresses) targets_.push_back({.address = address});
}

bool Targets::is_free(const Target& target, TimePoint now) noexcept {
  return !target.figures.is_aside || (target.due <= now && !target.is_on_trial);
}

std::optional<Targets::Use> Targets::choose(std::span<const std::size_t> tried, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto is_better = [now](const Target& one, const Target& other) {
    const bool is_one_free = is_free(one, now);
    if (is_one_free != is_free(other, now)) return is_one_free;
    return is_one_free ? one.figures.connections < other.figures.connections : one.due < other.due;
  };
  Target* best = nullptr;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const std::size_t index = (next_ + i) % targets_.size();
    if (std::find(tried.begin(), tried.end(), index) != tried.end()) continue;
    if (best == nullptr || is_better(targets_[index], *best)) best = &targets_[index];
  }
  if (best == nullptr) return std::nullopt;
  const auto index = static_cast<std::size_t>(best - targets_.data());
  const bool is_trial = best->figures.is_aside && is_free(*best, now);
  if (is_trial) best->is_on_trial = true;
  ++best->figures.connections;
  next_ = index + 1;
  return std::optional<Use>(std::in_place, *this, index, is_trial);
}

std::vector<Targets::Figures> Targets::figures() const {
  const std::lock_guard lock(mutex_);
  std::vector<Figures> all;
  for (const Target& target : targets_) all.push_back(target.figures);
  return all;
}

Targets::Use::~Use() {
  if (targets_ == nullptr) return;
  const std::lock_guard lock(targets_->mutex_);
  --target().figures.connections;
  if (is_trial_) target().is_on_trial = false;  // nothing came of it, for the client went: the next one tries
}

void Targets::Use::connected() {
  const std::lock_guard lock(targets_->mutex_);
  Target& good = target();
  ++good.figures.total;
  good.figures.is_aside = false;
  good.time_aside = {};
  good.is_on_trial = false;
  is_trial_ = false;
}

std::optional<Duration> Targets::Use::failed(TimePoint now) {
  const std::lock_guard lock(targets_->mutex_);
  Target& bad = target();
  ++bad.figures.failures;
  if (std::exchange(is_trial_, false)) bad.is_on_trial = false;
  if (bad.figures.is_aside && now < bad.due) return std::nullopt;  // begun before, or for want of another
  bad.figures.is_aside = true;
  bad.time_aside = std::clamp(2 * bad.time_aside, first_time_aside, longest_time_aside);
  bad.due = now + bad.time_aside;
  return bad.time_aside;
}

}  // namespace weir::cli
