// weir: a server on one loop, which owns its streams.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "weir/base/bytes.h"
#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/net/address.h"
#include "weir/net/listener.h"
#include "weir/stream/stream.h"

namespace weir {

class ConnectionLimits;

struct ServerOptions {
  std::string address{};  ///< where to listen, as Address::parse reads it
  ListenOptions listen{};
  StreamOptions stream{};  ///< of every stream
  /// How many connections may be open at a time. Accepting pauses when there are so many: who comes then waits, as many as
  /// `listen.backlog`, until one has closed. Streams that were taken from the server, and those that only flush any more, do
  /// not count.
  std::size_t connection_limit = unlimited;
  /// The same of one peer address, IPv4 or IPv6 whole, whatever its ports. One more is closed at once; in a full server when it
  /// would be its turn. Unix sockets have no such limit.
  std::size_t connection_limit_per_host = unlimited;
  /// See Server::set_name. A listener, and streams, with names of their own have them in `listen` and `stream`.
  std::string name{};
};

/// Listens, makes a stream of every connection, owns it, and destroys it after it has closed.
///
///     auto server = weir::Server::listen(loop, {.address = "127.0.0.1:7777"});
///     if (!server) return weir::report(server.error());
///     (*server)->on_stream([](weir::Stream& stream) {
///       stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); });
///     });
///
/// Each stream lives until its `on_closed` has returned, or until the end of the turn in which it was aborted. A connection
/// that comes while no `on_stream` is set is ended in order.
/// Lifetime: owned by its creator; may be destroyed inside any callback, which destroys its streams as their own
///           destruction would: what they accepted for writing is still flushed. The loop must outlive it.
/// Threads:  the loop's.
/// Errors:   an exception that leaves a callback of one of its streams aborts that stream, and goes to `on_exception`, or
///           if that is not set to the loop's diagnostic hook; nothing leaves `run()`.
class WEIR_API Server {
 public:
  static Result<std::unique_ptr<Server>> listen(EventLoop& loop, ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Where it listens, with the port that the system chose if 0 was asked for.
  const Address& address() const noexcept;

  /// A connection has become a stream. Set its callbacks here.
  void on_stream(Stream::Handler handler);
  /// A callback of the stream threw; the stream is about to be aborted. For a remark or a count.
  void on_exception(Callback<void(Stream&, std::exception_ptr)> handler);

  /// How many streams it owns.
  std::size_t stream_count() const noexcept;

  /// What EventLoop::insight and EventLoop::snapshot call it and its listener. Copied; none at first. Throws std::bad_alloc.
  void set_name(std::string_view name);

  /// Gives the stream to the caller, who owns it from now on. Requires that it is one of this server's.
  std::unique_ptr<Stream> take(Stream& stream);
  /// Owns from now on a stream that was made elsewhere, such as the way on from a proxy: as one of its own, but without a place
  /// among the connections that are limited. Requires that nobody else owns it and that it is of this loop.
  void adopt(std::unique_ptr<Stream> stream);

  /// Stops in order: listens no more, and finishes every stream (what is in its output is flushed and followed by the
  /// end). What is still open after `within` is aborted. Then `on_stopped` runs, once, never inside this function.
  /// A second call only shortens the time that is left; an `on_stopped` of its own takes the place of the first one's.
  void stop(Duration within, Callback<void()> on_stopped = {});
  /// Stops as well, but leaves its streams to end by themselves, for where only the peers know when they are done. What is
  /// still open after `within` is aborted. `stop` may follow, to finish them after all; after it this only shortens.
  void drain(Duration within, Callback<void()> on_stopped = {});

 private:
  friend class ServerGroup;
  class State;

  static std::shared_ptr<ConnectionLimits> limits_of(const ServerOptions& options);
  explicit Server(State& state) noexcept : state_(&state) {}

  State* state_;
};

}  // namespace weir
