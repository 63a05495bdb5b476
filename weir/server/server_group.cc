// weir: a server on several loops.
// SPDX-License-Identifier: MIT
#include "weir/server/server_group.h"

#include <atomic>
#include <mutex>

#include "weir/net/bound_socket.h"
#include "weir/server/server_state.h"

namespace weir {

/// What the loops know of the stop that is under way. Tasks on their way to the loops share it.
struct ServerGroup::Stopping {
  explicit Stopping(std::size_t count) : left(count), was_asked(count) {}

  std::mutex mutex;  ///< guards the two that follow
  std::size_t left;  ///< servers that have not stopped
  Callback<void()> on_stopped;
  std::vector<char> was_asked;  ///< by server; each on the thread of its loop only
};

struct ServerGroup::UnderWay {
  explicit UnderWay(std::size_t size) : counts(size) {}

  std::vector<std::atomic<std::size_t>> counts;
};

namespace {

/// The address with its port, if nobody listens there; one that the system chooses for port 0.
Result<Address> free_address(const Address& address, const ListenOptions& options) {
  Result<Socket> probe = open_bound(address, options);
  if (!probe) return probe.error();
  return probe->local_address();
}

}  // namespace

/// Counts as under way while it lives. A move-only value.
class ServerGroup::Arrival {
 public:
  Arrival() noexcept = default;
  Arrival(std::shared_ptr<UnderWay> of, std::size_t index) noexcept : of_(std::move(of)), index_(index) {
    of_->counts[index_].fetch_add(1, std::memory_order_relaxed);
  }
  Arrival(Arrival&&) noexcept = default;
  Arrival& operator=(Arrival&& other) noexcept {
    std::swap(of_, other.of_);
    std::swap(index_, other.index_);
    return *this;
  }
  ~Arrival() {
    if (of_ != nullptr) of_->counts[index_].fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::shared_ptr<UnderWay> of_;
  std::size_t index_ = 0;
};

ServerGroup::ServerGroup() noexcept = default;
ServerGroup::~ServerGroup() = default;

Result<std::unique_ptr<ServerGroup>> ServerGroup::open(std::span<EventLoop* const> loops, const Options& options,
                                                       const StreamFunction& on_stream) {
  expects(!loops.empty());
  std::unique_ptr<ServerGroup> group(new ServerGroup);
  const std::shared_ptr<ConnectionLimits> limits = Server::limits_of(options.server);
  for (EventLoop* loop : loops) {
    auto* state = new Server::State(*loop, options.server, limits);
    group->servers_.push_back(std::unique_ptr<Server>(new Server(*state)));
    state->on_stream(on_stream);
  }
  group->stopping_ = std::make_shared<Stopping>(loops.size());
  group->under_way_ = std::make_shared<UnderWay>(loops.size());
  if (auto listening = group->listen(options); !listening) return listening.error();
  return group;
}

Result<void> ServerGroup::listen(const Options& options) {
  const Result<Address> address = Address::parse(options.server.address);
  if (!address) return address.error();
  const bool by_system = options.spread == Spread::by_system && address->family() != Address::Family::local;
  if (by_system && servers_.size() > 1) return listen_on_each(*address, options.server.listen);
  return listen_on_first(*address, options.server.listen);
}

/// First without sharing. Between that and the sharing somebody else may still take the port, which is then reported too, or
/// join in if they are of the same user.
Result<void> ServerGroup::listen_on_each(Address address, ListenOptions options) {
  if (!options.share_port) {
    const Result<Address> free = free_address(address, options);
    if (!free) return free.error();
    address = *free;
  }
  options.share_port = true;
  for (const auto& server : servers_) {
    if (auto listening = server->state_->listen(address, options); !listening) return listening;
    address = server->address();
  }
  return {};
}

Result<void> ServerGroup::listen_on_first(const Address& address, const ListenOptions& options) {
  if (servers_.size() > 1) {
    servers_[0]->state_->on_arrival([this](ArrivedConnection connection) { hand_over(std::move(connection)); });
  }
  return servers_[0]->state_->listen(address, options);
}

/// Runs on the first loop.
void ServerGroup::hand_over(ArrivedConnection connection) {
  const std::size_t index = least_loaded();
  Server::State& state = *servers_[index]->state_;
  if (index == 0) return state.take_connection(std::move(connection));
  // By its id, for when the task runs the server may be gone.
  EventLoop& loop = state.loop();
  loop.post(
      [&loop, id = state.id(), arrival = Arrival(under_way_, index), connection = std::move(connection)]() mutable {
        arrival = {};
        Slot* server = loop.find(id);
        if (server != nullptr) static_cast<Server::State*>(server)->take_connection(std::move(connection));
      });
}

/// Of equal ones the next after the one before, so that loops with nothing to do take turns.
std::size_t ServerGroup::least_loaded() noexcept {
  std::size_t best = 0;
  std::size_t fewest = unlimited;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const std::size_t index = (next_ + i) % servers_.size();
    const std::size_t load = stream_count(index) + under_way_->counts[index].load(std::memory_order_relaxed);
    if (load >= fewest) continue;
    fewest = load;
    best = index;
  }
  next_ = best + 1;
  return best;
}

void ServerGroup::set_on_exception(const ExceptionFunction& handler) {
  for (const auto& server : servers_) server->on_exception(handler);
}

const Address& ServerGroup::address() const noexcept { return servers_[0]->address(); }

std::size_t ServerGroup::stream_count(std::size_t loop) const noexcept { return servers_[loop]->stream_count(); }

std::size_t ServerGroup::stream_count() const noexcept {
  std::size_t count = 0;
  for (const auto& server : servers_) count += server->stream_count();
  return count;
}

void ServerGroup::set_name(std::string_view name) {
  for (const auto& server : servers_) server->set_name(name);
}

void ServerGroup::adopt(std::unique_ptr<Stream> stream) {
  for (const auto& server : servers_) {
    if (&server->state_->loop() == &stream->loop()) return server->adopt(std::move(stream));
  }
  expects(false);
}

void ServerGroup::stop(Duration within, Callback<void()> on_stopped) { stop_each(within, true, std::move(on_stopped)); }

void ServerGroup::drain(Duration within, Callback<void()> on_stopped) {
  stop_each(within, false, std::move(on_stopped));
}

void ServerGroup::stop_each(Duration within, bool finishes, Callback<void()> on_stopped) {
  EventLoop& first = servers_[0]->state_->loop();
  if (on_stopped) {
    std::unique_lock lock(stopping_->mutex);
    const bool has_stopped = stopping_->left == 0;
    if (!has_stopped) std::swap(stopping_->on_stopped, on_stopped);  // the former goes when the lock has
    lock.unlock();
    if (has_stopped) return first.post(std::move(on_stopped));
  }
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    EventLoop& loop = servers_[i]->state_->loop();
    const auto ending = finishes ? Server::State::Ending::finish : Server::State::Ending::by_themselves;
    loop.post([i, within, ending, &loop, &first, id = servers_[i]->state_->id(), stopping = stopping_] {
      auto* server = static_cast<Server::State*>(loop.find(id));
      if (server == nullptr) return;
      if (std::exchange(stopping->was_asked[i], 1) != 0) return server->stop(within, ending, {});
      server->stop(within, ending, [&first, stopping] {
        std::unique_lock lock(stopping->mutex);
        if (--stopping->left != 0 || !stopping->on_stopped) return;
        Callback<void()> last = std::move(stopping->on_stopped);
        lock.unlock();
        first.post(std::move(last));
      });
    });
  }
}

}  // namespace weir
