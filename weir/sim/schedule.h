// weir: a schedule of troubles for a simulated network, drawn by chance, and reduced when it makes a test fail.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/time.h"
#include "weir/sim/world.h"

namespace weir::sim {

/// One trouble, with its time. Which of the fields behind `other` count depends on the kind.
struct Mishap {
  enum class Kind : std::uint8_t {
    partition,          ///< nothing gets through between `host` and `other`, and nobody is told
    one_way_partition,  ///< nothing gets through from `host` to `other`
    reset,              ///< the TCP connections between the two are reset, once
    bad_link,           ///< what `link` says makes the way between the two worse, in both directions
    few_descriptors,    ///< `host` refuses descriptors whose number is not below `limit`
    pause,              ///< the programs of `host` stand still
    failing_calls,      ///< system calls of `host` are struck by `rule`
  };

  Kind kind = Kind::partition;
  Duration begin{};       ///< since the world began
  Duration length{};      ///< until it is undone; `World::for_ever` for never
  std::string host{};     ///< by name; what names no host of the world is passed over
  std::string other{};    ///< the second host, for troubles between two
  Link link{};            ///< the worse value of each field counts, and of all mishaps at the same time
  std::size_t limit = 0;  ///< loops hold the lowest two numbers each, from 3
  FaultRule rule{};       ///< counts calls from when it begins, and anew when another of that host begins or ends
};

/// What `Schedule::draw` may draw.
struct DrawOptions {
  std::vector<std::string> hosts{};           ///< those who suffer, and the ways between any two of them
  Duration chaos = std::chrono::seconds(10);  ///< everything begins and ends within
  Duration shortest =
      std::chrono::milliseconds(1);  ///< how long a mishap lasts: small lengths are as likely as large ones
  std::size_t most = 16;             ///< mishaps
};

/// When which trouble begins and ends: a value, to be applied to a world, written down as C++, and reduced.
///
///     const Schedule schedule{{{.kind = Mishap::Kind::partition, .begin = 2s, .length = 5s, .host = "a", .other = "b"}}};
///     schedule.apply(world);          // once the hosts are there
///     world.run_for(10s);
///
/// When a mishap ends, what was before comes back: links and limits as they were when the first of those that overlap
/// began. So a program should not change them itself meanwhile, nor `pause` or `set_faults` of a host concerned; and only
/// one schedule at a time may be in force. Crashes are not among the troubles: what was destroyed must be made again, which
/// only the test can do (`World::at`).
class WEIR_API Schedule {
 public:
  Schedule() = default;
  explicit Schedule(std::vector<Mishap> mishaps) : mishaps_(std::move(mishaps)) {}

  /// Draws which kinds of trouble there are and how often, in one case of eight none at all; then when and where.
  /// All lengths are whole milliseconds, so that the code is short.
  static Schedule draw(Random& random, const DrawOptions& options);

  const std::vector<Mishap>& mishaps() const noexcept { return mishaps_; }
  /// When the last mishap is over, those that are for ever not counted.
  Duration end() const;

  /// Plans all of it; what is due already begins at once. The world may outlive the schedule.
  void apply(World& world) const;

  /// An expression that makes an equal schedule. It needs `using namespace weir::sim` and `weir::literals` around it.
  std::string to_code() const;

 private:
  std::vector<Mishap> mishaps_;
};

/// The smallest part of `schedule` found for which `fails` is still true: mishaps are left out (delta debugging, Zeller and
/// Hildebrandt 2002), then lengths halved. Requires that it fails as it is. Calls `fails` at most `most_tries` times.
WEIR_API Schedule minimised(const Schedule& schedule, Callback<bool(const Schedule&)> fails,
                            std::size_t most_tries = 400);

/// What a call may answer besides success, as errno numbers: a list for those who draw or try failures.
WEIR_API std::span<const int> errors_of(Call call);

}  // namespace weir::sim
