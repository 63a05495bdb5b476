// weir: signals of the process as callbacks of a loop.
// SPDX-License-Identifier: MIT
#include "weir/loop/signal.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>

#include "weir/loop/event_loop.h"
#include "weir/loop/post_queue.h"
#include "weir/sys/signals.h"

namespace weir {
namespace {

constexpr int last_signal = 64;
constexpr std::size_t most_loops = 64;

struct SignalTag;

}  // namespace

/// One subscription.
class SignalSlot final : public Slot, public ListHook<SignalTag> {
 public:
  SignalSlot(EventLoop& loop, int number, Callback<void(int)> callback)
      : Slot(loop),
        number_(number),
        callback_(std::move(callback)) {}

  int number() const noexcept { return number_; }
  void describe(ObjectState& state) const noexcept override {
    state.kind = ObjectKind::signal;
    state.phase = "subscribed";
  }

  /// On failure the slot is gone.
  Result<void> subscribe();
  void unsubscribe() noexcept;
  void replace(Callback<void(int)> callback) {
    expects(static_cast<bool>(callback));
    loop().replace_callback(callback_, std::move(callback));
  }

 private:
  void run_deferred() override {
    if (is_released()) return;
    Slot* outer = loop().exchange_running_slot(this);
    loop().invoke(callback_, number_);
    loop().exchange_running_slot(outer);
  }

  int number_;
  Callback<void(int)> callback_;
};

namespace {

/// A loop with subscriptions, as the handler sees it. Places are used again but never freed, so the handler, which may
/// interrupt anything, always finds valid memory.
struct Listener {
  std::atomic<PostQueue*> posts{nullptr};
  std::atomic<std::uint64_t> wanted{0};  // a bit per signal number
  std::atomic<std::uint64_t> arrived{0};
  EventLoop* loop = nullptr;  // the rest under the table's lock
  std::array<std::uint32_t, last_signal + 1> subscriptions{};
  List<SignalSlot, SignalTag> slots;  // the loop's thread only
};

/// The process's one signal table.
struct SignalTable {
  std::mutex lock;
  std::array<Listener, most_loops> listeners;
  std::array<std::uint32_t, last_signal + 1> subscriptions{};
  std::array<struct sigaction, last_signal + 1> previous{};
  std::atomic<int> handlers_running{0};
};

SignalTable& table() {
  static SignalTable& instance = *new SignalTable;  // never destroyed: a signal may come at any time
  return instance;
}

constexpr std::uint64_t bit(int number) { return std::uint64_t{1} << (number - 1); }

void handle_signal(int number) {
  const int saved_errno = errno;
  SignalTable& signals = table();
  signals.handlers_running.fetch_add(1);
  for (Listener& listener : signals.listeners) {
    PostQueue* posts = listener.posts.load();
    if (posts == nullptr || (listener.wanted.load() & bit(number)) == 0) continue;
    listener.arrived.fetch_or(bit(number));
    posts->raise_from_signal_handler(PostQueue::signal_arrived);
  }
  signals.handlers_running.fetch_sub(1);
  errno = saved_errno;
}

Listener* find_listener(SignalTable& signals, EventLoop* loop) {
  for (Listener& listener : signals.listeners) {
    if (listener.loop == loop) return &listener;
  }
  return nullptr;
}

Result<void> install(SignalTable& signals, int number) {
  if (signals.subscriptions[static_cast<std::size_t>(number)] > 0) return {};
  struct sigaction action {};
  action.sa_handler = handle_signal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  return sys::set_signal_action(number, action, signals.previous[static_cast<std::size_t>(number)]).to_result();
}

Result<Listener*> add_subscription(EventLoop& loop, int number) {
  if (number < 1 || number > last_signal) return system_error(EINVAL);
  SignalTable& signals = table();
  const std::lock_guard guard(signals.lock);
  Listener* listener = find_listener(signals, &loop);
  if (listener == nullptr) listener = find_listener(signals, nullptr);
  if (listener == nullptr) return errc::limit;
  if (auto installed = install(signals, number); !installed) return installed.error();
  const auto at = static_cast<std::size_t>(number);
  ++signals.subscriptions[at];
  ++listener->subscriptions[at];
  listener->loop = &loop;
  listener->posts.store(loop.post_queue().get());
  listener->wanted.fetch_or(bit(number));
  return listener;
}

void remove_subscription(EventLoop& loop, int number) noexcept {
  SignalTable& signals = table();
  const std::lock_guard guard(signals.lock);
  const auto at = static_cast<std::size_t>(number);
  Listener& listener = *find_listener(signals, &loop);
  if (--listener.subscriptions[at] == 0) listener.wanted.fetch_and(~bit(number));
  if (--signals.subscriptions[at] == 0) {
    struct sigaction ours {};
    (void)sys::set_signal_action(number, signals.previous[at], ours);
  }
  if (listener.wanted.load() != 0) return;
  listener.posts.store(nullptr);
  listener.loop = nullptr;
  // A handler on another thread may have read the queue's address just before; the loop may go only after it is done.
  while (signals.handlers_running.load() != 0) {}
  listener.arrived.store(0);
}

}  // namespace

Result<void> SignalSlot::subscribe() {
  Result<Listener*> listener = add_subscription(loop(), number_);
  if (!listener) {
    release();
    return listener.error();
  }
  (*listener)->slots.push_back(*this);
  loop().add_active();
  return {};
}

void SignalSlot::unsubscribe() noexcept {
  ListHook<SignalTag>::unlink();
  loop().remove_active();
  remove_subscription(loop(), number_);
  release();
}

Result<Signal> Signal::subscribe(EventLoop& loop, int number, Callback<void(int)> callback) {
  expects(static_cast<bool>(callback));
  auto* slot = new SignalSlot(loop, number, std::move(callback));
  if (auto subscribed = slot->subscribe(); !subscribed) return subscribed.error();
  return Signal(*slot);
}

Signal::Signal(Signal&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}

Signal& Signal::operator=(Signal&& other) noexcept {
  Signal old(std::move(*this));
  slot_ = std::exchange(other.slot_, nullptr);
  return *this;
}

Signal::~Signal() {
  if (slot_ != nullptr) slot_->unsubscribe();
}

void Signal::on_signal(Callback<void(int)> callback) {
  expects(slot_ != nullptr);
  slot_->replace(std::move(callback));
}

void Signal::set_name(std::string_view name) {
  expects(slot_ != nullptr);
  slot_->set_name(name);
}

void defer_arrived_signals(EventLoop& loop) {
  Listener* listener = nullptr;
  {
    const std::lock_guard guard(table().lock);
    listener = find_listener(table(), &loop);
  }
  if (listener == nullptr) return;
  const std::uint64_t arrived = listener->arrived.exchange(0);
  listener->slots.for_each([&](SignalSlot& slot) {
    if ((arrived & bit(slot.number())) != 0) loop.defer(slot);
  });
}

}  // namespace weir
