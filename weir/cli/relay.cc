// weir: one connection through a proxy: the client's, and the way on to a target.
// SPDX-License-Identifier: MIT
#include "weir/cli/relay.h"

#include <algorithm>
#include <utility>

#include "weir/cli/process.h"
#include "weir/cli/stats_line.h"
#include "weir/loop/event_loop.h"

namespace weir::cli {
namespace {

/// There is no opening a socket, whatever the target.
bool is_out_of_sockets(std::error_code error) {
  return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system ||
         error == std::errc::no_buffer_space || error == std::errc::not_enough_memory;
}

/// No port is free for another connection to this target: it may be fine, and others may be reached.
bool is_out_of_ports(std::error_code error) { return error == std::errc::address_not_available; }

}  // namespace

/// What a stream holds of its relay: when it goes, the stream has.
class Relay::Hold {
 public:
  Hold(std::shared_ptr<Relay> relay, const Stream& stream) noexcept : relay_(std::move(relay)), stream_(stream) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() { relay_->forget(stream_); }

 private:
  const std::shared_ptr<Relay> relay_;
  const Stream& stream_;
};

void Relay::begin(RelayLoop& loop, ServerGroup& server, Stream& client) {
  const auto relay = std::make_shared<Relay>(loop, server, client);
  relay->hold_client();
  relay->try_next_target({});
}

Relay::Relay(RelayLoop& loop, ServerGroup& server, Stream& client)
    : loop_(loop),
      common_(loop.common),
      server_(server),
      client_(&client),
      peer_(common_.log.says(LogLevel::warning) ? PeerName::of(client) : PeerName(Address())) {
  const std::size_t count = common_.connections.fetch_add(1, std::memory_order_relaxed) + 1;
  if (count >= common_.most_connections) tell_full();
}

/// Where there are many, a few have to go before it can be full again: while others wait, each that ends makes room for one.
Relay::~Relay() {
  const std::size_t left = common_.connections.fetch_sub(1, std::memory_order_relaxed) - 1;
  const std::size_t most = common_.most_connections;
  if (most != unlimited && left + std::max<std::size_t>(most / 8, 1) <= most)
    common_.is_full.store(false, std::memory_order_relaxed);
}

void Relay::tell_full() {
  if (common_.is_full.exchange(true, std::memory_order_relaxed)) return;
  const std::size_t times = common_.fillings.occurred(loop_.loop.now());
  if (times == 0) return;
  const std::string often = times == 1 ? "" : fmt::format(" ({} times since this was last told)", times);
  common_.log.warning("there are {} connections, the most that --max-connections allows: who comes now waits{}",
                      common_.most_connections, often);
}

// --- connecting ---

/// The client is read from while it waits, so that its going away is noticed, but without anybody who takes what it sends it
/// is read from up to its marks only.
void Relay::hold_client() {
  client_->attach<Hold>(shared_from_this(), *client_);
  client_->on_end([](Stream&) {});  // passed on when there is a target
  client_->on_closed([this](Stream&, std::error_code error) { client_closed(error); });
  if (loop_.rate) client_->set_rate_group(loop_.rate.get());
}

void Relay::try_next_target(std::error_code last_error) {
  use_.reset();
  use_ = common_.targets.choose(tried_, loop_.loop.now());
  if (!use_) return give_up(last_error);
  connect();
}

void Relay::connect() {
  const Stream::ConnectingOptions options{.connect = {.timeout = common_.connect_timeout}, .stream = loop_.settings};
  tried_.push_back(use_->index());
  Result<std::unique_ptr<Stream>> stream = Stream::connect(loop_.loop, use_->address(), options);
  if (!stream) return connect_failed(stream.error());
  target_ = stream->get();
  target_->attach<Hold>(shared_from_this(), *target_);
  target_->on_connected([this](Stream&) { connected(); });
  target_->on_closed([this](Stream&, std::error_code error) { connect_failed(error); });
  server_.adopt(*std::move(stream));
}

void Relay::connect_failed(std::error_code error) {
  target_ = nullptr;
  if (is_out_of_sockets(error)) return give_up(error);
  if (!is_out_of_ports(error)) set_target_aside(error);
  try_next_target(error);
}

void Relay::set_target_aside(std::error_code error) {
  const std::optional<Duration> time = use_->failed(loop_.loop.now());
  if (!time) return;
  common_.log.warning("{} is set aside for {} s: {}", use_->address().to_string(),
                      std::chrono::duration_cast<std::chrono::seconds>(*time).count(), error.message());
}

/// The client sees a reset, for an end would look like an answer.
void Relay::give_up(std::error_code error) {
  const bool lacks_sockets = is_out_of_sockets(error);
  Seldom& seldom = lacks_sockets ? common_.out_of_descriptors : common_.out_of_targets;
  if (const std::size_t times = seldom.occurred(loop_.loop.now()); times != 0) {
    const std::string others = times == 1 ? "" : fmt::format(", and {} others since this was last told", times - 1);
    const std::string reason = lacks_sockets ? "no socket can be opened" : "no target can be connected to";
    const std::string limit = error == std::errc::too_many_files_open
                                  ? fmt::format(" (the limit is {}, see ulimit -n)", descriptor_limit())
                                  : "";
    common_.log.warning("the connection from {} is closed, for {}: {}{}{}", peer_.to_string(), reason, error.message(),
                        limit, others);
  }
  Stream* client = client_;
  client->on_closed(nullptr);
  client->fail(error);
}

void Relay::client_closed(std::error_code error) {
  client_ = nullptr;
  if (target_ != nullptr) target_->abort();
  common_.log.info("the connection from {} broke before it had a target: {}", peer_.to_string(), error.message());
}

/// The stream has been closed or aborted, and its callbacks are gone.
void Relay::forget(const Stream& gone) noexcept {
  if (&gone == target_) target_ = nullptr;
  if (&gone != client_) return;
  client_ = nullptr;
  if (!is_coupled_ && target_ != nullptr) target_->abort();
}

// --- coupled ---

void Relay::connected() {
  use_->connected();
  is_coupled_ = true;
  if (common_.log.says(LogLevel::debug))
    common_.log.debug("a connection from {} to {}", peer_.to_string(), use_->address().to_string());
  pump(*client_, *target_, [relay = shared_from_this()](const PumpEnd& end) { relay->tell_end(end); });
  if (common_.idle_timeout != TimeLimits::no_limit) limit_idleness();
}

void Relay::limit_idleness() {
  idle_.emplace(loop_.loop, [this](Timer&) { look_whether_idle(); });
  idle_->set_name("idle");
  idle_->start(next_look() - loop_.loop.now());
}

/// The timer runs from one look to the next, and is not touched when bytes move. A peer that takes a little now and then
/// is not idle, though the system may have reported no room; so the room that is left when nothing moves any more is used up
/// soon, and what there is at the end has been taken since.
void Relay::look_whether_idle() {
  const auto self = shared_from_this();  // the end of the last stream is the end of the relay
  if (next_look() <= loop_.loop.now()) {
    const TimePoint last = last_moved();
    for_each_open([](Stream& stream) { stream.flush_now(); });
    if (last_moved() == last && tried_since_ == last)
      return for_each_open([](Stream& stream) { stream.fail(errc::idle_timed_out); });
    tried_since_ = last_moved();
  }
  idle_->start(std::max(next_look() - loop_.loop.now(), Duration::zero()));
}

/// When something is to be done if nothing moves before.
TimePoint Relay::next_look() const noexcept {
  const TimePoint last = last_moved();
  return last + (tried_since_ == last ? common_.idle_timeout : common_.idle_timeout / 8);
}

template <class Action>
void Relay::for_each_open(Action action) {
  if (client_ != nullptr && client_->is_open()) action(*client_);
  if (target_ != nullptr && target_->is_open()) action(*target_);
}

/// Of either stream: while one waits for the other, nothing moves there.
TimePoint Relay::last_moved() const noexcept {
  TimePoint last{};
  for (const Stream* stream : {client_, target_}) {
    if (stream != nullptr) last = std::max(last, stream->last_moved());
  }
  return last;
}

void Relay::tell_end(const PumpEnd& end) const {
  const Log& log = common_.log;
  const bool is_ours = end.error.category() == weir_category();
  const LogLevel level = !end.error ? LogLevel::debug : is_ours ? LogLevel::warning : LogLevel::info;
  if (!log.says(level)) return;
  const std::string pair = fmt::format("the connection from {} to {}", peer_.to_string(), use_->address().to_string());
  const std::string amounts = fmt::format("after {}B there and {}B back", short_amount(static_cast<double>(end.forth)),
                                          short_amount(static_cast<double>(end.back)));
  if (!end.error) return log.debug("{} has ended {}", pair, amounts);
  if (is_ours) return log.warning("{} was cut {}: {}", pair, amounts, end.error.message());
  log.info("{} broke at the {} {}: {}", pair, end.first_failed ? "client" : "target", amounts, end.error.message());
}

}  // namespace weir::cli
