// weir: a simulated host, with the loops that run on it.
// SPDX-License-Identifier: MIT
#include "weir/sim/host.h"

#include <utility>

#include "weir/sim/host_state.h"

namespace weir::sim {

Host::Host(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

Host::~Host() = default;

Host::Entered::Entered(Host& host) noexcept
    : host_(host),
      previous_(&host.state_->kernel.exchange_current(host.state_->machine)) {}

Host::Entered::~Entered() { host_.state_->kernel.exchange_current(*static_cast<sys::Machine*>(previous_)); }

const std::string& Host::name() const noexcept { return state_->machine.name(); }

Address Host::address(std::uint16_t port) const {
  return Address(sys::InternetName{state_->machine.address(true), port}.told_to(AF_INET));
}

Address Host::address_v6(std::uint16_t port) const {
  return Address(sys::InternetName{state_->machine.address(false), port}.told_to(AF_INET6));
}

EventLoop& Host::loop() {
  if (state_->first_actor == state_->actors.size()) return add_loop();
  return *state_->actors[state_->first_actor]->loop;
}

EventLoop& Host::add_loop() {
  expects(state_->machine.is_on());  // restart() it first
  auto actor = std::make_unique<Actor>();
  actor->host = state_.get();
  actor->loop = run([this] {
    return std::make_unique<EventLoop>(EventLoop::Options{.backend = BackendChoice::epoll, .pool = &state_->pool});
  });
  state_->actors.push_back(std::move(actor));
  return *state_->actors.back()->loop;
}

Pool& Host::pool() noexcept { return state_->pool; }

void Host::set_descriptor_limit(std::size_t limit) { state_->machine.options().descriptor_limit = limit; }

void Host::set_faults(sys::FaultPlan plan) { state_->machine.faults = std::move(plan); }

std::uint64_t Host::calls(sys::Call call) const noexcept {
  return state_->machine.calls[static_cast<std::size_t>(call)];
}

void Host::pause() {
  state_->remark("the programs of " + name() + " stand still");
  state_->is_paused = true;
}

void Host::resume() {
  state_->remark("the programs of " + name() + " go on");
  state_->is_paused = false;
}

void Host::crash() {
  state_->remark(name() + " is switched off");
  state_->machine.crash();
  for (const auto& actor : state_->actors) actor->has_ended = true;
  state_->first_actor = state_->actors.size();
}

void Host::restart() {
  state_->remark(name() + " is switched on again");
  state_->machine.restart();
}

void Host::set_file(std::string_view path, std::string contents) {
  state_->machine.set_file(std::string(path), std::move(contents));
}

std::size_t Host::open_descriptors() const noexcept { return state_->machine.open_descriptors(); }

}  // namespace weir::sim
