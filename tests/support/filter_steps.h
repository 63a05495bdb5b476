// weir: one direction of a filter driven by hand, as a stream would drive it.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/stream/filter.h"

namespace weir::testing_support {

class FilterSteps {
 public:
  enum class Way { decode, encode };
  using Push = Filter::Push;

  FilterSteps(Filter& filter, Way way, Pool& pool = Pool::default_pool())
      : from(pool),
        filter_(filter),
        way_(way),
        pool_(pool) {}

  /// Steps until the filter wants more, which is no error, or fails; a failed step may be tried again.
  std::error_code go_on(Push push = Push::some) {
    for (;;) {
      Buffer to(pool_);
      Filter::Step step{from, to, room, push};
      const Result<Filter::Flow> flow = way_ == Way::decode ? filter_.decode(step) : filter_.encode(step);
      largest_step = std::max(largest_step, to.size());
      take(to);
      if (!flow) return flow.error();
      if (*flow == Filter::Flow::wants_more) return {};
      EXPECT_GE(to.size(), room) << "there was room left";
    }
  }

  std::error_code give(std::string_view bytes, Push push = Push::some) {
    from.append(bytes);
    return go_on(push);
  }

  /// Gives all of `bytes` in pieces of up to `most`, in slices of their own, with an end behind.
  std::error_code give_all(std::string_view bytes, std::uint64_t seed, std::size_t most) {
    std::mt19937_64 random(seed);
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, 1 + random() % most);
      bytes.remove_prefix(piece.size());
      from.append(Slice::copy_of(as_bytes(piece), pool_));
      if (random() % 3 == 0) continue;  // several pieces for one step
      if (const std::error_code error = go_on()) return error;
    }
    return go_on(Push::end);
  }

  Buffer from;
  std::string text;  ///< all that came out
  std::size_t room = std::size_t{64} << 10;
  std::size_t largest_step = 0;

 private:
  void take(const Buffer& to) {
    for (const Slice& slice : to.slices()) text += as_text(slice.bytes());
  }

  Filter& filter_;
  const Way way_;
  Pool& pool_;
};

}  // namespace weir::testing_support
