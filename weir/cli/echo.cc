// weir: `weir echo`, a server that sends back what it receives.
// SPDX-License-Identifier: MIT
#include "weir/cli/echo.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "weir/base/bytes.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/line_reader.h"
#include "weir/cli/peer_name.h"
#include "weir/cli/process.h"
#include "weir/cli/stats_printer.h"
#include "weir/loop/loop_threads.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/server/server_group.h"

namespace weir::cli {
namespace {

using namespace weir::literals;

constexpr Duration time_to_drain = 10s;
constexpr std::size_t line_limit = LineReader::default_limit;
constexpr std::size_t longest_line_end = 2;

/// What is left in the input after all complete lines were taken is at most a line that is still allowed and the "\r" of
/// its end. Reading must go on with that much in it, and must not pause before a line is known to be too long.
constexpr Marks marks_for_lines{.low = line_limit + longest_line_end, .high = 2 * line_limit};

void print_line(std::string_view line) {
  fmt::print("{}\n", line);
  (void)std::fflush(stdout);
}

std::string_view signal_name(int number) { return number == SIGINT ? "SIGINT" : "SIGTERM"; }

/// Moves the first bytes of `from` to the end of `to`. Short lines are copied: to share each would cost more than its bytes.
void move_front(Buffer& from, std::size_t count, Buffer& to) {
  constexpr std::size_t most_copied = 1_KiB;
  const Bytes front = from.front();
  if (count > most_copied || count > front.size()) return to.append(from.take(count));
  to.append(front.first(count));
  from.drop(count);
}

/// The echo server with its log and its ends.
///
/// Lifetime: its streams' callbacks refer to it, so it outlives its server.
/// Threads:  what concerns one stream is called on the thread of its loop, and changes nothing here; the rest is of the first.
class EchoServer {
 public:
  EchoServer(LoopThreads& threads, const EchoOptions& options, const Log& log)
      : threads_(threads),
        log_(log),
        echoes_lines_(options.lines),
        cutting_(threads.loop(0), [this](Timer&) { tell_cut(); }) {
    cutting_.set_name("drain");
  }

  Result<void> listen(const std::string& address) {
    ServerOptions options{.address = address};
    if (echoes_lines_) options.stream.read_marks = marks_for_lines;
    auto server = ServerGroup::listen(threads_.loops(), std::move(options), [this](Stream& stream) { serve(stream); });
    if (!server) return server.error();
    server_ = *std::move(server);
    server_->set_name("echo");
    server_->on_exception([this](Stream& stream, std::exception_ptr exception) { tell_exception(stream, exception); });
    return {};
  }

  Result<void> stop_on_signals() {
    for (auto& [number, subscription] : signals_) {
      auto subscribed = Signal::subscribe(threads_.loop(0), number, [this](int arrived) { stop(arrived); });
      if (!subscribed) return subscribed.error();
      subscription = *std::move(subscribed);
    }
    return {};
  }

  /// Prints a line of figures every so often. Requires that it listens.
  void print_stats(Duration period) {
    stats_.emplace(
        threads_, period, [this] { return server_->stream_count(); }, &print_line);
  }

  const Address& address() const noexcept { return server_->address(); }

 private:
  struct Subscription {
    int number;
    Signal signal;
  };

  void serve(Stream& stream) const {
    if (echoes_lines_) {
      stream.attach<LineReader>(line_limit);
      stream.on_data([this](Stream& s) { echo_lines(s); });
    } else {
      stream.on_data([](Stream& s) { s.write(s.input().take_all()); });
    }
    if (log_.says(LogLevel::warning)) tell_end_of(stream);
  }

  void echo_lines(Stream& stream) const {
    auto& reader = stream.attached<LineReader>();
    Buffer lines(stream.loop().pool());
    while (true) {
      const Found end = reader.find(stream.input());
      if (end) {
        move_front(stream.input(), end.end(), lines);
        continue;
      }
      if (!lines.is_empty()) stream.write(std::move(lines));
      if (end.error()) end_at_long_line(stream);
      return;
    }
  }

  void end_at_long_line(Stream& stream) const {
    log_.warning("the connection from {} ends: a line is longer than {} bytes", peer_of(stream), line_limit);
    stream.finish();
  }

  static std::string peer_of(const Stream& stream) {
    const Result<Address> peer = stream.peer_address();
    return peer ? PeerName(*peer).to_string() : "an unknown peer";
  }

  /// The address has to be asked for now: when the stream has closed, its socket is gone.
  void tell_end_of(Stream& stream) const {
    const Result<Address> address = stream.peer_address();
    const PeerName peer(address ? *address : Address());
    if (log_.says(LogLevel::debug)) log_.debug("a connection from {}", peer.to_string());
    auto tell = [this, peer](Stream&, std::error_code error) { tell_end(peer, error); };
    static_assert(sizeof tell <= 32, "stored inside the callback, so it takes no memory of its own");
    stream.on_closed(tell);
  }

  void tell_end(const PeerName& peer, std::error_code error) const {
    if (!error && !log_.says(LogLevel::debug)) return;
    if (!error) return log_.debug("the connection from {} has ended", peer.to_string());
    // What weir decided, a time limit, is worth more attention than what peers do all day.
    if (error.category() == weir_category()) {
      return log_.warning("the connection from {} was cut: {}", peer.to_string(), error.message());
    }
    log_.info("the connection from {} broke: {}", peer.to_string(), error.message());
  }

  void tell_exception(Stream& stream, const std::exception_ptr& exception) const {
    try {
      std::rethrow_exception(exception);
    } catch (const std::exception& error) {
      log_.error("the connection from {} was cut: {}", peer_of(stream), error.what());
    }
  }

  void stop(int signal) {
    if (is_stopping_) {
      log_.warning("{} again: {} connections are cut", signal_name(signal), server_->stream_count());
      std::_Exit(exit_signal_base + signal);
    }
    is_stopping_ = true;
    log_.info("{}: {} connections have {} s to end", signal_name(signal), server_->stream_count(),
              std::chrono::duration_cast<std::chrono::seconds>(time_to_drain).count());
    cutting_.start(time_to_drain);  // before the server's own timer, so it fires before that
    server_->stop(time_to_drain, [this] { threads_.stop(); });
  }

  void tell_cut() const {
    if (const auto left = server_->stream_count(); left != 0) {
      log_.warning("{} connections did not end in time and are cut", left);
    }
  }

  LoopThreads& threads_;
  const Log& log_;
  const bool echoes_lines_;
  bool is_stopping_ = false;
  Timer cutting_;
  std::array<Subscription, 2> signals_{{{SIGTERM, {}}, {SIGINT, {}}}};
  std::unique_ptr<ServerGroup> server_;
  std::optional<StatsPrinter> stats_;
};

void tell_stall(const Log& log, const Stall& stall) {
  const SlowCallback& slowest = stall.slowest;
  log.info("a turn of an event loop took {}; longest: {} {}", short_duration(stall.turn), name_of(slowest.kind),
           short_duration(slowest.duration));
}

Duration duration_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

int fail(const Log& log, std::string_view what, std::error_code error) {
  log.error("{}: {}", what, error.message());
  return exit_failure;
}

}  // namespace

int run_echo(const EchoOptions& options) {
  const Log log("weir echo", options.log);
  auto threads =
      LoopThreads::create({.count = options.threads,
                           .backend = options.backend,
                           .on_diagnostic = [&log](const Diagnostic& diagnostic) { log.diagnostic(diagnostic); },
                           .on_stall = [&log](const Stall& stall) { tell_stall(log, stall); }});
  if (!threads) return fail(log, "cannot make an event loop", threads.error());
  EchoServer server(**threads, options, log);
  if (auto listening = server.listen(options.address); !listening) {
    return fail(log, "cannot listen on " + options.address, listening.error());
  }
  if (auto subscribed = server.stop_on_signals(); !subscribed) {
    return fail(log, "cannot catch signals", subscribed.error());
  }
  fmt::print("listening on {}\n", server.address().to_string());
  (void)std::fflush(stdout);
  if (options.stats_seconds > 0) server.print_stats(duration_of(options.stats_seconds));
  if (auto ran = (*threads)->run(); !ran) return fail(log, "the event loop failed", ran.error());
  return exit_success;
}

}  // namespace weir::cli
