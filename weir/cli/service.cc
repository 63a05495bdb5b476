// weir: what the tool's servers share: loops, signals, the way they stop, figures, the user they run as.
// SPDX-License-Identifier: MIT
#include "weir/cli/service.h"

#include <cstdio>
#include <string_view>

#include <fmt/core.h>

#include "weir/cli/peer_name.h"
#include "weir/cli/process.h"
#include "weir/cli/stats_line.h"
#include "weir/cli/user.h"

namespace weir::cli {
namespace {

using namespace weir::literals;

constexpr Duration time_to_drain = 10s;

std::string_view signal_name(int number) { return number == SIGINT ? "SIGINT" : "SIGTERM"; }

}  // namespace

std::unique_ptr<LoopThreads> make_loops(const ServiceOptions& options, const Log& log) {
  auto loops =
      LoopThreads::create({.count = options.threads,
                           .backend = options.backend,
                           .on_diagnostic = [&log](const Diagnostic& diagnostic) { log.diagnostic(diagnostic); },
                           .on_stall = [&log](const Stall& stall) { log.info("{}", stall_sentence(stall)); }});
  if (loops) return *std::move(loops);
  fail(log, "cannot make an event loop", loops.error());
  return nullptr;
}

Service::Service(LoopThreads& loops, const ServiceOptions& options, const Log& log, ServiceKind kind)
    : loops_(loops),
      options_(options),
      log_(log),
      kind_(std::move(kind)),
      cutting_(loops.loop(0), [this](Timer&) { cut(); }) {
  cutting_.set_name("drain");
}

bool Service::listening(Result<std::unique_ptr<ServerGroup>> server) {
  if (!server) {
    fail(log_, "cannot listen on " + options_.address, server.error());
    return false;
  }
  server_ = *std::move(server);
  server_->set_name(kind_.name);
  server_->on_exception([this](Stream& stream, std::exception_ptr exception) { tell_exception(stream, exception); });
  return true;
}

int Service::run() {
  if (!become_user() || !stop_on_signals()) return exit_failure;
  fmt::print("listening on {}\n", server_->address().to_string());
  (void)std::fflush(stdout);
  if (options_.stats_seconds > 0) print_figures();
  if (auto ran = loops_.run(); !ran) return fail(log_, "the event loop failed", ran.error());
  return exit_success;
}

bool Service::become_user() const {
  if (options_.user.empty()) return true;
  const std::optional<User> user = find_user(options_.user);
  if (!user) {
    log_.error("cannot become the user {}: there is no such user", options_.user);
    return false;
  }
  if (auto became = become(*user); !became) {
    fail(log_, "cannot become the user " + user->name, became.error());
    return false;
  }
  log_.info("runs as the user {}", user->name);
  return true;
}

bool Service::stop_on_signals() {
  for (auto& [number, subscription] : signals_) {
    auto subscribed = Signal::subscribe(loops_.loop(0), number, [this](int arrived) { stop(arrived); });
    if (!subscribed) {
      fail(log_, "cannot catch signals", subscribed.error());
      return false;
    }
    subscription = *std::move(subscribed);
  }
  return true;
}

void Service::print_figures() {
  figures_.emplace(
      loops_, duration_of(options_.stats_seconds), [this] { return count_connections(); },
      [this](std::string_view line) {
        fmt::print("{}{}\n", line, kind_.more_figures ? kind_.more_figures() : std::string());
        (void)std::fflush(stdout);
      });
}

std::size_t Service::count_connections() {
  return kind_.count_connections ? kind_.count_connections() : server_->stream_count();
}

void Service::tell_exception(const Stream& stream, const std::exception_ptr& exception) const {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    log_.error("the connection from {} was cut: {}", PeerName::of(stream).to_string(), error.what());
  }
}

void Service::stop(int signal) {
  if (is_stopping_) {
    log_.warning("{} again: {} connections are cut", signal_name(signal), count_connections());
    exit_at_once(exit_signal_base + signal);
  }
  is_stopping_ = true;
  log_.info("{}: {} connections have {} s to end", signal_name(signal), count_connections(),
            std::chrono::duration_cast<std::chrono::seconds>(time_to_drain).count());
  cutting_.start(time_to_drain);
  stop_server(time_to_drain + 1s, [this] { loops_.stop(); });
}

void Service::stop_server(Duration within, Callback<void()> on_stopped) {
  if (kind_.drains) return server_->drain(within, std::move(on_stopped));
  server_->stop(within, std::move(on_stopped));
}

/// From here, before any loop cuts one: so that all are counted.
void Service::cut() {
  if (const std::size_t left = count_connections(); left != 0) {
    log_.warning("{} connections did not end in time and are cut", left);
  }
  stop_server(Duration::zero(), {});
}

int fail(const Log& log, std::string_view what, std::error_code error) {
  log.error("{}: {}", what, error.message());
  return exit_failure;
}

Duration duration_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace weir::cli
