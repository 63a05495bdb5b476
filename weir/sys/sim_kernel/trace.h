// weir: what happened in the simulated kernel, call by call.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/time.h"
#include "weir/sys/fault_plan.h"

namespace weir::sys {

/// What the network did by itself; and `remark`, what was done to it.
enum class NetworkEvent : std::uint8_t {
  connect_arrives,
  data_arrives,
  end_arrives,
  reset_arrives,
  lost,
  datagram_arrives,
  timed_out,
  remark,
};

/// Keeps the last lines and a hash over all of them. The same seed and the same program give the same hash: nothing goes
/// into it that depends on addresses in memory, on the time of day, or on what bytes were sent (only on how many).
class Trace {
 public:
  struct Line {
    TimePoint time;
    std::int64_t result;
    std::int32_t machine;
    std::int32_t subject;  // of a call: the descriptor within its machine; of an event: the machine it came from
    std::uint8_t what;     // Call, or NetworkEvent
    bool is_call;
    bool is_injected;
  };

  explicit Trace(std::size_t kept_lines = 1000) : kept_(kept_lines) {}

  void add(const Line& line);
  /// Adds a line of any text: a trouble that begins, say.
  void remark(TimePoint time, std::string text);

  std::uint64_t hash() const noexcept { return hash_; }
  /// How many lines there have been, kept or not.
  std::uint64_t count() const noexcept { return count_; }
  /// The kept lines, oldest first.
  std::vector<Line> lines() const;
  /// Hears of every line from now on.
  void on_line(Callback<void(const Line&)> hook) {
    is_replaced_ = true;
    on_line_ = std::move(hook);
  }

  /// One line as text, without the time and the machines' names: "send 5 -> 100".
  std::string what_happened(const Line& line) const;

 private:
  std::size_t kept_;
  std::vector<Line> ring_;
  std::uint64_t hash_ = 0xCBF29CE484222325U;
  std::uint64_t count_ = 0;
  std::vector<std::string> remarks_;
  Callback<void(const Line&)> on_line_;
  bool is_replaced_ = false;  // while it runs
};

}  // namespace weir::sys
