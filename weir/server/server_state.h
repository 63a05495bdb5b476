// weir: what a server is on its loop; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <unordered_map>

#include "weir/loop/event_loop.h"
#include "weir/server/connection_limits.h"
#include "weir/server/server.h"

namespace weir {

/// A connection that was accepted and is no stream yet.
struct ArrivedConnection {
  Socket socket;
  ConnectionPlace place;
};

class Server::State final : public Slot, public WheelTimer, public StreamOwner, private PlaceWaiter {
 public:
  /// What becomes of the streams when the server stops.
  enum class Ending { finish, by_themselves };

  State(EventLoop& loop, const ServerOptions& options, std::shared_ptr<ConnectionLimits> limits)
      : Slot(loop),
        settings_(options.stream),
        limits_(std::move(limits)) {
    if (!options.name.empty()) set_name(options.name);
  }

  Result<void> listen(const Address& address, ListenOptions options);
  /// What becomes of each connection that was accepted, in place of `take_connection`.
  void on_arrival(Callback<void(ArrivedConnection)> handler) { on_arrival_ = std::move(handler); }
  void take_connection(ArrivedConnection connection);

  void destroy() noexcept;
  std::unique_ptr<Stream> take(Stream& stream);
  void adopt(std::unique_ptr<Stream> stream);
  void stop(Duration within, Ending ending, Callback<void()> on_stopped);

  void on_stream(Stream::Handler handler) { loop().replace_callback(on_stream_, std::move(handler)); }
  void on_exception(Callback<void(Stream&, std::exception_ptr)> handler) {
    loop().replace_callback(on_exception_, std::move(handler));
  }
  const Address& address() const noexcept { return address_; }
  void name_all(std::string_view name) {
    set_name(name);
    if (listener_) listener_.set_name(name);
  }
  void describe(ObjectState& state) const noexcept override {
    state.kind = ObjectKind::server;
    state.phase = is_stopping_ ? "stopping" : "serving";
    if (WheelTimer::is_armed()) state.deadline = loop().time_of(tick());
  }
  /// Any thread.
  std::size_t stream_count() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  struct Unadmitted {
    Socket socket;
    Address peer;
  };

  void arrive(Socket socket, const Address& peer);
  void remark_refusal(const Address& peer);
  void place_freed() noexcept override;
  void admit_waiting();
  void own(Stream& stream) noexcept;
  void forget(Stream& stream) noexcept;
  void stream_closed(Stream& stream) noexcept override;
  bool stream_threw(Stream& stream, std::exception_ptr exception) override;
  void fired() override;
  void run_deferred() override;
  void set_count(std::size_t count) noexcept { count_.store(count, std::memory_order_relaxed); }

  Listener listener_;
  Address address_;
  StreamSettings settings_;
  std::shared_ptr<ConnectionLimits> limits_;                   ///< null when there are none
  std::unordered_map<const Stream*, ConnectionPlace> places_;  ///< empty when there are no limits
  std::optional<Unadmitted> waiting_;                          ///< came when the server was full; accepting pauses then
  List<Stream, OwnedTag> streams_;
  std::atomic<std::size_t> count_{0};  ///< written on the loop's thread only
  Callback<void(ArrivedConnection)> on_arrival_;
  Stream::Handler on_stream_;
  Callback<void(Stream&, std::exception_ptr)> on_exception_;
  Callback<void()> on_stopped_;
  TimePoint stop_deadline_;
  TimePoint last_remark_{};
  bool is_stopping_ = false;
  bool is_finishing_ = false;  // stops, and finishes its streams
};

}  // namespace weir
