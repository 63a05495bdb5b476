// weir: what the tests of rates share: what comes, and for how long they run.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "weir/base/time.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {

/// Takes and counts all that comes.
inline void count_input(Stream& stream, std::uint64_t& into) {
  stream.on_data([&into](Stream& s) {
    into += s.input().size();
    s.input().clear();
  });
}

inline void run_for(EventLoop& loop, Duration length) {
  loop.stop_after(length);
  ASSERT_TRUE(loop.run());
}

}  // namespace weir::testing_support
