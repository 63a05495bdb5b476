// weir: what streams over descriptors have in common; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "weir/loop/backend.h"
#include "weir/stream/stream.h"

namespace weir {

/// Carries bytes between a Stream and the loop's backend.
class DescriptorStream : public Stream {
 protected:
  DescriptorStream(EventLoop& loop, StreamSettings settings) : Stream(loop, std::move(settings)) {}

  Backend& backend() noexcept { return loop().slots_backend(); }

 private:
  void start_receiving() noexcept final {
    if (is_attached()) backend().start_receive(*this);
  }
  void stop_receiving() noexcept final {
    if (is_attached()) backend().stop_receive(*this);
  }
  void receive_rest() final { backend().receive_now(*this); }
  void send_rest() final { backend().send_now(*this); }
  void start_sending() final { backend().start_send(*this); }
  void stop_sending() noexcept final {
    if (is_attached()) backend().stop_send(*this);
  }
};

}  // namespace weir
