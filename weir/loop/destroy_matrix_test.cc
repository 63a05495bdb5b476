// weir: what may be done to each object of a loop inside each callback: a matrix, every cell of it.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "weir/loop/deferred_call.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/hook.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// What a callback does to an object.
enum class Deed { destroy, replace_callback, destroy_and_make_anew };
constexpr std::array deeds = {Deed::destroy, Deed::replace_callback, Deed::destroy_and_make_anew};
constexpr std::array<const char*, deeds.size()> deed_names = {"destroy", "replace the callback of", "make anew"};

class Scene;

/// Every callback of a scene: tells it, and looks whether it outlived what it has done.
struct Body {
  Scene* scene;
  std::uint32_t object;
  std::uint32_t version;
  std::shared_ptr<std::string> canary = std::make_shared<std::string>(100, 'c');

  template <class... Arguments>
  void operator()(Arguments&&...) const;
};

/// One object of a loop, whatever it is.
struct Object {
  const char* name;
  std::function<void(Body)> make;
  std::function<void(Body)> replace;
  std::function<void()> destroy;
  std::function<void()> arm;  ///< has it called back soon, once or in every turn
  bool exists = false;
  std::uint32_t version = 0;
  int calls = 0;  ///< in this round
};

/// Two of everything on one loop, so that each has a sibling that is due with it.
class Scene {
 public:
  Scene() {
    for (int i = 0; i < 2; ++i) {
      add_timer(i == 0 ? "timer" : "sibling timer", {});
      add_timer(i == 0 ? "precise timer" : "sibling precise timer", {.precise = true});
      add_watch(i == 0 ? "watch" : "watch of another descriptor", pipes_[static_cast<std::size_t>(i)]);
      add_watch(i == 0 ? "watch that shares" : "watch that shares too", pipes_[2]);
      add_signal(i == 0 ? "signal" : "sibling signal");
      add_hook(i == 0 ? "hook before" : "sibling hook before", HookPoint::before_wait);
      add_hook(i == 0 ? "hook after" : "sibling hook after", HookPoint::after_wait);
      add_deferred(i == 0 ? "deferred call" : "sibling deferred call");
      add_post(i == 0 ? "post" : "second post");
    }
    for (std::uint32_t i = 0; i < objects_.size(); ++i) make(i);
  }

  std::size_t size() const { return objects_.size(); }
  const Object& object(std::uint32_t i) const { return objects_[i]; }

  /// Everything that exists is due; true when everything has called back that still exists, and `but` or not.
  bool play_round(std::uint32_t but) {
    for (Object& object : objects_) {
      object.calls = 0;
      if (object.exists) object.arm();
    }
    const auto all_called = [&] {
      for (std::uint32_t i = 0; i < size(); ++i) {
        if (objects_[i].exists && objects_[i].calls == 0 && i != but) return false;
      }
      return true;
    };
    const bool done = run_until(loop_, all_called, 2s);
    for (std::uint32_t i = 0; i < size() && !done; ++i) {
      if (objects_[i].exists && objects_[i].calls == 0) ADD_FAILURE() << objects_[i].name << " was not called";
    }
    return done;
  }

  void plan(std::uint32_t actor, std::uint32_t target, Deed deed) {
    actor_ = actor;
    target_ = target;
    deed_ = deed;
    has_acted_ = false;
  }
  bool has_acted() const { return has_acted_; }

  void enter(std::uint32_t number, std::uint32_t version) {
    Object& object = objects_[number];
    EXPECT_TRUE(object.exists) << object.name << " is gone";
    EXPECT_EQ(version, object.version) << "an earlier callback of " << object.name;
    ++object.calls;
    if (number != actor_ || has_acted_) return;
    has_acted_ = true;
    act();
  }

 private:
  void act() {
    Object& target = objects_[target_];
    if (deed_ != Deed::replace_callback) {
      target.exists = false;
      target.destroy();
    }
    if (deed_ == Deed::destroy_and_make_anew) make(target_);
    if (deed_ == Deed::replace_callback) target.replace(next_body(target_));
    if (target.exists) target.arm();
  }

  Body next_body(std::uint32_t number) { return {this, number, ++objects_[number].version}; }
  void make(std::uint32_t number) {
    Body body = next_body(number);
    objects_[number].make(std::move(body));
    objects_[number].exists = true;
  }

  void add_timer(const char* name, TimerOptions options) {
    auto timer = std::make_shared<std::unique_ptr<Timer>>();
    objects_.push_back({name,
                        [=, this](Body body) { *timer = std::make_unique<Timer>(loop_, options, std::move(body)); },
                        [=](Body body) { (*timer)->on_fired(std::move(body)); }, [=] { timer->reset(); },
                        [=] { (*timer)->start(0ms); }});
  }
  void add_watch(const char* name, const Pair& pipe) {
    auto watch = std::make_shared<Watch>();
    objects_.push_back({name,
                        [=, this, &pipe](Body body) {
                          *watch = *Watch::start(loop_, pipe.near.number(), {.readable = true}, std::move(body));
                        },
                        [=](Body body) { watch->on_ready(std::move(body)); }, [=] { *watch = {}; }, [] {}});
  }
  void add_signal(const char* name) {
    auto signal = std::make_shared<Signal>();
    objects_.push_back({name, [=, this](Body body) { *signal = *Signal::subscribe(loop_, SIGUSR1, std::move(body)); },
                        [=](Body body) { signal->on_signal(std::move(body)); }, [=] { *signal = {}; },
                        [] { ::raise(SIGUSR1); }});
  }
  void add_hook(const char* name, HookPoint point) {
    auto hook = std::make_shared<std::unique_ptr<Hook>>();
    objects_.push_back({name, [=, this](Body body) { *hook = std::make_unique<Hook>(loop_, point, std::move(body)); },
                        [=](Body body) { (*hook)->on_turn(std::move(body)); }, [=] { hook->reset(); }, [] {}});
  }
  void add_deferred(const char* name) {
    auto call = std::make_shared<std::unique_ptr<DeferredCall>>();
    objects_.push_back({name, [=, this](Body body) { *call = std::make_unique<DeferredCall>(loop_, std::move(body)); },
                        [=](Body body) { (*call)->on_call(std::move(body)); }, [=] { call->reset(); },
                        [=] { (*call)->schedule(); }});
  }
  /// Nobody can take a post back: what is done to one is done to nothing.
  void add_post(const char* name) {
    const auto number = static_cast<std::uint32_t>(objects_.size());
    objects_.push_back({name, [](const Body&) {}, nullptr, nullptr,
                        [=, this] {
                          loop_.post(Body{this, number, objects_[number].version});
                        }});
  }

  const std::array<Pair, 3> pipes_ = {readable_pipe(), readable_pipe(), readable_pipe()};
  EventLoop loop_;
  std::vector<Object> objects_;
  std::uint32_t actor_ = ~0U;
  std::uint32_t target_ = ~0U;
  Deed deed_ = Deed::destroy;
  bool has_acted_ = false;

  /// And stays so: nobody reads.
  static Pair readable_pipe() {
    Pair pipe = pipe_pair();
    const Undisturbed undisturbed;
    EXPECT_TRUE(sys::write(pipe.far.number(), as_bytes("x")));
    return pipe;
  }
};

template <class... Arguments>
void Body::operator()(Arguments&&...) const {
  const std::uint32_t called = version;
  scene->enter(object, version);
  EXPECT_EQ(version, called) << "the callback was replaced while it ran";
  EXPECT_EQ(*canary, std::string(100, 'c')) << "the callback was destroyed while it ran";
}

/// By the number of the object whose callback acts.
class DestroyMatrix : public testing::TestWithParam<std::uint32_t> {};

std::string name_of_actor(const testing::TestParamInfo<std::uint32_t>& info) {
  static constexpr std::array names = {"timer",       "precise_timer", "watch",    "shared_watch", "signal",
                                       "hook_before", "hook_after",    "deferred", "post"};
  return names[info.param];
}

// hazard: E10
TEST_P(DestroyMatrix, any_object_may_be_destroyed_and_any_callback_replaced_inside_this_callback) {
  int cells = 0;
  for (std::uint32_t target = 0;; ++target) {
    for (std::size_t deed = 0; deed < deeds.size(); ++deed) {
      Scene scene;
      if (target == scene.size()) {
        EXPECT_EQ(cells, 16 * 3) << "each of the eight kinds, a sibling too, every deed";
        return;
      }
      if (!scene.object(target).destroy) continue;
      SCOPED_TRACE(std::string(deed_names[deed]) + " the " + scene.object(target).name);
      const bool goes_for_good = deeds[deed] == Deed::destroy;
      scene.plan(GetParam(), target, deeds[deed]);

      // The target may be called before the deed, or, where it goes, not at all; everybody else must be.
      EXPECT_TRUE(scene.play_round(target));
      EXPECT_TRUE(scene.has_acted());
      EXPECT_TRUE(scene.play_round(~0U));

      EXPECT_EQ(scene.object(target).exists, !goes_for_good);
      ++cells;
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Loop, DestroyMatrix, testing::Range(0U, 9U), name_of_actor);

}  // namespace
}  // namespace weir
