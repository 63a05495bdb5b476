// weir: every kind of handle below streams, destroyed or replaced inside every kind of callback.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "tests/support/test_world.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/net/connector.h"
#include "weir/net/listener.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Something that calls back, and can be made to within the next turns.
class Object {
 public:
  virtual ~Object() = default;
  /// Sees to it that the callback is due: all objects that were provoked before a turn are due in that turn or the next.
  virtual void provoke() = 0;

  int calls = 0;
  std::function<void()> in_callback;

 protected:
  /// What every callback does: its captures must live until it returns, also when the object is destroyed in the middle.
  static void called(const std::weak_ptr<Object>& weak, const std::string& captured) {
    ASSERT_FALSE(weak.expired()) << "called back after it was destroyed";
    Object& object = *weak.lock().get();  // not kept: it may go while this runs
    ++object.calls;
    const std::function<void()> then = object.in_callback;
    if (then) then();
    ASSERT_EQ(captured, "captured by value");
  }

 public:
  std::weak_ptr<Object> self;
};

/// The owner of an object: what is captured outlives the handle only as far as the library sees to it.
using Owner = std::shared_ptr<Object>;

const std::string captured_text = "captured by value";

class TimerObject final : public Object {
 public:
  explicit TimerObject(EventLoop& loop) : loop_(loop) {}
  void begin() {
    handle_.emplace(
        loop_, [weak = self, text = std::make_unique<std::string>(captured_text)](Timer&) { called(weak, *text); });
  }
  void provoke() override { handle_->start(0ns); }

 private:
  EventLoop& loop_;
  std::optional<Timer> handle_;
};

class WatchObject final : public Object {
 public:
  explicit WatchObject(EventLoop& loop) : loop_(loop), pair_(unix_pair()) {}
  void begin() {
    handle_ = *Watch::start(loop_, pair_.near.number(), {.readable = true},
                            [this, weak = self, text = std::make_unique<std::string>(captured_text)](Readiness) {
                              if (!weak.expired()) (void)read_some(pair_.near);
                              called(weak, *text);
                            });
  }
  void provoke() override { EXPECT_EQ(write_some(pair_.far, "x"), 1U); }

 private:
  EventLoop& loop_;
  Pair pair_;
  Watch handle_;
};

class SignalObject final : public Object {
 public:
  explicit SignalObject(EventLoop& loop) : loop_(loop) {}
  void begin() {
    handle_ = *Signal::subscribe(
        loop_, SIGUSR1,
        [weak = self, text = std::make_unique<std::string>(captured_text)](int) { called(weak, *text); });
  }
  void provoke() override { ::raise(SIGUSR1); }

 private:
  EventLoop& loop_;
  Signal handle_;
};

class ListenerObject final : public Object {
 public:
  explicit ListenerObject(EventLoop& loop) : loop_(loop) {}
  void begin() {
    handle_ = *Listener::open(loop_, *Address::parse("unix:@weir-destroy-" + std::to_string(++count)), {},
                              [weak = self, text = std::make_unique<std::string>(captured_text)](
                                  Socket, const Address&) { called(weak, *text); });
  }
  void provoke() override { clients_.push_back(connect_to(handle_.address().name())); }

 private:
  static inline int count = 0;
  EventLoop& loop_;
  Listener handle_;
  std::vector<sys::Descriptor> clients_;
};

/// `is_tcp`: the outcome comes by an event; else it is known at once and told at the end of the turn.
template <bool is_tcp>
class ConnectorObject final : public Object {
 public:
  explicit ConnectorObject(EventLoop& loop) : loop_(loop) {}
  void begin() {}
  void provoke() override {
    handle_ = Connector::start(
        loop_, is_tcp ? Address(listening_.name) : *Address::parse("unix:@weir-nobody"), {},
        [weak = self, text = std::make_unique<std::string>(captured_text)](Result<Socket>) { called(weak, *text); });
  }

 private:
  EventLoop& loop_;
  ListeningSocket listening_;
  Connector handle_;
};

/// The limit of an attempt that never comes to anything.
class TimeoutObject final : public Object {
 public:
  explicit TimeoutObject(EventLoop& loop) : loop_(loop), waiting_(listening_.fill()) {}
  void begin() {}
  void provoke() override {
    handle_ = Connector::start(
        loop_, Address(listening_.name), {.timeout = 0ns},
        [weak = self, text = std::make_unique<std::string>(captured_text)](Result<Socket>) { called(weak, *text); });
  }

 private:
  EventLoop& loop_;
  ListeningSocket listening_{0};
  std::vector<sys::Descriptor> waiting_;
  Connector handle_;
};

template <class T>
Owner make(EventLoop& loop) {
  auto object = std::make_shared<T>(loop);
  object->self = object;
  object->begin();
  return object;
}

struct Kind {
  std::string_view name;
  Owner (*make)(EventLoop&);
};
constexpr std::array kinds = {
    Kind{"timer", make<TimerObject>},
    Kind{"watch", make<WatchObject>},
    Kind{"signal", make<SignalObject>},
    Kind{"listener", make<ListenerObject>},
    Kind{"connector", make<ConnectorObject<true>>},
    Kind{"refused", make<ConnectorObject<false>>},
    Kind{"timeout", make<TimeoutObject>},
};

enum class Deed { destroy, destroy_all, replace };
constexpr std::array<std::string_view, 3> deed_names = {"destroys", "destroys_all_with", "replaces"};

using Cell = std::tuple<std::size_t, std::size_t, Deed>;

/// In the callback of `actor` something is done to `victim`, which is due in the same turn.
class DestroyInCallback : public testing::TestWithParam<Cell> {
 protected:
  void SetUp() override {
    if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  }

  EventLoop loop_;
};

// hazard: E10
TEST_P(DestroyInCallback, leaves_the_rest_working_and_calls_nothing_that_is_gone) {
  const auto& [actor_kind, victim_kind, deed] = GetParam();
  for (const bool is_actor_first : {true, false}) {
    Owner actor;
    Owner victim;
    if (is_actor_first) actor = kinds[actor_kind].make(loop_);
    victim = kinds[victim_kind].make(loop_);
    if (!is_actor_first) actor = kinds[actor_kind].make(loop_);
    Owner bystander = kinds[victim_kind].make(loop_);
    int calls_of_destroyed = -1;
    actor->in_callback = [&, deed = deed, victim_kind = victim_kind] {
      if (calls_of_destroyed >= 0) return;
      calls_of_destroyed = victim->calls;
      victim.reset();
      if (deed == Deed::destroy_all) actor.reset();
      if (deed == Deed::replace) victim = kinds[victim_kind].make(loop_);
    };
    victim->provoke();
    actor->provoke();
    bystander->provoke();

    for (int turns = 0; turns < 10; ++turns) {
      (void)loop_.poll();
      (void)world().run_for(1ms);
    }

    EXPECT_GE(calls_of_destroyed, 0) << "the actor was never called back";
    EXPECT_EQ(bystander->calls, 1);
    const int fresh_calls = deed == Deed::replace ? victim->calls : 0;
    if (deed == Deed::replace) victim->provoke();
    for (int turns = 0; turns < 5; ++turns) {
      (void)loop_.poll();
      (void)world().run_for(1ms);
    }
    EXPECT_EQ(deed == Deed::replace ? victim->calls : 1, fresh_calls + 1);
    actor.reset();
    victim.reset();
    bystander.reset();
    EXPECT_EQ(*loop_.run(), RunEnd::empty);
  }
}

// hazard: E10
TEST_P(DestroyInCallback, of_its_own_ends_it_there) {
  const auto& [actor_kind, victim_kind, deed] = GetParam();
  if (actor_kind != victim_kind || deed == Deed::destroy_all) return;
  Owner actor = kinds[actor_kind].make(loop_);
  Owner heir;
  int calls = 0;
  actor->in_callback = [&, deed = deed, kind = actor_kind] {
    ++calls;
    actor.reset();
    if (deed == Deed::replace) heir = kinds[kind].make(loop_);
  };
  actor->provoke();

  for (int turns = 0; turns < 10; ++turns) {
    (void)loop_.poll();
    (void)world().run_for(1ms);
  }

  EXPECT_EQ(calls, 1);
  heir.reset();
  EXPECT_EQ(*loop_.run(), RunEnd::empty);
}

std::string name_of(const testing::TestParamInfo<Cell>& cell) {
  const auto& [actor, victim, deed] = cell.param;
  return std::string(kinds[actor].name) + "_" + std::string(deed_names[static_cast<std::size_t>(deed)]) + "_" +
         std::string(kinds[victim].name);
}

INSTANTIATE_TEST_SUITE_P(Matrix, DestroyInCallback,
                         testing::Combine(testing::Range<std::size_t>(0, kinds.size()),
                                          testing::Range<std::size_t>(0, kinds.size()),
                                          testing::Values(Deed::destroy, Deed::destroy_all, Deed::replace)),
                         name_of);

}  // namespace
}  // namespace weir
