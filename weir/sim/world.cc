// weir: a simulated network of hosts, on which whole programs run in virtual time.
// SPDX-License-Identifier: MIT
#include "weir/sim/world.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "weir/sim/host_state.h"

namespace weir::sim {
namespace {

constexpr std::uint64_t most_turns_in_a_moment = 1'000'000;

/// "12.003004" for 12 s, 3 ms and 4 µs.
std::string seconds_text(Duration length) {
  const std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(length).count();
  std::string fraction = std::to_string(micros % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(micros / 1'000'000) + "." + fraction;
}

bool is_chance(double probability) { return probability >= 0 && probability <= 1; }

bool is_sound(const Link& link) {
  return link.latency >= Duration::zero() && link.jitter >= Duration::zero() && link.bytes_per_second > 0 &&
         link.chunk > 0 && is_chance(link.loss) && is_chance(link.duplication) && is_chance(link.reordering);
}

sys::MachineOptions machine_options(const HostOptions& options) {
  return {.descriptor_limit = options.descriptor_limit,
          .send_buffer = options.send_buffer,
          .receive_buffer = options.receive_buffer,
          .ephemeral_ports = {options.first_ephemeral_port, options.last_ephemeral_port},
          .largest_buffer = options.largest_buffer};
}

}  // namespace

/// Runs the loops of all hosts: one turn at a time, of one that has something to do.
class World::State final : public sys::Actors {
 public:
  explicit State(const WorldOptions& options)
      : kernel(options.seed),
        installed(std::in_place, kernel),
        seed(options.seed) {
    kernel.set_actors(this);
    expects(is_sound(options.link));
    kernel.network().set_default_link(options.link);
    kernel.local().options() = machine_options(options.local);
    adopt(kernel.local(), options.local);
  }

  Host& adopt(sys::Machine& machine, const HostOptions& options) {
    auto host = std::unique_ptr<Host>(new Host(std::make_unique<Host::State>(kernel, machine, options)));
    hosts.push_back(std::move(host));
    names[machine.name()] = hosts.back().get();
    return *hosts.back();
  }

  bool act() override {
    if (is_busy()) return false;  // time goes on without them
    runnable_.clear();
    for (const auto& host : hosts) {
      if (!may_act(*host)) continue;
      const auto& actors = host->state().actors;
      for (std::size_t i = host->state().first_actor; i < actors.size(); ++i) {
        if (has_something_to_do(*actors[i])) runnable_.push_back(actors[i].get());
      }
    }
    if (runnable_.empty()) return false;
    turn(*runnable_[kernel.random().below(runnable_.size())]);
    return true;
  }

  TimePoint next_deadline() override {
    TimePoint first = TimePoint::max();
    for (const auto& host : hosts) {
      if (!may_act(*host)) continue;
      for (const auto& actor : host->state().actors) {
        if (!can_act(*actor)) continue;
        const TimePoint deadline = actor->loop->next_deadline();
        if (deadline > kernel.timeline().now()) first = std::min(first, deadline);
      }
    }
    return first;
  }

  /// Whether turns were made in this moment without end.
  bool is_busy() const noexcept { return turns_in_moment_ > most_turns_in_a_moment; }
  void begin_run() noexcept { turns_in_moment_ = 0; }

  /// On `local()`, whoever waits meanwhile.
  void plan(TimePoint time, Callback<void()> action) {
    kernel.timeline().at(time, [this, action = std::move(action)]() mutable { hosts.front()->run([&] { action(); }); });
  }

  void remark(std::string text) { kernel.trace().remark(kernel.timeline().now(), std::move(text)); }

  std::string line_text(const sys::Trace::Line& line) {
    const std::string time = seconds_text(line.time - sys::Timeline::start);
    if (line.machine == 0)
      return std::string(time.size() < 12 ? 12 - time.size() : 0, ' ') + time + "  ---- " +
             kernel.trace().what_happened(line);
    const std::string& host = kernel.machines()[static_cast<std::size_t>(line.machine) - 1]->name();
    std::string text(time.size() < 12 ? 12 - time.size() : 0, ' ');
    text += time + "  " + host + std::string(host.size() < 8 ? 8 - host.size() : 0, ' ') + "  ";
    text += kernel.trace().what_happened(line);
    if (!line.is_call) text += " from " + kernel.machines()[static_cast<std::size_t>(line.subject) - 1]->name();
    return text;
  }

  sys::SimKernel kernel;
  std::optional<sys::ScopedKernel> installed;
  std::uint64_t seed;
  std::vector<std::unique_ptr<Host>> hosts;  // destroyed before the kernel that they run on
  std::map<std::string, Host*, std::less<>> names;

 private:
  bool may_act(Host& host) const noexcept { return host.state().machine.is_on() && !host.state().is_paused; }

  /// Not while its turn is on the stack, nor while the program waits in the loop's own `run`.
  bool can_act(const Actor& actor) const noexcept {
    return !actor.is_acting && !actor.has_ended && !actor.loop->is_running() &&
           !kernel.is_waiting(actor.loop->backend_descriptor());
  }

  bool has_something_to_do(const Actor& actor) {
    if (!can_act(actor)) return false;
    return actor.loop->next_deadline() <= kernel.timeline().now() || kernel.is_ready(actor.loop->backend_descriptor());
  }

  void turn(Actor& actor) {
    struct Acting {
      explicit Acting(Actor& who) noexcept : actor(who) { actor.is_acting = true; }
      ~Acting() { actor.is_acting = false; }
      Actor& actor;
    };
    const Acting acting(actor);
    count_turn();
    sys::Machine& previous = kernel.exchange_current(actor.host->machine);
    struct Back {
      ~Back() { kernel.exchange_current(machine); }
      sys::SimKernel& kernel;
      sys::Machine& machine;
    };
    const Back back{kernel, previous};
    const Result<RunEnd> end = actor.loop->poll();
    if (!end) return;  // a wait that failed by plan: the program would try again
    if (*end == RunEnd::stopped) actor.has_ended = true;
    if (*end == RunEnd::empty) {  // it did not look at its events, of which a wake-up is the only possible one
      std::array<epoll_event, 4> wake_up;
      (void)kernel.wait_epoll(actor.loop->backend_descriptor(), wake_up, Duration::zero());
    }
  }

  void count_turn() noexcept {
    if (std::exchange(moment_, kernel.timeline().now()) != kernel.timeline().now()) turns_in_moment_ = 0;
    ++turns_in_moment_;
  }

  std::vector<Actor*> runnable_;
  TimePoint moment_{};
  std::uint64_t turns_in_moment_ = 0;
};

World::World() : World(WorldOptions{}) {}

World::World(const WorldOptions& options) : state_(std::make_unique<State>(options)) {}

/// What was planned may own streams, and the hook whatever it likes: they go before the loops do.
World::~World() {
  if (state_ == nullptr) return;
  state_->kernel.timeline().clear();
  state_->kernel.trace().on_line({});
}

void World::abandon() {
  static auto& abandoned = *new std::vector<std::unique_ptr<State>>;  // for good, and for leak checkers to find
  state_->installed.reset();
  abandoned.push_back(std::move(state_));
}

// --- hosts, names, links ---

Host& World::add_host(std::string name, const HostOptions& options) {
  expects(find(name) == nullptr);
  expects(options.first_ephemeral_port <= options.last_ephemeral_port && options.first_ephemeral_port > 0);
  expects(options.send_buffer > 0 && options.receive_buffer > 1);
  expects(options.descriptor_limit <= static_cast<std::size_t>(sys::Machine::numbers_per_start));
  expects(state_->hosts.size() < 2000);
  return state_->adopt(state_->kernel.add_machine(std::move(name), machine_options(options)), options);
}

Host& World::local() noexcept { return *state_->hosts.front(); }

Host* World::find(std::string_view name) noexcept {
  const auto found = state_->names.find(name);
  return found != state_->names.end() ? found->second : nullptr;
}

std::vector<Host*> World::hosts() {
  std::vector<Host*> all;
  for (const auto& host : state_->hosts) all.push_back(host.get());
  return all;
}

void World::add_name(std::string name, const Host& host) { state_->names[std::move(name)] = const_cast<Host*>(&host); }

Result<Address> World::resolve(std::string_view text) const {
  const std::size_t colon = text.rfind(':');
  const auto found = state_->names.find(text.substr(0, colon));
  if (colon == std::string_view::npos || found == state_->names.end()) return Address::parse(text);
  const Result<Address> with_port = Address::parse(text.substr(colon));
  if (!with_port) return with_port.error();
  return found->second->address(with_port->port());
}

void World::set_link(Host& one, Host& other, const Link& link) {
  set_link_one_way(one, other, link);
  set_link_one_way(other, one, link);
}

void World::set_link_one_way(Host& from, Host& to, const Link& link) {
  expects(is_sound(link));
  state_->kernel.network().link(from.state().machine, to.state().machine) = link;
}

Link World::link(Host& from, Host& to) const {
  return state_->kernel.network().link(from.state().machine, to.state().machine);
}

// --- troubles ---

void World::partition(Host& one, Host& other) {
  state_->remark("the network between " + one.name() + " and " + other.name() + " is cut");
  state_->kernel.network().link(one.state().machine, other.state().machine).is_down = true;
  state_->kernel.network().link(other.state().machine, one.state().machine).is_down = true;
}

void World::heal(Host& one, Host& other) {
  state_->remark("the network between " + one.name() + " and " + other.name() + " is whole again");
  state_->kernel.network().link(one.state().machine, other.state().machine).is_down = false;
  state_->kernel.network().link(other.state().machine, one.state().machine).is_down = false;
}

void World::reset_connections(Host& one, Host& other) {
  state_->remark("the connections between " + one.name() + " and " + other.name() + " are reset");
  state_->kernel.network().reset_connections(one.state().machine, other.state().machine);
}

// --- time ---

TimePoint World::now() const noexcept { return state_->kernel.timeline().now(); }

Duration World::elapsed() const noexcept { return now() - sys::Timeline::start; }

void World::at(Duration elapsed, Callback<void()> action) {
  state_->plan(add_saturated(sys::Timeline::start, elapsed), std::move(action));
}

void World::after(Duration delay, Callback<void()> action) {
  state_->plan(add_saturated(now(), delay), std::move(action));
}

void World::begin_run() noexcept { state_->begin_run(); }

World::Step World::step(TimePoint limit) {
  if (state_->is_busy()) return Step::busy;
  return state_->kernel.step(limit) ? Step::done : Step::nothing;
}

Outcome World::outcome(Step stepped, TimePoint end) const noexcept {
  if (stepped == Step::busy) return Outcome::busy;
  return end == TimePoint::max() ? Outcome::idle : Outcome::time_up;
}

// --- chance and traces ---

std::uint64_t World::seed() const noexcept { return state_->seed; }

Random& World::random() noexcept { return state_->kernel.random(); }

std::uint64_t World::trace_hash() const noexcept { return state_->kernel.trace().hash(); }

std::uint64_t World::event_count() const noexcept { return state_->kernel.trace().count(); }

std::string World::trace() const {
  std::string text;
  for (const sys::Trace::Line& line : state_->kernel.trace().lines()) text += state_->line_text(line) + "\n";
  return text;
}

void World::on_trace(Callback<void(std::string_view)> hook) {
  if (!hook) return state_->kernel.trace().on_line({});
  state_->kernel.trace().on_line(
      [this, hook = std::move(hook)](const sys::Trace::Line& line) mutable { hook(state_->line_text(line)); });
}

}  // namespace weir::sim
