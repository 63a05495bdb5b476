// weir: what a stream is to hold, and how long it may take.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "weir/base/expects.h"
#include "weir/base/export.h"
#include "weir/base/time.h"

namespace weir {

/// What `write` did with its argument.
enum class Accepted {
  yes,        ///< taken; more is welcome
  slow_down,  ///< taken; the output is at or above its high mark: wait for `on_drained`; reading stops too, see
              ///< StreamOptions::read_while_output_full
  refused,  ///< not taken, argument untouched: the output would pass its hard limit, or memory is short. Below the high
            ///< mark nothing but `when_sent` tells when some has left
  closed,   ///< not taken, argument untouched: the stream accepts no more writes
};

/// A pair of marks in bytes, for hysteresis. Requires low <= high and high > 0.
struct Marks {
  std::size_t low;
  std::size_t high;
};

/// How long things may take. A limit counts only while its direction could make progress; `no_limit` lifts it.
struct TimeLimits {
  static constexpr Duration no_limit = Duration::max();

  Duration write = std::chrono::seconds(60);  ///< the peer takes nothing while output waits: errc::write_timed_out
  Duration read = no_limit;                   ///< nothing arrives while reading: errc::read_timed_out
  Duration idle = no_limit;                   ///< nothing moves either way: errc::idle_timed_out
};

struct StreamOptions {
  Marks read_marks{.low = 16 * 1024, .high = 64 * 1024};
  Marks write_marks{.low = 64 * 1024, .high = 256 * 1024};
  std::size_t output_limit = 4 * 1024 * 1024;  ///< the output never grows beyond this
  std::size_t input_limit =
      4 * 1024 * 1024;  ///< how far a reader of frames may raise the high mark; see Stream::on_frame
  TimeLimits time_limits{};
  Duration linger = std::chrono::seconds(10);  ///< to drain after `finish`; to flush and drain after destruction
  std::size_t linger_bytes = 1024 * 1024;      ///< input thrown away while draining
  bool read_while_output_full = false;         ///< keep reading although the own output is above its high mark
  std::uint8_t priority = 0;                   ///< its class, 0 the most urgent; see EventLoop::Options::quotas
  std::string name{};                          ///< see Stream::set_name
};

/// Stream options by reference: streams with equal options, all those of a server say, share one object until one of them
/// changes its own. Counts are plain: one thread.
class WEIR_API StreamSettings {
 public:
  StreamSettings(const StreamOptions& options = {}) : shared_(new Shared{options}) {
    expects(options.read_marks.low <= options.read_marks.high && options.read_marks.high > 0);
    expects(options.write_marks.low <= options.write_marks.high && options.write_marks.high > 0);
  }
  StreamSettings(const StreamSettings& other) noexcept : shared_(other.shared_) { ++shared_->references; }
  StreamSettings(StreamSettings&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  StreamSettings& operator=(StreamSettings other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~StreamSettings() {
    if (shared_ != nullptr && --shared_->references == 0) delete shared_;
  }

  const StreamOptions* operator->() const noexcept { return &shared_->options; }
  /// The options, to change them for this holder alone.
  StreamOptions& own() {
    if (shared_->references > 1) *this = StreamSettings(shared_->options);
    return shared_->options;
  }

 private:
  struct Shared {
    StreamOptions options;
    std::uint32_t references = 1;
  };

  Shared* shared_;
};

}  // namespace weir
