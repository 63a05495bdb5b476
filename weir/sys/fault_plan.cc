// weir: a plan of which system calls fail, when and how.
// SPDX-License-Identifier: MIT
#include "weir/sys/fault_plan.h"

#include <algorithm>
#include <array>

namespace weir::sys {
namespace {

bool concerns(const FaultRule& rule, Call call) {
  return rule.calls.empty() || std::find(rule.calls.begin(), rule.calls.end(), call) != rule.calls.end();
}

}  // namespace

std::string_view name_of(Call call) {
  static constexpr std::array<std::string_view, call_count> names = {"open_socket",
                                                                     "create_socket_pair",
                                                                     "bind",
                                                                     "listen",
                                                                     "accept",
                                                                     "connect",
                                                                     "shutdown",
                                                                     "local_name",
                                                                     "peer_name",
                                                                     "get_option",
                                                                     "set_option",
                                                                     "receive",
                                                                     "send",
                                                                     "send_pieces",
                                                                     "send_to",
                                                                     "receive_from",
                                                                     "send_with_descriptors",
                                                                     "receive_with_descriptors",
                                                                     "read",
                                                                     "write",
                                                                     "read_pieces",
                                                                     "write_pieces",
                                                                     "close",
                                                                     "unlink",
                                                                     "describe_file",
                                                                     "open_file",
                                                                     "file_size",
                                                                     "file_kind",
                                                                     "status_flags",
                                                                     "set_status_flags",
                                                                     "read_at",
                                                                     "read_pieces_at",
                                                                     "write_pieces_at",
                                                                     "send_file",
                                                                     "fill_pipe",
                                                                     "drain_pipe",
                                                                     "set_pipe_size",
                                                                     "create_pipe",
                                                                     "create_event_counter",
                                                                     "create_epoll",
                                                                     "control_epoll",
                                                                     "wait_epoll",
                                                                     "poll"};
  return names[static_cast<std::size_t>(call)];
}

FaultPlan FaultPlan::nth(std::uint64_t k, Fault fault, std::initializer_list<Call> calls) {
  return script({{.calls = calls, .from = k, .to = k, .fault = fault}});
}

FaultPlan FaultPlan::from_nth(std::uint64_t k, Fault fault, std::initializer_list<Call> calls) {
  return script({{.calls = calls, .from = k, .to = forever, .fault = fault}});
}

FaultPlan FaultPlan::random(std::uint64_t seed, double probability, Fault fault, std::initializer_list<Call> calls) {
  return script({{.calls = calls, .from = 1, .to = forever, .probability = probability, .fault = fault}}, seed);
}

FaultPlan FaultPlan::script(std::vector<FaultRule> rules, std::uint64_t seed) {
  FaultPlan plan;
  plan.rules_ = std::move(rules);
  plan.random_state_ = seed;
  return plan;
}

FaultPlan& FaultPlan::operator+=(const FaultPlan& other) {
  rules_.insert(rules_.end(), other.rules_.begin(), other.rules_.end());
  return *this;
}

Fault FaultPlan::decide(Call call) {
  const FaultRule* striking = nullptr;
  for (FaultRule& rule : rules_) {
    if (!concerns(rule, call)) continue;
    ++rule.seen;
    const bool in_range = rule.seen >= rule.from && rule.seen <= rule.to;
    const bool strikes = in_range && (rule.probability >= 1.0 || draw() < rule.probability);
    if (strikes && striking == nullptr) striking = &rule;
  }
  return striking != nullptr ? striking->fault : Fault{};
}

/// A number in [0, 1) from the sequence known as SplitMix64 (Steele, Lea, Flood 2014).
double FaultPlan::draw() {
  std::uint64_t z = (random_state_ += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

}  // namespace weir::sys
