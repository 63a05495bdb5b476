// weir: what happened in the simulated kernel, call by call.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/trace.h"

#include <cstring>
#include <utility>

namespace weir::sys {
namespace {

constexpr std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9FB21C651E98DF25U;
  return hash ^ (hash >> 32);
}

std::string result_text(std::int64_t result) {
  if (result >= 0) return std::to_string(result);
  const char* name = ::strerrorname_np(static_cast<int>(-result));
  return name != nullptr ? name : "error " + std::to_string(-result);
}

}  // namespace

void Trace::add(const Line& line) {
  hash_ = mixed(hash_, static_cast<std::uint64_t>(line.time.time_since_epoch().count()));
  hash_ = mixed(hash_, static_cast<std::uint64_t>(line.result));
  hash_ = mixed(
      hash_, std::uint64_t{static_cast<std::uint32_t>(line.machine)} << 32 | static_cast<std::uint32_t>(line.subject));
  hash_ =
      mixed(hash_, std::uint64_t{line.what} << 2 | std::uint64_t{line.is_call} << 1 | std::uint64_t{line.is_injected});
  if (ring_.size() < kept_) {
    ring_.push_back(line);
  } else if (kept_ > 0) {
    ring_[count_ % kept_] = line;
  }
  ++count_;
  if (!on_line_) return;
  Callback<void(const Line&)> hook = std::move(on_line_);  // which may replace itself
  is_replaced_ = false;
  hook(line);
  if (!is_replaced_) on_line_ = std::move(hook);
}

void Trace::remark(TimePoint time, std::string text) {
  remarks_.push_back(std::move(text));
  add({time, static_cast<std::int64_t>(remarks_.size()) - 1, 0, 0, static_cast<std::uint8_t>(NetworkEvent::remark),
       false, false});
}

std::vector<Trace::Line> Trace::lines() const {
  std::vector<Line> result;
  result.reserve(ring_.size());
  const std::size_t first = ring_.size() < kept_ || kept_ == 0 ? 0 : count_ % kept_;
  for (std::size_t i = 0; i < ring_.size(); ++i) result.push_back(ring_[(first + i) % ring_.size()]);
  return result;
}

std::string Trace::what_happened(const Line& line) const {
  if (line.is_call) {
    const std::string subject = line.subject >= 0 ? " " + std::to_string(line.subject) : "";
    return std::string(name_of(static_cast<Call>(line.what))) + subject + " -> " + result_text(line.result) +
           (line.is_injected ? " (injected)" : "");
  }
  const std::string amount = std::to_string(line.result);
  switch (static_cast<NetworkEvent>(line.what)) {
    case NetworkEvent::connect_arrives: return "a connection is asked for at port " + amount;
    case NetworkEvent::data_arrives: return amount + " bytes arrive";
    case NetworkEvent::end_arrives: return "an end arrives";
    case NetworkEvent::reset_arrives: return "a reset arrives";
    case NetworkEvent::lost: return amount + " bytes are lost";
    case NetworkEvent::datagram_arrives: return "a datagram of " + amount + " bytes arrives";
    case NetworkEvent::timed_out: return "a connection has timed out";
    case NetworkEvent::remark: return remarks_[static_cast<std::size_t>(line.result)];
  }
  return {};
}

}  // namespace weir::sys
