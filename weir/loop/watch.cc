// weir: the readiness of a descriptor that is not the loop's own.
// SPDX-License-Identifier: MIT
#include "weir/loop/watch.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

struct GroupTag;

std::uint32_t to_epoll(Readiness interest) noexcept {
  return (interest.readable ? EPOLLIN | EPOLLRDHUP : 0U) | (interest.writable ? EPOLLOUT : 0U) |
         (interest.closed ? EPOLLRDHUP : 0U);
}

/// What of `events` concerns somebody who wants `interest`.
Readiness from_epoll(std::uint32_t events, Readiness interest) noexcept {
  const bool has_ended = (events & EPOLLRDHUP) != 0 && (interest.readable || interest.closed);
  return {.readable = (events & EPOLLIN) != 0 && interest.readable,
          .writable = (events & EPOLLOUT) != 0 && interest.writable,
          .closed = has_ended || (events & (EPOLLHUP | EPOLLERR)) != 0};
}

bool is_nothing(Readiness now) noexcept { return !(now.readable || now.writable || now.closed || now.timed_out); }

}  // namespace

/// A watch's own half.
class Watch::State final : public Slot, public WheelTimer, public ListHook<GroupTag> {
 public:
  State(EventLoop& loop, WatchOptions options, Handler handler)
      : Slot(loop),
        options_(std::move(options)),
        handler_(std::move(handler)) {
    expects(static_cast<bool>(handler_));
  }

  Result<void> start(int descriptor);
  void destroy() noexcept;

  Result<void> set_interest(Readiness interest);
  void set_timeout(Duration timeout) noexcept {
    options_.timeout = timeout;
    count_from(loop().clock());
  }
  void activate(Readiness now) noexcept {
    activated_.readable |= now.readable;
    activated_.writable |= now.writable;
    activated_.closed |= now.closed;
    activated_.timed_out |= now.timed_out;
    loop().defer(*this);
  }
  void replace(Handler handler) {
    expects(static_cast<bool>(handler));
    loop().replace_callback(handler_, std::move(handler));
  }

  bool is_armed() const noexcept { return is_armed_; }
  bool is_edge() const noexcept { return options_.mode == WatchMode::edge; }
  std::uint8_t priority() const noexcept { return options_.priority; }
  std::uint32_t epoll_events() const noexcept { return is_armed_ ? to_epoll(options_.interest) : 0; }
  int descriptor() const noexcept { return descriptor_; }

  void describe(ObjectState& state) const noexcept override {
    state.kind = ObjectKind::watch;
    state.phase = is_armed_ ? "armed" : "told";
    state.descriptor = descriptor_;
    if (WheelTimer::is_armed()) state.deadline = loop().time_of(tick());
  }

  void heard(std::uint32_t epoll_events) {
    const Readiness now = from_epoll(epoll_events, options_.interest);
    if (!is_armed_ || is_nothing(now)) return;
    const SlotHold hold(*this);
    const CallbackSpan span(*this);
    tell(now);
  }

 private:
  void fired() override {
    const SlotHold hold(*this);
    const CallbackSpan span(*this);
    loop().recorder().limit_passed(loop().time_of(tick()));
    tell({.timed_out = true});
  }
  void run_deferred() override {
    if (is_released()) return;
    if (const Readiness now = std::exchange(activated_, {}); !is_nothing(now)) tell(now);
  }

  void count_from(TimePoint moment) noexcept {
    if (options_.timeout == WatchOptions::no_timeout || !is_armed_) {
      loop().cancel(*this);
    } else {
      loop().arm(*this, add_saturated(moment, std::max(options_.timeout, Duration::zero())));
    }
  }
  void tell(Readiness now);

  WatchOptions options_;
  Handler handler_;
  Readiness activated_;
  Group* group_ = nullptr;
  int descriptor_ = -1;
  bool is_armed_ = true;
};

/// All watches of a descriptor: the system has one registration for them.
class Watch::Group final : public WatchSlot {
 public:
  /// That of the descriptor, made if there is none.
  static Group& of(EventLoop& loop, int descriptor) {
    WatchSlot*& place = loop.watched(descriptor);
    if (place == nullptr) place = new Group(loop, descriptor);
    return static_cast<Group&>(*place);
  }

  /// False when it does not go together with those that are there.
  bool can_add(const State& state) {
    bool has_other = false;
    const auto look = [&](State& other) { has_other |= other.is_edge() != state.is_edge(); };
    watches_.for_each(look);
    serving_.for_each(look);
    return !has_other;
  }
  void add(State& state) noexcept { watches_.push_back(state); }
  void remove(State& state) noexcept {
    state.ListHook<GroupTag>::unlink();
    if (watches_.is_empty() && serving_.is_empty()) {
      loop().slots_backend().stop_watch(*this);
      loop().forget_watched(descriptor_);
      return release();
    }
    (void)update();  // to less: nothing that can fail matters
  }

  /// Tells the system what is wanted now.
  Result<void> update() {
    bool is_armed = false;
    std::uint32_t events = 0;
    std::uint8_t most_urgent = 255;
    const auto look = [&](State& state) {
      is_armed |= state.is_armed();
      most_urgent = std::min(most_urgent, state.priority());
      events |= state.epoll_events() | (state.is_edge() ? EPOLLET : 0U);
    };
    watches_.for_each(look);
    serving_.for_each(look);
    set_priority(most_urgent);
    if (is_armed) return loop().slots_backend().start_watch(*this, descriptor_, events);
    loop().slots_backend().stop_watch(*this);
    return {};
  }

 private:
  Group(EventLoop& loop, int descriptor) : WatchSlot(loop), descriptor_(descriptor) {}

  /// A callback may end any watch, and begin others; when one throws, the rest is told in the next turn, if it is still so.
  void became_ready(std::uint32_t epoll_events) override {
    const SlotHold hold(*this);
    struct Rest {
      ~Rest() {  // before the others: one that throws each time starves nobody
        from.splice_back(to);
        to.splice_back(from);
      }
      List<State, GroupTag>& from;
      List<State, GroupTag>& to;
    } const rest{serving_, watches_};
    serving_.splice_back(watches_);
    while (State* state = serving_.pop_front()) {
      watches_.push_back(*state);
      state->heard(epoll_events);
    }
  }

  const int descriptor_;
  List<State, GroupTag> watches_;
  List<State, GroupTag> serving_;  // those of `watches_` that are yet to be told
};

Result<void> Watch::State::start(int descriptor) {
  descriptor_ = descriptor;
  Group& group = Group::of(loop(), descriptor);
  const bool goes_together = group.can_add(*this);
  group.add(*this);
  group_ = &group;
  if (!goes_together) return std::make_error_code(std::errc::invalid_argument);
  count_from(loop().clock());
  return group.update();
}

void Watch::State::destroy() noexcept {
  loop().cancel(*this);
  if (group_ != nullptr) std::exchange(group_, nullptr)->remove(*this);
  ListHook<DeferredTag>::unlink();
  release();
}

Result<void> Watch::State::set_interest(Readiness interest) {
  options_.interest = interest;
  if (!std::exchange(is_armed_, true)) count_from(loop().clock());
  return group_->update();
}

void Watch::State::tell(Readiness now) {
  const SlotHold hold(*this);
  if (options_.mode == WatchMode::one_shot) {
    is_armed_ = false;
    (void)group_->update();
  }
  count_from(loop().now());
  Slot* outer = loop().exchange_running_slot(this);
  loop().invoke(handler_, now);
  loop().exchange_running_slot(outer);
}

Result<Watch> Watch::start(EventLoop& loop, int descriptor, WatchOptions options, Handler handler) {
  const std::string name = std::move(options.name);
  Watch watch(*new State(loop, std::move(options), std::move(handler)));
  if (!name.empty()) watch.set_name(name);
  if (auto started = watch.state_->start(descriptor); !started) return started.error();
  return watch;
}

Result<Watch> Watch::start(EventLoop& loop, int descriptor, Readiness interest, Handler handler) {
  return start(loop, descriptor, WatchOptions{.interest = interest}, std::move(handler));
}

Watch::Watch(Watch&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  Watch old(std::move(*this));
  state_ = std::exchange(other.state_, nullptr);
  return *this;
}

Watch::~Watch() {
  if (state_ != nullptr) state_->destroy();
}

Result<void> Watch::set_interest(Readiness interest) {
  expects(state_ != nullptr);
  return state_->set_interest(interest);
}

void Watch::set_timeout(Duration timeout) {
  expects(state_ != nullptr);
  state_->set_timeout(timeout);
}

void Watch::activate(Readiness now) {
  expects(state_ != nullptr);
  state_->activate(now);
}

void Watch::on_ready(Handler handler) {
  expects(state_ != nullptr);
  state_->replace(std::move(handler));
}

void Watch::set_name(std::string_view name) {
  expects(state_ != nullptr);
  state_->set_name(name);
}

int Watch::descriptor() const noexcept { return state_ == nullptr ? -1 : state_->descriptor(); }

}  // namespace weir
