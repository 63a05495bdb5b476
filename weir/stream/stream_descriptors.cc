// weir: a byte stream with an input and an output buffer: descriptors that travel with its bytes.
// SPDX-License-Identifier: MIT
#include <iterator>

#include "weir/stream/stream_state.h"
#include "weir/sys/passed_descriptors.h"

namespace weir {

static_assert(Stream::most_descriptors == sys::PassedDescriptors::most);

StreamCore::Passing& StreamCore::passing() {
  Extras& more = extras();
  if (more.passing == nullptr) more.passing = std::make_unique<Passing>();
  return *more.passing;
}

// --- those that are sent ---

Accepted Stream::write_with_descriptors(Bytes bytes, std::vector<sys::Descriptor>&& descriptors) {
  Accepted answer;
  if (!takes_descriptors(bytes.size(), descriptors, answer)) return answer;
  const std::size_t bytes_before = output_.size();
  if (!output_.try_append(bytes)) return Accepted::refused;
  depart(bytes_before, std::move(descriptors));
  return taken();
}

Accepted Stream::write_with_descriptors(Buffer&& buffer, std::vector<sys::Descriptor>&& descriptors) {
  Accepted answer;
  if (!takes_descriptors(buffer.size(), descriptors, answer)) return answer;
  const std::size_t bytes_before = output_.size();
  output_.append(std::move(buffer));
  depart(bytes_before, std::move(descriptors));
  return taken();
}

/// Makes room for them, too: nothing may go wrong once the bytes are in the output.
bool StreamCore::takes_descriptors(std::size_t bytes, const std::vector<sys::Descriptor>& descriptors,
                                   Accepted& answer) {
  expects(can_pass());
  expects(bytes > 0 && descriptors.size() <= Stream::most_descriptors);
  for (const sys::Descriptor& descriptor : descriptors) expects(static_cast<bool>(descriptor));
  if (!takes(bytes, answer)) return false;
  Passing& all = passing();
  if (descriptors.size() > Stream::most_descriptors - all.waiting) {
    all.has_refused = has_told_slow_down_ = true;
    answer = Accepted::refused;
    return false;
  }
  all.departing.reserve(all.departing.size() + 1);
  return true;
}

void StreamCore::depart(std::size_t bytes_before, std::vector<sys::Descriptor>&& descriptors) noexcept {
  if (descriptors.empty()) return;
  Passing& all = *extras_->passing;
  all.waiting += descriptors.size();
  all.departing.push_back({extras_->taken + bytes_before, std::move(descriptors)});
  set_departures(true);
}

StreamCore::Departure StreamCore::next_departure() const noexcept {
  const std::vector<Passing::Departing>& all = extras_->passing->departing;
  const std::size_t to_next = all.size() > 1 ? all[1].position - all[0].position : unlimited;
  return {all[0].position - extras_->taken, to_next, all[0].descriptors};
}

void StreamCore::descriptors_departed() noexcept {
  Passing& all = *extras_->passing;
  all.waiting -= all.departing.front().descriptors.size();
  all.departing.erase(all.departing.begin());
  set_departures(!all.departing.empty());
  if (all.departing.empty()) all.has_refused = false;
  loop().descriptor_freed();
}

bool StreamCore::waits_for_departures() const noexcept { return extras_->passing->has_refused; }

void StreamCore::drop_departures() noexcept {
  if (!has_departures()) return;
  set_departures(false);
  extras_->passing->waiting = 0;
  extras_->passing->has_refused = false;
  extras_->passing->departing.clear();
  loop().descriptor_freed();
}

// --- those that come ---

void Stream::on_descriptors(DescriptorsHandler handler) {
  const bool takes = static_cast<bool>(handler) && !is_discarding_ && state_ != State::closed;
  if (!handler && (extras_ == nullptr || extras_->passing == nullptr)) return;
  loop().replace_callback(passing().on_descriptors, std::move(handler));
  take_arrivals(takes);
}

void StreamCore::reserve_arrivals() {
  std::vector<sys::Descriptor>& arrived = extras_->passing->arrived;
  arrived.reserve(arrived.size() + Stream::most_descriptors);
}

void StreamCore::descriptors_arrived(std::span<const int> numbers) noexcept {
  for (const int number : numbers) extras_->passing->arrived.emplace_back(number);
  has_arrivals_ = true;
}

/// Comes before the bytes they came with are told, which are in the input. False when those are not to be told now.
bool StreamCore::tell_descriptors() {
  has_arrivals_ = false;
  must_deliver_ = true;  // also if the callback throws
  std::vector<sys::Descriptor> arrived = std::exchange(extras_->passing->arrived, {});
  Stream::DescriptorsHandler& handler = extras_->passing->on_descriptors;
  if (handler) run_own([&] { loop().invoke(handler, self(), std::move(arrived)); });
  if (self().is_paused() || is_discarding_ || state_ == State::closed) return false;
  must_deliver_ = false;
  return true;
}

/// Nobody will hear of them.
void StreamCore::drop_arrivals() noexcept {
  take_arrivals(false);
  if (!std::exchange(has_arrivals_, false)) return;
  extras_->passing->arrived.clear();
  loop().descriptor_freed();
}

}  // namespace weir
