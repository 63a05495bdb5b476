// weir: the objects of a loop at one moment, as a value that can be printed.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/export.h"
#include "weir/base/time.h"
#include "weir/loop/object_state.h"

namespace weir {

/// What EventLoop::snapshot gives: every stream (also one that lingers without a handle), listener, connector, server, watch,
/// timer, signal, deferred call and hook, in no particular order. A value: it refers to nothing, and may go to another thread.
///
///     std::fputs(loop.snapshot().to_string().c_str(), stderr);
///
///     3 objects, on epoll
///     listener  fd 5  accepting  age 61.2 s
///     stream "10.0.0.7:41234"  fd 9  open  in 0  out 262144  not reading: output full  age 12.3 s  idle 4.1 s  limit in 55.9 s
///     timer "reports"  armed  age 61.2 s  fires in 0.4 s
struct LoopSnapshot {
  TimePoint taken{};
  std::string_view backend{};
  std::vector<ObjectState> objects{};

  /// One line each, as above. Throws std::bad_alloc.
  WEIR_API std::string to_string() const;
};

/// The line of one object, without an end. `now` is what its deadline is told from.
WEIR_API std::string to_string(const ObjectState& object, TimePoint now);

/// "user, output full"; empty when there is no reason.
WEIR_API std::string to_string(const ReadingSuspended& suspended);
WEIR_API std::string to_string(const WritingSuspended& suspended);

}  // namespace weir
