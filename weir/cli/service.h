// weir: what the tool's servers share: loops, signals, the way they stop, figures, the user they run as.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <csignal>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "weir/base/callback.h"
#include "weir/cli/log.h"
#include "weir/cli/stats_printer.h"
#include "weir/loop/loop_threads.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/server/server_group.h"

namespace weir::cli {

/// The options that all servers have.
struct ServiceOptions {
  std::string address;
  std::size_t threads = 1;  ///< each with a loop of its own
  BackendChoice backend = BackendChoice::automatic;
  LogLevel log = LogLevel::warning;
  double stats_seconds = 0;  ///< how often to print a line of figures; 0: never
  std::string user{};        ///< to become when it listens; empty: nobody else
};

/// What differs between them.
struct ServiceKind {
  std::string_view name;  ///< what insight calls the server
  bool drains = false;    ///< connections end by themselves when it stops; else each is finished
  /// How many connections there are, if not as many as streams. Called on the first loop.
  Callback<std::size_t()> count_connections{};
  Callback<std::string()> more_figures{};  ///< what a line of figures ends with
};

/// The loops, with their remarks in the log; null when there is no making them, which the log then tells.
std::unique_ptr<LoopThreads> make_loops(const ServiceOptions& options, const Log& log);

/// A server that runs until SIGTERM or SIGINT, with its log and its ends.
///
///     Service service(*loops, options, log, {.name = "echo"});
///     if (!service.listen({}, [](Stream& stream) { … })) return exit_failure;
///     return service.run();
///
/// Lifetime: all must outlive it: the loops, the log, and what the callbacks of its streams refer to.
/// Threads:  the first loop's.
class Service {
 public:
  Service(LoopThreads& loops, const ServiceOptions& options, const Log& log, ServiceKind kind);

  /// Listens at the address of the options. False when it cannot, which the log then tells. `on_stream` is called on the
  /// threads of all loops, see ServerGroup.
  template <class OnStream>
  bool listen(ServerOptions options, OnStream on_stream) {
    options.address = options_.address;
    return listening(ServerGroup::listen(loops_.loops(), std::move(options), std::move(on_stream)));
  }

  /// Only after `listen`; also called by `on_stream`.
  ServerGroup& server() const noexcept { return *server_; }

  /// Becomes the user, says that it listens, and serves until it is stopped; returns the exit code. Requires that it listens.
  int run();

 private:
  struct Subscription {
    int number;
    Signal signal;
  };

  bool listening(Result<std::unique_ptr<ServerGroup>> server);
  bool become_user() const;
  bool stop_on_signals();
  void print_figures();
  std::size_t count_connections();
  void tell_exception(const Stream& stream, const std::exception_ptr& exception) const;
  void stop(int signal);
  void stop_server(Duration within, Callback<void()> on_stopped);
  void cut();

  LoopThreads& loops_;
  const ServiceOptions& options_;
  const Log& log_;
  ServiceKind kind_;
  bool is_stopping_ = false;
  Timer cutting_;
  std::array<Subscription, 2> signals_{{{SIGTERM, {}}, {SIGINT, {}}}};
  std::unique_ptr<ServerGroup> server_;
  std::optional<StatsPrinter> figures_;
};

/// Tells in the log why it comes to nothing; returns the exit code for that.
int fail(const Log& log, std::string_view what, std::error_code error);

Duration duration_of(double seconds);

}  // namespace weir::cli
