// weir: `weir bench echo`, a load generator for echo servers.
// SPDX-License-Identifier: MIT
#include "weir/cli/bench_echo.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "weir/cli/echo_load.h"
#include "weir/cli/process.h"
#include "weir/loop/timer.h"

namespace weir::cli {
namespace {

using namespace weir::literals;
using Seconds = std::chrono::duration<double>;
using Microseconds = std::chrono::duration<double, std::micro>;

/// In one piece and at once: somebody acts on it.
void mark(const BenchEchoOptions& options, const char* line) {
  if (options.json) (void)std::fputs(line, stderr);
}

/// A line on the terminal that shows that something happens; nothing when stderr is no terminal.
class Progress {
 public:
  Progress(EventLoop& loop, const EchoLoad& load, const BenchEchoOptions& options)
      : loop_(loop),
        load_(load),
        seconds_(options.seconds),
        start_(loop.clock()),
        timer_(loop, [this](Timer&) { show(); }) {
    if (!options.json && ::isatty(STDERR_FILENO) == 1) timer_.start_every(500ms);
  }
  ~Progress() {
    if (timer_.is_armed()) fmt::print(stderr, "\r\x1b[K");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void show() const {
    if (!load_.is_measuring()) return fmt::print(stderr, "\r\x1b[K{} connected", load_.connected());
    fmt::print(stderr, "\r\x1b[K{:.1f} of {:g} s, {} requests", Seconds(loop_.clock() - start_).count(), seconds_,
               load_.requests());
  }

  EventLoop& loop_;
  const EchoLoad& load_;
  const double seconds_;
  const TimePoint start_;
  Timer timer_;
};

struct Rates {
  double seconds;
  double requests_per_second;
  double megabytes_per_second;
};

Rates rates_of(const EchoLoad& load, std::size_t size, Duration elapsed) {
  const double seconds = Seconds(elapsed).count();
  const double per_second = seconds > 0 ? static_cast<double>(load.requests()) / seconds : 0;
  return {seconds, per_second, per_second * static_cast<double>(size) / 1e6};
}

double quantile_us(const EchoLoad& load, double fraction) {
  return Microseconds(load.latency().quantile(fraction)).count();
}

void print_json(const BenchEchoOptions& options, const EchoLoad& load, const Rates& rates) {
  fmt::print(
      "{{\"connections\":{},\"size\":{},\"pipeline\":{},\"seconds\":{:.6f},\"requests\":{},\"requests_per_second\":{:."
      "1f},"
      "\"megabytes_per_second\":{:.3f},\"latency_us\":{{\"p50\":{:.2f},\"p99\":{:.2f},\"p99_9\":{:.2f},\"max\":{:.2f}}}"
      ","
      "\"errors\":{},\"in_flight\":{}}}\n",
      options.connections, options.size, options.pipeline, rates.seconds, load.requests(), rates.requests_per_second,
      rates.megabytes_per_second, quantile_us(load, 0.5), quantile_us(load, 0.99), quantile_us(load, 0.999),
      Microseconds(load.latency().max()).count(), load.errors(), load.in_flight());
}

void print_table(const BenchEchoOptions& options, const EchoLoad& load, const Rates& rates) {
  fmt::print("weir bench echo: {}, {} connections, {} B, {} in flight on each, {:.2f} s\n\n", options.address,
             options.connections, options.size, options.pipeline, rates.seconds);
  fmt::print("  {:<14}{:>14}\n", "requests", load.requests());
  fmt::print("  {:<14}{:>14.0f}\n", "requests/s", rates.requests_per_second);
  fmt::print("  {:<14}{:>14.1f}  each way\n", "MB/s", rates.megabytes_per_second);
  fmt::print("  {:<14}{:>14.0f}\n", "p50 us", quantile_us(load, 0.5));
  fmt::print("  {:<14}{:>14.0f}\n", "p99 us", quantile_us(load, 0.99));
  fmt::print("  {:<14}{:>14.0f}\n", "p99.9 us", quantile_us(load, 0.999));
  fmt::print("  {:<14}{:>14.0f}\n", "max us", Microseconds(load.latency().max()).count());
  fmt::print("  {:<14}{:>14}\n", "errors", load.errors());
}

int fail(std::string_view what, std::string_view why) {
  fmt::print(stderr, "weir bench echo: {}: {}\n", what, why);
  return exit_failure;
}

/// The measured time itself: how long it was.
Result<Duration> measure(EventLoop& loop, EchoLoad& load, const BenchEchoOptions& options) {
  const Progress progress(loop, load, options);
  TimePoint stop{};
  Timer timer(loop, [&](Timer&) {
    stop = loop.clock();
    load.stop();
    mark(options, "measured\n");
  });
  mark(options, "connected\n");
  const TimePoint start = loop.clock();  // after the mark: its reader may have held this process up
  timer.start(std::chrono::duration_cast<Duration>(Seconds(options.seconds)));
  load.start();
  const Result<RunEnd> end = loop.run_until([&] { return !load.is_measuring(); });
  if (!end) return end.error();
  if (stop == TimePoint{}) {  // no connection is left
    stop = loop.clock();
    mark(options, "measured\n");
  }
  return stop - start;
}

}  // namespace

int run_bench_echo(const BenchEchoOptions& options) {
  const Result<Address> address = Address::parse(options.address);
  if (!address) return fail(options.address, address.error().message());
  auto loop = EventLoop::create();
  if (!loop) return fail("cannot make an event loop", loop.error().message());
  EchoLoad load(
      **loop,
      {.address = *address, .connections = options.connections, .size = options.size, .pipeline = options.pipeline});
  if (auto connected = load.connect(); !connected) {
    return fail(fmt::format("cannot connect to {} (connection {} of {})", options.address, load.connected() + 1,
                            options.connections),
                connected.error().message());
  }
  const Result<Duration> elapsed = measure(**loop, load, options);
  if (!elapsed) return fail("the event loop failed", elapsed.error().message());

  const Rates rates = rates_of(load, options.size, *elapsed);
  options.json ? print_json(options, load, rates) : print_table(options, load, rates);
  (void)std::fflush(stdout);
  if (load.errors() != 0) {
    return fail(fmt::format("{} of {} connections failed, the first", load.errors(), options.connections),
                load.first_error());
  }
  if (load.requests() == 0) fmt::print(stderr, "weir bench echo: no request was answered in {:g} s\n", options.seconds);
  return exit_success;
}

}  // namespace weir::cli
