// weir: the source of chance in a simulation.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "weir/base/time.h"

namespace weir::sys {

/// Numbers that look random and are the same for the same seed: the generator xoshiro256** (Blackman, Vigna 2018).
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) word = split_mix(seed);
  }

  constexpr std::uint64_t next() noexcept {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// From 0 to `count` - 1; 0 for a count of 0. The bias of the remainder is below 2^-32 for the counts used here.
  constexpr std::uint64_t below(std::uint64_t count) noexcept { return count == 0 ? 0 : next() % count; }
  /// From `first` to `last`, both included.
  constexpr std::uint64_t between(std::uint64_t first, std::uint64_t last) noexcept {
    return first + below(last - first + 1);
  }
  /// True with the given probability. Draws only when that is neither 0 nor 1.
  constexpr bool chance(double probability) noexcept {
    if (probability <= 0) return false;
    if (probability >= 1) return true;
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
  }
  /// From nothing to `longest`, both included. Draws only when there is a choice.
  constexpr Duration up_to(Duration longest) noexcept {
    if (longest <= Duration::zero()) return {};
    return Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>(longest.count()) + 1)));
  }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t word, int by) noexcept { return word << by | word >> (64 - by); }
  /// Spreads a seed over the state: SplitMix64 (Steele, Lea, Flood 2014).
  static constexpr std::uint64_t split_mix(std::uint64_t& seed) noexcept {
    std::uint64_t z = (seed += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace weir::sys
