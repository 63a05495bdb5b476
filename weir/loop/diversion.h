// weir: what takes the place of memory when a slot receives and sends; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "weir/sys/call_result.h"

namespace weir {

/// Where bytes of a slot go, or come from, without passing through its buffers: a pipe of the kernel's.
///
/// Each call makes one system call at most, which does not wait.
class Diversion {
 public:
  /// How a step went, beside what the call has answered.
  enum class Answer {
    moved,   ///< `taken` bytes; 0 when receiving: the peer's end
    failed,  ///< with the error in `taken`, EAGAIN among them
    idle,    ///< there is nothing to do now: receiving or sending is off until it is started again
    none,    ///< nothing is diverted this way any more: go on with memory
  };
  struct Step {
    Answer answer;
    sys::CallResult taken = sys::CallResult::success();
  };

  virtual Step receive(int descriptor, std::size_t most) = 0;
  /// After all of the output has been sent.
  virtual Step send(int descriptor, std::size_t most) = 0;

 protected:
  ~Diversion() = default;
};

}  // namespace weir
