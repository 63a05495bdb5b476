// weir: the matrix of what may be done to which object inside which callback, generated, every cell of it.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/net/listener.h"
#include "weir/server/server.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// What can be destroyed, aborted or given other callbacks.
enum class Object {
  own,
  own_waiter,
  sibling,
  served,
  server,
  listener,
  timer,
  signal,
  watch,
  connecting,
  attached,
  nothing
};
constexpr std::size_t objects = static_cast<std::size_t>(Object::nothing) + 1;

/// In which callback it is done.
enum class Place {
  own_connected,
  own_data,
  own_end,
  own_drained,
  own_sent,
  own_failed,
  own_closed,
  sibling_data,
  sibling_closed,
  server_stream,
  served_data,
  served_closed,
  server_exception,
  server_stopped,
  listener_connection,
  timer_fired,
  posted,
  posted_to_stream,
  signal_arrived,
  watch_ready,
  memory_released,
  attached_destroyed,
  connect_failed,
  count
};
constexpr std::size_t places = static_cast<std::size_t>(Place::count);
constexpr std::array<const char*, places> place_names = {"own_connected",      "own_data",       "own_end",
                                                         "own_drained",        "own_sent",       "own_failed",
                                                         "own_closed",         "sibling_data",   "sibling_closed",
                                                         "server_stream",      "served_data",    "served_closed",
                                                         "server_exception",   "server_stopped", "listener_connection",
                                                         "timer_fired",        "posted",         "posted_to_stream",
                                                         "signal_arrived",     "watch_ready",    "memory_released",
                                                         "attached_destroyed", "connect_failed"};

struct Thrown {};
struct Scene;

struct Action {
  const char* name;
  bool (*run)(Scene&);  ///< false: there was nothing to do it to
};

/// One of everything on one loop, and a story in which every callback of each is called.
struct Scene {
  Scene(Place where, const Action& what) : place(where), action(what) {}

  /// Goes with the server's stream, whatever ended it, and with it the reference to that.
  struct Forgetting {
    explicit Forgetting(Scene* s) : scene(s) {}
    Forgetting(const Forgetting&) = delete;
    Forgetting& operator=(const Forgetting&) = delete;
    ~Forgetting() { scene->served = nullptr; }
    Scene* scene;
  };

  /// The body of every callback: does the deed when the place has come, and looks whether the callback survived it.
  struct Body {
    Scene* scene;
    Place place;
    std::uint16_t object;
    std::uint16_t version;
    std::shared_ptr<std::string> canary;

    void enter() const {
      scene->enter(place, static_cast<Object>(object), version);
      EXPECT_EQ(*canary, std::string(100, 'c'));
    }
  };
  Body body(Place at, Object of) {
    return {this, at, static_cast<std::uint16_t>(of), version[index(of)], std::make_shared<std::string>(100, 'c')};
  }

  void enter(Place at, Object of, std::uint16_t of_version) {
    ++reached[static_cast<std::size_t>(at)];
    EXPECT_FALSE(is_gone[index(of)]) << "a callback of an object that is gone";
    EXPECT_EQ(of_version, version[index(of)]) << "a callback that was replaced";
    if (at != place) return;
    was_reached = true;
    if (has_acted || is_acting) return;
    is_acting = true;
    has_acted = action.run(*this);
    is_acting = false;
  }

  static constexpr std::size_t index(Object object) { return static_cast<std::size_t>(object); }
  void gone(Object object) {
    is_gone[index(object)] = true;
    if (object == Object::own) is_gone[index(Object::own_waiter)] = true;
  }

  // --- what actions are made of ---

  void set_own_callbacks() {
    if (own == nullptr) return;
    own->on_connected([b = body(Place::own_connected, Object::own)](Stream&) { b.enter(); });
    own->on_data([b = body(Place::own_data, Object::own)](Stream& s) {
      s.input().clear();
      b.enter();
    });
    own->on_end([b = body(Place::own_end, Object::own)](Stream&) { b.enter(); });
    own->on_drained([b = body(Place::own_drained, Object::own)](Stream&) { b.enter(); });
    own->on_closed([b = body(Place::own_closed, Object::own)](Stream&, std::error_code) { b.enter(); });
  }
  void set_sibling_callbacks() {
    if (sibling == nullptr) return;
    sibling->on_data([b = body(Place::sibling_data, Object::sibling)](Stream& s) {
      s.input().clear();
      b.enter();
    });
    sibling->on_closed([b = body(Place::sibling_closed, Object::sibling)](Stream&, std::error_code) { b.enter(); });
  }
  void set_served_callbacks() {
    if (served == nullptr) return;
    served->on_data([b = body(Place::served_data, Object::served)](Stream& s) {
      const std::string text = text_of(s.input().take_all());
      b.enter();
      if (text == "boom") throw Thrown();
    });
    served->on_closed([this, b = body(Place::served_closed, Object::served)](Stream& s, std::error_code) {
      if (served == &s) served = nullptr;
      b.enter();
    });
  }
  void set_server_callbacks() {
    if (server == nullptr) return;
    server->on_stream([this, b = body(Place::server_stream, Object::server)](Stream& s) {
      if (served == nullptr && !is_gone[index(Object::served)]) {
        served = &s;
        s.attach<Forgetting>(this);
        set_served_callbacks();
      }
      b.enter();
    });
    server->on_exception(
        [b = body(Place::server_exception, Object::server)](Stream&, std::exception_ptr) { b.enter(); });
  }
  void set_listener_callback() {
    if (!listener) return;
    listener->on_connection(
        [b = body(Place::listener_connection, Object::listener)](Socket, const Address&) { b.enter(); });
  }
  void set_timer_callback() {
    if (timer == nullptr) return;
    timer->on_fired([b = body(Place::timer_fired, Object::timer)](Timer&) { b.enter(); });
  }
  void next_version(Object object) { ++version[index(object)]; }
  void forget_served() {
    served = nullptr;
    gone(Object::served);
  }

  // --- the story ---

  /// Some turns, in which the peers read what there is and the timer is kept going.
  void turns(int count) {
    for (int i = 0; i < count; ++i) {
      if (own_peer.number() < 0)
        own_peer = Peer(::accept4(acceptor.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      for (Peer* peer : {&own_peer, &sibling_peer, &served_peer}) {
        if (peer->number() >= 0) peer->receive();
      }
      if (timer != nullptr && !timer->is_armed()) timer->start(0ms);
      kernel.advance(1ms);
      try {
        (void)loop.poll();
      } catch (const Thrown&) {
        // A stream that its server no longer owns has nobody who would hear of it.
      }
    }
  }

  static const std::string& large() {
    static const std::string text = pattern(1'000'000);
    return text;
  }

  void write_much() {
    if (own == nullptr) return;
    own->write(pattern(6000));
    own->when_sent([b = body(Place::own_sent, Object::own_waiter)](std::error_code error) {
      if (!error) b.enter();
    });
    // Large enough to be shared and not copied; the memory belongs to the program, so its release is nobody's callback.
    auto release = [b = body(Place::memory_released, Object::nothing)] { b.enter(); };
    own->write(Slice::foreign(as_bytes(foreign), std::move(release)));
    own->write(pattern(6000));
  }

  void connect_to_nobody() {
    if (is_gone[index(Object::connecting)]) return;
    connecting = *Stream::connect(loop, "unix:@weir-nobody-is-here");
    connecting->on_closed(
        [b = body(Place::connect_failed, Object::connecting)](Stream&, std::error_code) { b.enter(); });
  }

  void build() {
    acceptor = Peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof name;
    ::bind(acceptor.number(), reinterpret_cast<sockaddr*>(&name), length);
    ::listen(acceptor.number(), 4);
    ::getsockname(acceptor.number(), reinterpret_cast<sockaddr*>(&name), &length);

    server = *Server::listen(loop, {.address = "127.0.0.1:0"});
    set_server_callbacks();
    listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {}, [](Socket, const Address&) {});
    set_listener_callback();
    timer = std::make_unique<Timer>(loop, [](Timer&) {});
    set_timer_callback();
    signal = *Signal::subscribe(loop, SIGUSR1, [b = body(Place::signal_arrived, Object::signal)](int) { b.enter(); });
    EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    watch = *Watch::start(loop, pipe[0], {.readable = true},
                          [this, b = body(Place::watch_ready, Object::watch)](Readiness) {
                            char byte;
                            EXPECT_EQ(::read(pipe[0], &byte, 1), 1);
                            b.enter();
                          });
    own = *Stream::connect(
        loop, "127.0.0.1:" + std::to_string(ntohs(name.sin_port)),
        {.connect = {}, .stream = StreamOptions{.write_marks = {.low = 1000, .high = 5000}, .output_limit = 64_MiB}});
    set_own_callbacks();
    Connection pair = connect(loop);
    sibling = std::move(pair.stream);
    sibling_peer = std::move(pair.peer);
    set_sibling_callbacks();
    connect_to_nobody();
  }

  /// The destructor of what is attached to a stream is user code too.
  struct Attached {
    explicit Attached(Body b) : body(std::move(b)) {}
    Attached(const Attached&) = delete;
    Attached& operator=(const Attached&) = delete;
    ~Attached() { body.enter(); }
    Body body;
  };

  void play() {
    build();
    if (server != nullptr) served_peer = dial(server->address());
    if (listener) visitor = dial(listener->address());
    Connection extra = connect(loop);
    extra->attach<Attached>(body(Place::attached_destroyed, Object::attached));
    turns(4);

    // Everything becomes ready in one batch.
    extra.stream.reset();
    connect_to_nobody();
    write_much();
    own_peer.send("data");
    sibling_peer.send("data");
    served_peer.send("data");
    EXPECT_EQ(::write(pipe[1], "x", 1), 1);
    if (!is_gone[index(Object::signal)]) ::raise(SIGUSR1);  // else the system would end the process, as it should
    loop.post([b = body(Place::posted, Object::nothing)] { b.enter(); });
    if (own != nullptr)
      own->ref().post([this, b = body(Place::posted_to_stream, Object::nothing)](Stream& s) {
        EXPECT_EQ(&s, own.get());
        b.enter();
      });
    turns(6);

    // Things end, all at once again.
    served_peer.send("boom");
    own_peer.finish();
    sibling_peer.close();
    turns(4);
    if (own != nullptr) {
      for (int i = 0; i < 8; ++i) own->write(Slice::from_static(large()));  // more than the kernel takes
      own->when_sent([b = body(Place::own_failed, Object::own_waiter)](std::error_code error) {
        if (error) b.enter();
      });
      own->flush_now();
    }
    own_peer.reset();
    served_peer.reset();
    if (server != nullptr) served_peer = dial(server->address());
    turns(4);
    served_peer.reset();
    turns(4);
    if (server != nullptr) {
      server->stop(0ms, [b = body(Place::server_stopped, Object::server)] { b.enter(); });
    }
    turns(4);
  }

  static Peer dial(const Address& address) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::connect(descriptor, &address.name().any, address.name().length);
    return Peer(descriptor);
  }

  ~Scene() {
    ::close(pipe[1]);
    watch = {};
    ::close(pipe[0]);
  }

  const Place place;
  const Action& action;
  bool was_reached = false;
  bool has_acted = false;
  bool is_acting = false;
  std::array<bool, objects> is_gone{};
  std::array<std::uint16_t, objects> version{};
  std::array<int, places> reached{};
  const std::string foreign = pattern(30000);
  std::array<int, 2> pipe{-1, -1};
  Peer acceptor;
  Peer own_peer;
  Peer sibling_peer;
  Peer served_peer;
  Peer visitor;

  ClockKernel kernel;
  sys::ScopedKernel installed{kernel};
  EventLoop loop;
  std::unique_ptr<Server> server;
  std::optional<Listener> listener;
  std::unique_ptr<Timer> timer;
  Signal signal;
  Watch watch;
  std::unique_ptr<Stream> own;
  std::unique_ptr<Stream> sibling;
  std::unique_ptr<Stream> connecting;
  std::unique_ptr<Stream> taken;
  Stream* served = nullptr;
};

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
  const std::set<int> descriptors = open_descriptors();
  int cells = 0;
  int empty = 0;
  for (std::size_t p = 0; p < places; ++p) {
    for (const Action& action : all_actions()) {
      SCOPED_TRACE(std::string(action.name) + " in " + place_names[p]);
      {
        Scene scene(static_cast<Place>(p), action);
        scene.play();
        EXPECT_TRUE(scene.was_reached);
        for (const Place once : {Place::own_connected, Place::own_end, Place::own_closed, Place::sibling_closed,
                                 Place::server_stopped, Place::memory_released}) {
          EXPECT_LE(scene.reached[static_cast<std::size_t>(once)], 1) << place_names[static_cast<std::size_t>(once)];
        }
        ++(scene.has_acted ? cells : empty);
      }
      EXPECT_EQ(open_descriptors(), descriptors);
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
