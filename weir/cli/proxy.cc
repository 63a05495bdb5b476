// weir: `weir proxy`, which passes connections on to other servers.
// SPDX-License-Identifier: MIT
#include "weir/cli/proxy.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "weir/cli/process.h"
#include "weir/cli/relay.h"

namespace weir::cli {
namespace {

using namespace weir::literals;

std::vector<Address> addresses_of(const std::vector<std::string>& texts) {
  std::vector<Address> addresses;
  for (const std::string& text : texts) addresses.push_back(*Address::parse(text));
  return addresses;
}

/// The limit on idleness is looked after by the relays. Whoever sets one wants nothing cut before.
StreamOptions stream_options(Duration idle_timeout) {
  StreamOptions options{.read_while_output_full = true};  // as the pump wants it: so all share these
  if (idle_timeout != TimeLimits::no_limit) {
    options.time_limits.write = std::max(options.time_limits.write, idle_timeout);
  }
  return options;
}

/// The targets, the limits, and what there is of them on each loop.
///
/// Lifetime: outlives its server; the loops outlive it. Made while none runs.
/// Threads:  `serve` is called on the threads of all loops.
class Proxy {
 public:
  Proxy(LoopThreads& loops, const ProxyOptions& options, const Log& log)
      : targets_(addresses_of(options.targets)),
        common_{.log = log,
                .targets = targets_,
                .connect_timeout = duration_of(options.connect_seconds),
                .idle_timeout = options.idle_seconds > 0 ? duration_of(options.idle_seconds) : TimeLimits::no_limit,
                .most_connections = options.max_connections != 0 ? options.max_connections : unlimited} {
    if (options.bytes_per_second != 0) {
      const Rate rate{.bytes_per_second = options.bytes_per_second};
      limit_.emplace(RateLimits{.read = rate, .write = rate});
    }
    for (EventLoop* loop : loops.loops()) {
      RelayLoop& added = loops_.emplace_back(
          RelayLoop{.loop = *loop, .common = common_, .settings = stream_options(common_.idle_timeout)});
      if (limit_) added.rate = std::make_unique<RateGroup>(*loop, *limit_);
    }
  }

  ServerOptions server_options(const ProxyOptions& options) const {
    ServerOptions server{.stream = stream_options(common_.idle_timeout)};
    if (options.max_connections != 0) server.connection_limit = options.max_connections;
    return server;
  }

  void serve(ServerGroup& server, Stream& client) {
    const auto is_its = [&client](const RelayLoop& one) { return &one.loop == &client.loop(); };
    Relay::begin(*std::find_if(loops_.begin(), loops_.end(), is_its), server, client);
  }

  std::size_t count_connections() const noexcept { return common_.connections.load(std::memory_order_relaxed); }

  /// "  to 127.0.0.1:8001: 3 open, 120 in all, 2 failed, aside"
  std::string figures() const {
    std::string text;
    const std::vector<Targets::Figures> all = targets_.figures();
    for (std::size_t i = 0; i < all.size(); ++i) {
      text += fmt::format("  to {}: {} open, {} in all, {} failed{}", targets_.address(i).to_string(),
                          all[i].connections, all[i].total, all[i].failures, all[i].is_aside ? ", aside" : "");
    }
    return text;
  }

 private:
  Targets targets_;
  RelayCommon common_;
  std::optional<SharedRate> limit_;
  std::deque<RelayLoop> loops_;  ///< where they stay when others are added
};

}  // namespace

int run_proxy(const ProxyOptions& options) {
  const Log log("weir proxy", options.service.log);
  const std::unique_ptr<LoopThreads> loops = make_loops(options.service, log);
  if (loops == nullptr) return exit_failure;
  Proxy proxy(*loops, options, log);
  Service service(*loops, options.service, log,
                  {.name = "proxy",
                   .drains = true,
                   .count_connections = [&proxy] { return proxy.count_connections(); },
                   .more_figures = [&proxy] { return proxy.figures(); }});
  const auto serve = [&proxy, &service](Stream& client) { proxy.serve(service.server(), client); };
  if (!service.listen(proxy.server_options(options), serve)) return exit_failure;
  return service.run();
}

}  // namespace weir::cli
