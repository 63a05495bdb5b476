// weir: what may be done inside each callback of a stream, of every kind: a matrix, every cell of it.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "tests/support/throws.h"
#include "weir/buffer/line_reader.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/pump.h"
#include "weir/stream/stream.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

enum class Told : std::uint8_t { connected, data, frame, read, end, drained, sent, closed, done };
constexpr std::array told_names = {"connected", "data", "frame", "read", "end", "drained", "sent", "closed", "done"};

enum class Deed : std::uint8_t { destroy_self, destroy_peer, replace, abort, finish, fail, flush, throw_out };
constexpr std::array deeds = {Deed::destroy_self, Deed::destroy_peer, Deed::replace, Deed::abort,
                              Deed::finish,       Deed::fail,         Deed::flush,   Deed::throw_out};
constexpr std::array deed_names = {
    "destroy itself", "destroy the peer", "replace the callback", "abort", "finish", "fail", "flush now", "throw"};

class Scene;

/// Every callback of a scene: tells it, and looks whether it outlived what it has done.
struct Body {
  Scene* scene;
  Told what;
  int version;
  std::shared_ptr<std::string> canary = std::make_shared<std::string>(100, 'c');

  template <class... Arguments>
  void operator()(Arguments&&...) const;
};

/// Two ends, of which the near one acts: it hears of lines, has more to write than is taken at once, and both end.
class Scene {
 public:
  Scene(StreamKind kind, Told actor, Deed deed) : actor_(actor), deed_(deed) {
    if (actor == Told::connected) {
      connect(kind);
    } else {
      ends_ = open_ends(loop_, kind);
    }
    Stream& near = *ends_.near;
    if (actor == Told::done) {
      other_ = open_ends(loop_, kind);
      pump(near, *other_.near, body(Told::done));
      return;
    }
    if (actor == Told::connected) near.on_connected(body(Told::connected));
    if (actor == Told::frame) {
      near.on_frame(LineReader(), body(Told::frame));
    } else {
      near.on_data(body(Told::data));
    }
    if (actor == Told::read) near.read_line(body(Told::read));
    near.on_end(body(Told::end));
    near.on_drained(body(Told::drained));
    near.on_closed(body(Told::closed));
  }
  ~Scene() {
    ends_ = {};
    other_ = {};
    turns(40);
  }

  void play() {
    Stream& near = *ends_.near;
    if (actor_ != Told::done) {
      near.write(pattern(300'000));
      near.when_sent(body(Told::sent));
    }
    turns(5);
    if (ends_.far) {
      ends_.far->on_data([](Stream& s) { s.input().clear(); });
      ends_.far->write("first line\nsecond line\n");
    }
    if (other_.far) other_.far->on_data([](Stream& s) { s.input().clear(); });
    turns(30);
    if (ends_.far) ends_.far->finish_writing();
    if (other_.far) other_.far->finish_writing();
    turns(30);
    if (ends_.near && actor_ != Told::done) ends_.near->finish();
    turns(30);
  }

  void enter(Told what, int version) {
    EXPECT_FALSE(is_silent_) << told_names[index(what)] << " although it is silent";
    EXPECT_TRUE(!is_closed_ || what == Told::done) << told_names[index(what)] << " after the terminal event";
    const bool is_once = what == Told::sent || what == Told::read;  // each of these is a callback of its own
    EXPECT_TRUE(is_once || version == versions_[index(what)]) << "an earlier callback for " << told_names[index(what)];
    if (what == Told::closed) is_closed_ = true;
    ++calls_[index(what)];
    if (what == Told::data && ends_.near) ends_.near->input().clear();
    if (what != actor_ || std::exchange(has_acted_, true)) return;
    act();
  }

  void check() {
    EXPECT_TRUE(has_acted_);
    const bool goes_silently = deed_ == Deed::destroy_self || deed_ == Deed::abort;
    if (actor_ == Told::done || goes_silently) return;
    EXPECT_TRUE(is_closed_);
    EXPECT_EQ(calls_[index(Told::closed)], 1);
    if (deed_ != Deed::throw_out && deed_ != Deed::flush) return;
    EXPECT_EQ(calls_[index(Told::end)], 1);
    EXPECT_EQ(calls_[index(Told::sent)], 1);
    EXPECT_EQ(calls_[index(Told::drained)], 1);
  }

 private:
  static std::size_t index(Told what) { return static_cast<std::size_t>(what); }
  Body body(Told what) { return {this, what, ++versions_[index(what)]}; }

  /// As open_ends, with a near end that has yet to connect.
  void connect(StreamKind kind) {
    const ListeningSocket listening(1);
    ends_.near = *Stream::connect(loop_, Address(listening.name), {});
    ends_.far = *Stream::adopt(loop_, Socket(accepted_by(listening)));
    if (kind == kinds::mask_on_tcp) ends_ = filtered<MaskFilter>(std::move(ends_), {}, {});
  }
  static sys::Descriptor accepted_by(const ListeningSocket& listening) {
    const Undisturbed undisturbed;
    return listening.accept();
  }

  void act() {
    Stream& near = *ends_.near;
    switch (deed_) {
      case Deed::destroy_self:
        is_silent_ = actor_ != Told::done;
        ends_.near.reset();
        return;
      case Deed::destroy_peer: ends_.far.reset(); return;
      case Deed::replace: replace(near); return;
      case Deed::abort:
        is_silent_ = actor_ != Told::done;
        near.abort();
        return;
      case Deed::finish: near.finish(); return;
      case Deed::fail: near.fail(errc::canceled); return;
      case Deed::flush: near.flush_now(); return;
      case Deed::throw_out: throw_something();
    }
  }

  void replace(Stream& near) {
    Body next = body(actor_);
    switch (actor_) {
      case Told::connected: return near.on_connected(std::move(next));
      case Told::data: return near.on_data(std::move(next));
      case Told::frame: return near.on_frame(LineReader(), std::move(next));
      case Told::read: return near.read_line(std::move(next));
      case Told::end: return near.on_end(std::move(next));
      case Told::drained: return near.on_drained(std::move(next));
      case Told::sent: return near.when_sent(std::move(next));
      case Told::closed:
      case Told::done: return near.on_closed(std::move(next));
    }
  }

  void turns(int count) {
    for (int i = 0; i < count; ++i) {
      if (deed_ == Deed::throw_out) {
        (void)throws_something([&] { (void)loop_.poll(); });
      } else {
        ASSERT_TRUE(loop_.poll());
      }
    }
  }

  const Told actor_;
  const Deed deed_;
  EventLoop loop_;
  Ends ends_;
  Ends other_;  // beyond a pump
  std::array<int, told_names.size()> versions_{};
  std::array<int, told_names.size()> calls_{};
  bool has_acted_ = false;
  bool is_silent_ = false;
  bool is_closed_ = false;
};

template <class... Arguments>
void Body::operator()(Arguments&&...) const {
  const int called = version;
  scene->enter(what, version);
  EXPECT_EQ(version, called) << "the callback was replaced while it ran";
  EXPECT_EQ(*canary, std::string(100, 'c')) << "the callback was destroyed while it ran";
}

class StreamMatrix : public testing::TestWithParam<StreamKind> {};

// hazard: E10
TEST_P(StreamMatrix, everything_may_be_done_inside_every_callback) {
  int cells = 0;
  for (std::size_t told = 0; told < told_names.size(); ++told) {
    const auto actor = static_cast<Told>(told);
    const bool can_connect = GetParam() == kinds::tcp || GetParam() == kinds::mask_on_tcp;
    if (actor == Told::connected && !can_connect) continue;
    for (std::size_t deed = 0; deed < deeds.size(); ++deed) {
      if (deeds[deed] == Deed::throw_out && !can_throw()) continue;
      SCOPED_TRACE(std::string(deed_names[deed]) + " in " + told_names[told]);
      Scene scene(GetParam(), actor, deeds[deed]);

      scene.play();
      scene.check();

      ++cells;
    }
  }
  EXPECT_GE(cells, 8 * 7);
}

WEIR_EVERY_KIND(StreamMatrix);

}  // namespace
}  // namespace weir
