// weir: the matrix of what may be done to which object inside which callback, generated, every cell of it.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/contracts/lifetime_scene.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// Destroys what `handle` owns, if it is there.
template <class Handle>
bool destroy(Scene& s, Object object, Handle& handle) {
  if (!handle) return false;
  s.gone(object);
  handle.reset();
  return true;
}
bool destroy_own(Scene& s) { return destroy(s, Object::own, s.own); }
bool destroy_sibling(Scene& s) { return destroy(s, Object::sibling, s.sibling); }
bool destroy_listener(Scene& s) { return destroy(s, Object::listener, s.listener); }
bool destroy_timer(Scene& s) { return destroy(s, Object::timer, s.timer); }
bool destroy_connecting(Scene& s) { return destroy(s, Object::connecting, s.connecting); }
bool destroy_server(Scene& s) {
  if (s.served != nullptr && s.taken == nullptr) s.forget_served();
  return destroy(s, Object::server, s.server);
}
bool destroy_signal(Scene& s) {
  s.gone(Object::signal);
  s.signal = {};
  return true;
}
bool destroy_watch(Scene& s) {
  s.gone(Object::watch);
  s.watch = {};
  return true;
}
/// The server's stream, while it is the server's.
Stream* served_by_server(Scene& s) { return s.served != nullptr && s.taken == nullptr ? s.served : nullptr; }

const std::vector<Action>& all_actions() {
  static const std::vector<Action> actions = {
      {"destroy own", destroy_own},
      {"abort own",
       [](Scene& s) {
         if (s.own == nullptr) return false;
         s.gone(Object::own);
         s.own->abort();
         return true;
       }},
      {"abort, then destroy own",
       [](Scene& s) {
         if (s.own != nullptr) s.own->abort();
         return destroy_own(s);
       }},
      {"finish own",
       [](Scene& s) {
         if (s.own != nullptr) s.own->finish();
         return s.own != nullptr;
       }},
      {"finish, flush and destroy own",
       [](Scene& s) {
         if (s.own == nullptr) return false;
         s.own->finish();
         s.own->flush_now();
         return destroy_own(s);
       }},
      {"write, flush and destroy own",
       [](Scene& s) {
         if (s.own == nullptr) return false;
         s.own->write(pattern(50000));
         s.own->flush_now();
         return destroy_own(s);
       }},
      {"pause and resume own",
       [](Scene& s) {
         if (s.own == nullptr) return false;
         s.own->pause();
         s.own->resume();
         s.own->flush_now();
         return true;
       }},
      {"replace own's callbacks",
       [](Scene& s) {
         s.next_version(Object::own);
         s.set_own_callbacks();
         return s.own != nullptr;
       }},
      {"destroy sibling", destroy_sibling},
      {"abort sibling",
       [](Scene& s) {
         if (s.sibling == nullptr) return false;
         s.gone(Object::sibling);
         s.sibling->abort();
         return true;
       }},
      {"finish and flush sibling",
       [](Scene& s) {
         if (s.sibling == nullptr) return false;
         s.sibling->write("x");
         s.sibling->finish();
         s.sibling->flush_now();
         return true;
       }},
      {"replace sibling's callbacks",
       [](Scene& s) {
         s.next_version(Object::sibling);
         s.set_sibling_callbacks();
         return s.sibling != nullptr;
       }},
      {"destroy both streams",
       [](Scene& s) {
         destroy_own(s);
         return destroy_sibling(s);
       }},
      {"destroy server", destroy_server},
      {"stop server",
       [](Scene& s) {
         if (s.server != nullptr) s.server->stop(0ms);
         return s.server != nullptr;
       }},
      {"replace server's callbacks",
       [](Scene& s) {
         s.next_version(Object::server);
         s.set_server_callbacks();
         return s.server != nullptr;
       }},
      {"abort served",
       [](Scene& s) {
         Stream* served = served_by_server(s);
         if (served == nullptr) return false;
         s.forget_served();
         served->abort();
         return true;
       }},
      {"finish served",
       [](Scene& s) {
         if (s.served != nullptr) s.served->finish();
         return s.served != nullptr;
       }},
      {"take served",
       [](Scene& s) {
         Stream* served = served_by_server(s);
         if (served != nullptr) s.taken = s.server->take(*served);
         return served != nullptr;
       }},
      {"take and destroy served",
       [](Scene& s) {
         Stream* served = served_by_server(s);
         if (served == nullptr) return false;
         s.forget_served();
         s.server->take(*served).reset();
         return true;
       }},
      {"replace served's callbacks",
       [](Scene& s) {
         s.next_version(Object::served);
         s.set_served_callbacks();
         return s.served != nullptr;
       }},
      {"destroy listener", destroy_listener},
      {"replace listener's callback",
       [](Scene& s) {
         s.next_version(Object::listener);
         s.set_listener_callback();
         return s.listener.has_value();
       }},
      {"destroy timer", destroy_timer},
      {"cancel timer",
       [](Scene& s) {
         if (s.timer != nullptr) s.timer->cancel();
         return s.timer != nullptr;
       }},
      {"replace timer's callback",
       [](Scene& s) {
         s.next_version(Object::timer);
         s.set_timer_callback();
         return s.timer != nullptr;
       }},
      {"start timer",
       [](Scene& s) {
         if (s.timer != nullptr) s.timer->start(0ms);
         return s.timer != nullptr;
       }},
      {"destroy signal", destroy_signal},
      {"destroy watch", destroy_watch},
      {"destroy connecting", destroy_connecting},
      {"abort connecting",
       [](Scene& s) {
         if (s.connecting == nullptr) return false;
         s.gone(Object::connecting);
         s.connecting->abort();
         return true;
       }},
      {"destroy everything",
       [](Scene& s) {
         destroy_server(s);
         destroy_own(s);
         destroy_watch(s);
         destroy_timer(s);
         destroy_signal(s);
         destroy_sibling(s);
         destroy_listener(s);
         destroy_connecting(s);
         s.taken.reset();
         return true;
       }},
      {"stop the loop",
       [](Scene& s) {
         s.loop.stop();
         return true;
       }},
  };
  return actions;
}

// hazard: E10, E11, RE2, RE3
TEST(LifetimeMatrix, every_object_survives_every_deed_inside_every_callback) {
  int cells = 0;
  int empty = 0;
  for (std::size_t p = 0; p < places; ++p) {
    for (const Action& action : all_actions()) {
      SCOPED_TRACE(std::string(action.name) + " in " + place_names[p]);
      sim::World world;
      const AsTestKernel simulated;
      {
        Scene scene(world, static_cast<Place>(p), action);
        scene.play();
        EXPECT_TRUE(scene.was_reached);
        for (const Place once : {Place::own_connected, Place::own_end, Place::own_closed, Place::sibling_closed,
                                 Place::server_stopped, Place::memory_released}) {
          EXPECT_LE(scene.reached[static_cast<std::size_t>(once)], 1) << place_names[static_cast<std::size_t>(once)];
        }
        ++(scene.has_acted ? cells : empty);
      }
      EXPECT_EQ(world.local().open_descriptors(), 0U);
      EXPECT_EQ(Pool::default_pool().stats().blocks, 0U);
      if (testing::Test::HasFailure()) return;
    }
  }
  std::printf("lifetime matrix: %d cells (%zu callbacks by %zu deeds, %d of them without an object)\n", cells, places,
              all_actions().size(), empty);
  EXPECT_GE(cells, 700);
}

}  // namespace
}  // namespace weir
