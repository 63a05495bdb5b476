// weir: what the scenarios of the simulation share.
// SPDX-License-Identifier: MIT
#include "tests/simulation/scenario.h"

#include <cerrno>
#include <string_view>
#include <utility>

#include "tests/simulation/party.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;
using sys::Call;

/// What a failing call is a probe of; empty when of nothing.
std::string_view probe_of(Call call, int error) {
  if (error == EAGAIN) return "a call is put off";
  if (error == EINTR && call == Call::wait_epoll) return "a wait is interrupted";
  if (error == EINTR && call == Call::close) return "a close is interrupted";
  if (error == EINTR) return "a transfer is interrupted";
  switch (call) {
    case Call::accept:
      if (error == ECONNABORTED || error == EPROTO || error == EPERM) return "accepting one connection fails";
      return error == EBADF ? "accepting fails for good" : "accepting fails for a while";
    case Call::control_epoll: return "the loop cannot listen to a descriptor";
    case Call::shutdown: return "the end cannot be sent";
    case Call::connect: return "connecting fails at once";
    case Call::open_socket: return "there is no socket to be had";
    case Call::wait_epoll: return "a wait fails";
    default: return {};
  }
}

}  // namespace

NetScenario::NetScenario(sim::Trial& run, const Play& play) : run_(run), play_(play), is_patient_(chance(0.5)) {
  const auto options = [&] {
    sim::HostOptions result;
    if (chance(0.2)) result.pool_budget = random().between(250'000, 800'000);
    if (chance(0.3)) result.send_buffer = result.receive_buffer = 4'000'000;
    if (chance(0.4)) result.send_buffer = of_any_size(2'000'000) + 4'000;
    if (chance(0.4)) result.receive_buffer = of_any_size(2'000'000) + 4'000;
    return result;
  };
  server_host_ = &run.world().add_host("server", options());
  for (int i = 0; i < 2; ++i) {
    client_hosts_[i] = play.is_local ? server_host_ : &run.world().add_host(i == 0 ? "client" : "client-2", options());
  }
  for (sim::Host* host : run.world().hosts()) {
    if (host == &run.world().local()) continue;
    (void)host->loop();
    listen_to_remarks(*host);
  }
  server_host_->state().kernel.trace().on_line([this](const sys::Trace::Line& line) { note(line); });
  if (play.is_calm) return;
  sim::Link link{.latency = up_to(chance(0.5) ? 1ms : 60ms)};
  is_in_step_ = chance(0.2);
  if (is_in_step_) link.latency = 10ms;
  if (!is_in_step_ && chance(0.3)) link.jitter = up_to(20ms);
  if (!is_in_step_ && chance(0.3)) link.bytes_per_second = random().between(10'000, 2'000'000);
  for (sim::Host* client : client_hosts_) run.world().set_link(*client, *server_host_, link);
}

NetScenario::~NetScenario() { server_host_->state().kernel.trace().on_line({}); }

void NetScenario::listen_to_remarks(sim::Host& host) {
  host.loop().on_diagnostic([this](const Diagnostic& remark) {
    if (remark.error == errc::budget) run_.probe("memory is short: reading pauses");
    if (remark.error == std::errc::too_many_files_open) run_.probe("accepting pauses for want of a descriptor");
    if (remark.message.find("cannot listen to it") != std::string_view::npos) run_.probe("a connection is dropped");
  });
}

void NetScenario::note(const sys::Trace::Line& line) {
  if (line.is_call && line.is_injected) {
    if (static_cast<Call>(line.what) == Call::accept && line.result == -EBADF) has_stopped_accepting_ = true;
    const std::string_view probe =
        line.result < 0 ? probe_of(static_cast<Call>(line.what), static_cast<int>(-line.result)) : "a short count";
    if (!probe.empty()) run_.probe(probe);
  } else if (line.is_call && line.result == -EMFILE) {
    run_.probe("no descriptor is left");
  } else if (!line.is_call) {
    switch (static_cast<sys::NetworkEvent>(line.what)) {
      case sys::NetworkEvent::lost: has_lost_ = true; return run_.probe("something is lost and repeated");
      case sys::NetworkEvent::reset_arrives: return run_.probe("a reset arrives");
      case sys::NetworkEvent::timed_out: return run_.probe("the system gives a connection up");
      default: return;
    }
  }
}

void NetScenario::check() {
  for (sim::Host* host : run_.world().hosts()) {
    if (host != &run_.world().local() && host->loop().counters().stale_events > 0)
      run_.probe("a stale event is dropped");
  }
}

std::uint64_t NetScenario::of_any_size(std::uint64_t most) {
  if (play_.is_calm) return most;
  std::uint64_t limit = most;
  for (std::uint64_t halvings = random().below(16); halvings > 0 && limit > 1; --halvings) limit /= 2;
  return random().between(0, limit);
}

sim::Host& NetScenario::client_host() { return *client_hosts_[chance(0.5) ? 1 : 0]; }

Address NetScenario::server_address() const {
  return play_.is_local ? *Address::parse(listening_address()) : server_host_->address(7777);
}

void NetScenario::check_was_accepted(const Party& party) {
  const bool was_late = party.error() == errc::idle_timed_out || party.error() == errc::write_timed_out;
  run_.expect(!is_patient_ || has_stopped_accepting_ || !was_late,
              party.name() + ": nobody waits for ever to be accepted");
}

void NetScenario::check_no_stall(const Party& one, const Party& other) {
  if (!is_patient_ || one.is_silent() || other.is_silent()) return;
  const auto gave_up = [](const Party& party, const Party& peer) {
    const bool was_late = party.error().category() == weir_category() && party.error() == std::errc::timed_out;
    return was_late && (!peer.is_closed() || party.closed_at() <= peer.closed_at());
  };
  run_.expect(!gave_up(one, other), one.name() + ": nothing stalls while both ends go on");
  run_.expect(!gave_up(other, one), other.name() + ": nothing stalls while both ends go on");
}

std::unique_ptr<Server> NetScenario::listen(const StreamOptions& options, Callback<void(Stream&)> accept) {
  return server_host().run([&]() -> std::unique_ptr<Server> {
    auto listening = Server::listen(server_host().loop(), {.address = listening_address(), .stream = options});
    if (!listening) return nullptr;
    (*listening)->on_stream(std::move(accept));
    return *std::move(listening);
  });
}

StreamOptions NetScenario::stream_options() {
  StreamOptions options;
  options.time_limits = {.write = 30s, .idle = 60s};
  if (play_.is_calm) return options;
  if (is_patient_) options.time_limits = {.write = 10min, .idle = 10min};
  if (chance(0.3)) options.read_marks = {.low = random().between(0, 8), .high = random().between(8, 5000)};
  if (chance(0.3)) options.write_marks = {.low = random().between(0, 500), .high = random().between(500, 50'000)};
  if (chance(0.3)) options.output_limit = random().between(20'000, 200'000);
  if (!is_patient_) {
    if (chance(0.5)) options.time_limits.write = 1s + up_to(40s);
    if (chance(0.5)) options.time_limits.idle = 5s + up_to(100s);
    if (chance(0.1)) options.time_limits.read = 2s + up_to(20s);
  }
  if (chance(0.5)) options.linger = up_to(chance(0.4) ? 50ms : 10s);
  if (chance(0.2)) options.linger_bytes = random().between(1, 100'000);
  options.read_while_output_full = chance(0.2);
  return options;
}

ConnectOptions NetScenario::connect_options() {
  return {.timeout = chance(0.3) ? 1ms + up_to(5s) : Duration(10s), .socket = {.no_delay = !chance(0.3)}};
}

sim::SwarmOptions swarm_options(std::string code) {
  return {.code = std::move(code),
          .draw = {.hosts = {"client", "server", "client-2"}, .chaos = 6s, .shortest = 30ms, .most = 60}};
}

}  // namespace weir::testing_support
