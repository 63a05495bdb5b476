// weir: a server on several loops.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/server/server.h"

namespace weir {

struct ArrivedConnection;

/// One server whose connections are spread over several loops.
///
///     auto threads = weir::LoopThreads::create({.count = 4});
///     auto group = weir::ServerGroup::listen((*threads)->loops(), {.address = ":7777"}, [](weir::Stream& stream) {
///       stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); });
///     });
///     if (!group) return weir::report(group.error());
///     (void)(*threads)->run();
///
/// Each stream stays on the loop that it was given to, with all its callbacks. `on_stream` is stored once, and called for
/// streams of several loops at the same time: as a const object, so it needs no lock for what it does not change.
///
/// All loops are to run as long as the group listens: a connection waits for a loop that does not.
///
/// Lifetime: owned by its creator. The loops must outlive it. Made and destroyed while none of them runs, by the thread to
///           which they belong then.
/// Threads:  what says so may be called on any.
class WEIR_API ServerGroup {
 public:
  /// Who decides which loop gets a connection.
  enum class Spread {
    /// The system: each loop has a listener of its own (SO_REUSEPORT, socket(7)). No connection changes threads; but the
    /// system counts nothing, so that loops with long connections may get more. A Unix address is always spread by load.
    by_system,
    /// The first loop accepts, and hands each connection to the loop that has the fewest.
    by_load,
  };

  struct Options {
    ServerOptions server{};  ///< its connection limits are those of all loops together
    Spread spread = Spread::by_system;
  };

  /// Listens at `address`, and calls `on_stream(stream)` for each connection on the loop that it has been given to.
  /// With `by_system` the address is bound without sharing first, so that a port in use is reported and not joined in;
  /// `listen.share_port` omits that: then other processes may listen there too. Requires at least one loop.
  /// Errors: those of Server::listen.
  template <class OnStream>
    requires std::invocable<const OnStream&, Stream&>
  static Result<std::unique_ptr<ServerGroup>> listen(std::span<EventLoop* const> loops, Options options,
                                                     OnStream on_stream) {
    return open(loops, options, [shared = std::make_shared<const OnStream>(std::move(on_stream))](Stream& stream) {
      (*shared)(stream);
    });
  }
  template <class OnStream>
    requires std::invocable<const OnStream&, Stream&>
  static Result<std::unique_ptr<ServerGroup>> listen(std::span<EventLoop* const> loops, ServerOptions options,
                                                     OnStream on_stream) {
    return listen(loops, Options{.server = std::move(options)}, std::move(on_stream));
  }
  ServerGroup(const ServerGroup&) = delete;
  ServerGroup& operator=(const ServerGroup&) = delete;
  ~ServerGroup();

  /// Hears of exceptions, as Server::on_exception does, on the loop of the stream; called like `on_stream`. To be set while
  /// no loop runs.
  template <class OnException>
    requires std::invocable<const OnException&, Stream&, std::exception_ptr>
  void on_exception(OnException handler) {
    set_on_exception([shared = std::make_shared<const OnException>(std::move(handler))](
                         Stream& stream, std::exception_ptr exception) { (*shared)(stream, std::move(exception)); });
  }

  /// Where it listens, with the port that the system chose if 0 was asked for.
  const Address& address() const noexcept;

  /// Any thread: how many streams it owns, on all loops and on one.
  std::size_t stream_count() const noexcept;
  std::size_t stream_count(std::size_t loop) const noexcept;

  /// Names all of its servers, see Server::set_name. While no loop runs.
  void set_name(std::string_view name);

  /// As Server::adopt, for the server on the stream's loop and on its thread. Requires that the loop is one of the group's.
  void adopt(std::unique_ptr<Stream> stream);

  /// Any thread: stops as Server::stop does, on every loop; when all have, `on_stopped` runs on the first one. Requires that
  /// the loops run, or will. A second call only shortens the time that is left, and replaces the callback if it brings one.
  void stop(Duration within, Callback<void()> on_stopped = {});
  /// The same as Server::drain does.
  void drain(Duration within, Callback<void()> on_stopped = {});

 private:
  using StreamFunction = std::function<void(Stream&)>;  // for it copies: each server has one, all call the same object
  using ExceptionFunction = std::function<void(Stream&, std::exception_ptr)>;
  struct Stopping;
  struct UnderWay;
  class Arrival;

  ServerGroup() noexcept;
  static Result<std::unique_ptr<ServerGroup>> open(std::span<EventLoop* const> loops, const Options& options,
                                                   const StreamFunction& on_stream);
  Result<void> listen(const Options& options);
  Result<void> listen_on_each(Address address, ListenOptions options);
  Result<void> listen_on_first(const Address& address, const ListenOptions& options);
  void hand_over(ArrivedConnection connection);
  std::size_t least_loaded() noexcept;
  void set_on_exception(const ExceptionFunction& handler);
  void stop_each(Duration within, bool finishes, Callback<void()> on_stopped);

  std::vector<std::unique_ptr<Server>> servers_;  ///< one for each loop
  std::shared_ptr<Stopping> stopping_;
  std::shared_ptr<UnderWay> under_way_;  ///< connections that were handed over and have not arrived, of each loop
  std::size_t next_ = 0;                 ///< where the search for the least loaded begins
};

}  // namespace weir
