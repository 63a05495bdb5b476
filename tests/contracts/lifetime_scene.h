// weir: one of everything on one loop, and a story in which each of its callbacks is called.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/passing_support.h"
#include "tests/support/stream_support.h"
#include "tests/support/test_kernel.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/net/listener.h"
#include "weir/server/server.h"
#include "weir/sim/world.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {

using namespace weir::literals;

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
inline constexpr std::size_t objects = static_cast<std::size_t>(Object::nothing) + 1;

/// In which callback it is done.
enum class Place {
  own_connected,
  own_data,
  own_end,
  own_drained,
  own_sent,
  own_failed,
  own_closed,
  sibling_descriptors,
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
inline constexpr std::size_t places = static_cast<std::size_t>(Place::count);
inline constexpr std::array<const char*, places> place_names = {"own_connected",
                                                                "own_data",
                                                                "own_end",
                                                                "own_drained",
                                                                "own_sent",
                                                                "own_failed",
                                                                "own_closed",
                                                                "sibling_descriptors",
                                                                "sibling_data",
                                                                "sibling_closed",
                                                                "server_stream",
                                                                "served_data",
                                                                "served_closed",
                                                                "server_exception",
                                                                "server_stopped",
                                                                "listener_connection",
                                                                "timer_fired",
                                                                "posted",
                                                                "posted_to_stream",
                                                                "signal_arrived",
                                                                "watch_ready",
                                                                "memory_released",
                                                                "attached_destroyed",
                                                                "connect_failed"};

struct Thrown {};
struct Scene;

struct Action {
  const char* name;
  bool (*run)(Scene&);  ///< false: there was nothing to do it to
};

/// One of everything on one loop, and a story in which every callback of each is called.
struct Scene {
  Scene(sim::World& in, Place where, const Action& what) : world(in), place(where), action(what) {}

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
    sibling->on_descriptors(
        [b = body(Place::sibling_descriptors, Object::sibling)](Stream&, const Descriptors&) { b.enter(); });
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
      if (own_peer.number() < 0) own_peer = Peer(acceptor.accept());
      for (Peer* peer : {&own_peer, &sibling_peer, &served_peer}) {
        if (peer->number() >= 0) peer->receive();
      }
      if (timer != nullptr && !timer->is_armed()) timer->start(0ms);
      (void)world.run_for(1ms);
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
    server = *Server::listen(loop, {.address = "127.0.0.1:0"});
    set_server_callbacks();
    listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {}, [](Socket, const Address&) {});
    set_listener_callback();
    timer = std::make_unique<Timer>(loop, [](Timer&) {});
    set_timer_callback();
    signal = *Signal::subscribe(loop, SIGUSR1, [b = body(Place::signal_arrived, Object::signal)](int) { b.enter(); });
    watch = *Watch::start(loop, pipe.near.number(), {.readable = true},
                          [this, b = body(Place::watch_ready, Object::watch)](Readiness) {
                            EXPECT_EQ(read_some(pipe.near), "x");
                            b.enter();
                          });
    own = *Stream::connect(
        loop, Address(acceptor.name),
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
    if (server != nullptr) served_peer = visit(server->address());
    if (listener) visitor = visit(listener->address());
    Connection extra = connect(loop);
    extra->attach<Attached>(body(Place::attached_destroyed, Object::attached));
    turns(4);

    // Everything becomes ready in one batch.
    extra.stream.reset();
    connect_to_nobody();
    write_much();
    own_peer.send("data");
    (void)pass(sibling_peer, "data", marked(1));
    served_peer.send("data");
    EXPECT_TRUE(sys::write(pipe.far.number(), as_bytes("x")));
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
    if (server != nullptr) served_peer = visit(server->address());
    turns(4);
    served_peer.reset();
    turns(4);
    if (server != nullptr) {
      server->stop(0ms, [b = body(Place::server_stopped, Object::server)] { b.enter(); });
    }
    turns(4);
  }

  /// A server that stops refuses it.
  static Peer visit(const Address& address) {
    int error = 0;
    return dial(address, &error);
  }

  sim::World& world;
  const Place place;
  const Action& action;
  bool was_reached = false;
  bool has_acted = false;
  bool is_acting = false;
  std::array<bool, objects> is_gone{};
  std::array<std::uint16_t, objects> version{};
  std::array<int, places> reached{};
  const std::string foreign = pattern(30000);
  const Pair pipe = pipe_pair();
  const ListeningSocket acceptor{4};
  Peer own_peer;
  Peer sibling_peer;
  Peer served_peer;
  Peer visitor;

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

}  // namespace weir::testing_support
