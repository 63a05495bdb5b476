// weir: who owns streams on behalf of somebody; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <exception>

namespace weir {

class Stream;

/// Owns streams on behalf of somebody, a Server say, and hears of what needs an owner. Internal to the library.
class StreamOwner {
 public:
  /// The stream is closed and its `on_closed` has returned. May destroy it.
  virtual void stream_closed(Stream& stream) noexcept = 0;
  /// A callback of the stream threw. False: the exception is not the owner's to handle.
  virtual bool stream_threw(Stream& stream, std::exception_ptr exception) = 0;

 protected:
  ~StreamOwner() = default;
};
struct OwnedTag;

}  // namespace weir
