// weir: the readiness of a descriptor that is not the loop's own.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"

namespace weir {

class EventLoop;

/// What a descriptor is ready for, or is watched for.
struct Readiness {
  bool readable = false;
  bool writable = false;
  /// The other end hung up or failed, which is told whatever was asked for; or finished sending, which is told to those
  /// who asked for this or for `readable`.
  bool closed = false;
  bool timed_out = false;  ///< told only: nothing else happened for the watch's timeout
};

/// How often a watch tells of what stays so.
enum class WatchMode : std::uint8_t {
  level,     ///< in every turn in which the descriptor is ready
  edge,      ///< when it becomes ready, and when it does so again: read or write until the system says EAGAIN
  one_shot,  ///< once; then not before `set_interest`
};

struct WatchOptions {
  static constexpr Duration no_timeout = Duration::max();

  Readiness interest = {};
  WatchMode mode = WatchMode::level;
  /// How long nothing may happen before `timed_out` is told: counted from the start, from the last thing told, and from
  /// the last timeout.
  Duration timeout = no_timeout;
  /// Its class, 0 the most urgent; see EventLoop::Options::quotas. Watches of one descriptor are as urgent as the most
  /// urgent of them.
  std::uint8_t priority = 0;
  std::string name{};  ///< see Watch::set_name
};

/// Calls back when a foreign descriptor is ready: a pipe, a device, a socket that another library reads.
///
///     auto watch = weir::Watch::start(loop, descriptor, {.readable = true}, [](weir::Readiness) { … });
///
///     auto quiet = weir::Watch::start(loop, descriptor,
///                                     {.interest = {.readable = true}, .mode = weir::WatchMode::edge, .timeout = 30s},
///                                     [](weir::Readiness now) { if (now.timed_out) … });
///
/// Any number of watches may share a descriptor. Each is told of what it asked for; but they are all of mode `edge`, or none
/// is, since the system knows one kind of interest in a descriptor at a time.
///
/// Lifetime: borrows the descriptor and never closes it; destroy the watch before closing it. (Where that is forgotten,
///           nothing more is told, and the number may be watched anew.) May be destroyed inside any callback, its own
///           included; must be destroyed before the loop.
/// Threads:  the loop's.
/// Errors:   std::errc::operation_not_permitted for a regular file, which is always ready; std::errc::file_exists when a
///           stream or listener of this loop has the descriptor; std::errc::invalid_argument when modes do not go together;
///           std::errc::operation_not_supported for mode `edge` on a loop that runs on poll(2).
class WEIR_API Watch {
 public:
  using Handler = Callback<void(Readiness)>;

  static Result<Watch> start(EventLoop& loop, int descriptor, WatchOptions options, Handler handler);
  static Result<Watch> start(EventLoop& loop, int descriptor, Readiness interest, Handler handler);

  Watch() noexcept = default;
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;
  ~Watch();

  /// Watches for something else from now on; arms a one-shot watch again. With nothing in it, only hang-ups are told.
  Result<void> set_interest(Readiness interest);
  /// Counted from now. `WatchOptions::no_timeout` lifts it.
  void set_timeout(Duration timeout);
  /// Tells `now` at the end of this turn, whether it is so or not. What is activated until then is told at once.
  void activate(Readiness now);
  /// Replaces the handler; allowed while it runs.
  void on_ready(Handler handler);

  int descriptor() const noexcept;
  /// What EventLoop::insight and EventLoop::snapshot call it. Copied; none at first. Throws std::bad_alloc.
  void set_name(std::string_view name);

 private:
  class State;
  class Group;

  explicit Watch(State& state) noexcept : state_(&state) {}

  State* state_ = nullptr;
};

}  // namespace weir
