// weir: what a loop tells of the objects that live on it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/export.h"
#include "weir/base/time.h"

namespace weir {

/// What an object is.
enum class ObjectKind : std::uint8_t {
  internal,  ///< none of the program's
  post,      ///< a task that was posted: it has no name, and is in no snapshot
  stream,
  listener,
  connector,
  server,
  watch,
  timer,
  signal,
  deferred_call,
  hook,
};

/// "stream", "deferred call" and so on.
WEIR_API std::string_view name_of(ObjectKind kind) noexcept;

/// Why a stream does not read: all that is true must go first.
struct ReadingSuspended {
  bool by_user = false;      ///< `Stream::pause`
  bool input_full = false;   ///< its input is at its high mark
  bool output_full = false;  ///< its output is at its high mark: the peer does not read
  bool rate = false;         ///< its rate limit, or a group's, is used up for now
  bool connecting = false;   ///< it is not connected yet
  bool ended = false;        ///< there is nothing left to read
  bool memory = false;       ///< the pool is short of memory
  bool held = false;         ///< what moves its bytes on, a pump's pipe say, is full

  bool is_any() const noexcept {
    return by_user || input_full || output_full || rate || connecting || ended || memory || held;
  }
  friend bool operator==(const ReadingSuspended&, const ReadingSuspended&) noexcept = default;
};

/// Why a stream does not send what was written, other than that nobody takes it: all that is true must go first.
struct WritingSuspended {
  bool by_user = false;     ///< `Stream::pause_writing`
  bool rate = false;        ///< its rate limit, or a group's, is used up for now
  bool connecting = false;  ///< it is not connected yet
  bool held = false;        ///< its filter wants more before it gives anything

  bool is_any() const noexcept { return by_user || rate || connecting || held; }
  friend bool operator==(const WritingSuspended&, const WritingSuspended&) noexcept = default;
};

/// One object of a loop at one moment; see EventLoop::snapshot. What a kind does not have stays as it is here.
struct ObjectState {
  ObjectKind kind = ObjectKind::internal;
  std::string name{};  ///< what `set_name` was given; empty without
  /// One word or two, by kind. Stream: connecting, open, finishing, ended, broken, closed, lingering (it has no handle any
  /// more and flushes). Listener: accepting, paused, waiting (for descriptors or memory), closed. Connector: connecting,
  /// done. Server: serving, stopping. Timer: armed, idle. Watch: armed, told (one-shot, and it was). Signal: subscribed.
  /// Deferred call: scheduled, idle. Hook: set.
  std::string_view phase{};
  int descriptor = -1;
  std::uint8_t priority = 0;
  std::size_t input_bytes = 0;   ///< arrived, and not taken yet
  std::size_t output_bytes = 0;  ///< written, and not taken by the system yet
  ReadingSuspended suspended{};
  WritingSuspended writing_suspended{};
  /// A stream whose `on_data` has left the input at its high mark or above: it is not called again until something changes.
  bool is_stalled = false;
  Duration age{};                         ///< since it was made, to a tenth of a second
  std::optional<Duration> idle{};         ///< of streams: since a byte was moved in either direction
  TimePoint deadline = TimePoint::max();  ///< when a timer fires, or the next time limit is passed; `max()`: none
};

}  // namespace weir
