// weir: a proxy whose system calls are cut short, put off and interrupted: every byte that passes is checked.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "tests/support/stream_kinds.h"
#include "tests/support/test_world.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/pump.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

/// How many schedules: WEIR_SEEDS in the environment, else what the normal suite has time for.
std::uint64_t seeds(std::uint64_t usual) {
  const char* wanted = std::getenv("WEIR_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

/// An FNV-1a hash over bytes as they pass: two flows with the same one are the same bytes in the same order.
class FlowHash {
 public:
  void add(const Buffer& bytes) {
    for (const Slice& slice : bytes.slices()) {
      const std::byte* const at = slice.bytes().data();  // iterators are calls for each byte where little is inlined
      const std::size_t size = slice.bytes().size();
      for (std::size_t i = 0; i < size; ++i) value_ = (value_ ^ static_cast<std::uint64_t>(at[i])) * 0x100000001B3U;
    }
    count_ += bytes.size();
  }
  std::uint64_t value() const { return value_; }
  std::uint64_t count() const { return count_; }

  /// Of the first `count` bytes of the pattern that begins at `from`.
  static std::uint64_t of_pattern(std::uint64_t count, std::size_t from) {
    FlowHash hash;
    for (std::uint64_t at = 0; at < count; at += 1_MiB) {
      Buffer piece;
      piece.append(pattern(std::min<std::uint64_t>(count - at, 1_MiB), from + at));
      hash.add(piece);
    }
    return hash.value();
  }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325U;
  std::uint64_t count_ = 0;
};

/// An end of the talk: writes its part of the pattern in pieces of any size, reads and hashes what comes, now and then
/// a part of it, and half closes when it has written all.
class Talker {
 public:
  Talker(Stream& stream, std::size_t from, std::uint64_t goal, std::mt19937_64& random)
      : stream_(stream),
        from_(from),
        goal_(goal),
        random_(random) {
    stream.on_data([this](Stream& s) {
      const std::size_t some = random_() % 4 == 0 ? 1 + random_() % s.input().size() : s.input().size();
      hash.add(s.input().take(some));
      if (!s.input().is_empty()) s.pause();  // and comes back to the rest
    });
    stream.on_end([this](Stream& s) {
      has_ended = true;
      hash.add(s.input().take_all());
    });
    stream.on_drained([this](Stream&) { write(); });
    stream.on_closed([this](Stream& s, std::error_code why) {
      hash.add(s.input().take_all());
      ++closed;
      error = why;
    });
  }

  void write() {
    while (written < goal_ && stream_.is_writable()) {
      const std::size_t count = std::min<std::uint64_t>(1 + random_() % 100'000, goal_ - written);
      const Accepted answer = stream_.write(pattern(count, from_ + written));
      if (answer == Accepted::yes || answer == Accepted::slow_down) written += count;
      if (answer != Accepted::yes) return;
    }
    if (written == goal_ && stream_.is_writable()) stream_.finish_writing();
  }
  void go_on() {
    if (stream_.is_paused()) stream_.resume();
    if (closed == 0 && !stream_.is_output_full()) write();
  }

  std::uint64_t written = 0;
  FlowHash hash;
  bool has_ended = false;
  int closed = 0;
  std::error_code error;

 private:
  Stream& stream_;
  const std::size_t from_;
  const std::uint64_t goal_;
  std::mt19937_64& random_;
};

enum class Way { plain, filtered, limited };

/// client ═ left ═pump═ right ═ server, all on one loop.
class PumpChaos : public testing::TestWithParam<std::tuple<StreamKind, Way>> {
 protected:
  static FaultPlan troubles(std::mt19937_64& random) {
    const std::initializer_list<Call> moving = {Call::receive, Call::send, Call::send_pieces, Call::fill_pipe,
                                                Call::drain_pipe};
    FaultPlan plan;
    for (const Call call : moving) {
      plan += FaultPlan::random(random(), 0.1, {.at_most = 1 + random() % 60'000}, {call});
      plan += FaultPlan::random(random(), 0.05, {.error = EINTR}, {call});
      plan += FaultPlan::random(random(), 0.05, {.error = EAGAIN}, {call});
    }
    return plan;
  }

  /// What the last run has come to: true when all of it was whole.
  bool run(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto [kind, way] = GetParam();
    EventLoop loop;
    sys::FaultKernel kernel;
    const sys::ScopedKernel installed(kernel);
    const StreamOptions eager{.read_while_output_full = true};  // or both might wait for the other to read
    Ends left = open_ends(loop, kind, eager, {});
    Ends right = open_ends(loop, kind, {}, eager);
    if (way == Way::filtered) right = filtered<FrameFilter>(filtered<MaskFilter>(std::move(right), {}, {}), {}, eager);
    RateGroup group(loop, {.write = {.bytes_per_second = 50'000'000}});
    if (way == Way::limited) {
      left.far->set_rate_group(&group);
      right.near->set_rate_group(&group);
      right.near->set_rate_limits(
          {.read = {.bytes_per_second = 30'000'000}, .write = {.bytes_per_second = 30'000'000}});
    }
    const auto size = [&] { return (random() % 4 == 0) ? random() % 100 : random() % (3 << 20); };
    Talker client(*left.near, 0, size(), random);
    Talker server(*right.far, 7, size(), random);
    std::optional<PumpEnd> end;
    pump(*left.far, *right.near, [&](const PumpEnd& how) { end = how; });
    kernel.set_plan(troubles(random));
    const std::uint64_t reset_after = random() % 4 == 0 ? random() % 400 : ~std::uint64_t{0};

    std::uint64_t turn = 0;
    const bool is_over = spin_until(loop, [&] {
      if (++turn == reset_after) (random() % 2 == 0 ? left.near : right.far)->abort();
      if (turn < reset_after || left.near->is_open()) client.go_on();
      if (turn < reset_after || right.far->is_open()) server.go_on();
      return end.has_value() && !left.near->is_open() && !right.far->is_open();
    });
    kernel.set_plan({});

    EXPECT_TRUE(is_over) << "client " << client.written << ' ' << client.hash.count() << ", server " << server.written
                         << ' ' << server.hash.count();
    EXPECT_LE(client.closed, 1);
    EXPECT_LE(server.closed, 1);
    EXPECT_LE(server.hash.count(), client.written);
    EXPECT_LE(client.hash.count(), server.written);
    EXPECT_EQ(server.hash.value(), FlowHash::of_pattern(server.hash.count(), 0));
    EXPECT_EQ(client.hash.value(), FlowHash::of_pattern(client.hash.count(), 7));
    if (kernel.calls(Call::fill_pipe) != 0) ++spliced_;
    const bool is_whole = server.hash.count() == client.written && client.hash.count() == server.written;
    EXPECT_TRUE(is_whole || reset_after != ~std::uint64_t{0});
    if (is_over && !end->error && kind.tells_reset) {  // an end that aborts when all has passed is nothing to the pump
      EXPECT_EQ(end->forth, client.written);
      EXPECT_EQ(end->back, server.written);
    }
    return is_whole;
  }

  int spliced_ = 0;
};

// hazard: S1, S3, S5
TEST_P(PumpChaos, what_arrives_is_a_prefix_of_what_was_sent_and_all_of_it_when_nobody_was_reset) {
  int whole = 0;
  const std::uint64_t count = seeds(8);
  for (std::uint64_t seed = 1; seed <= count && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    if (run(seed)) ++whole;
  }

  EXPECT_GT(whole, 0);
  const auto [kind, way] = GetParam();
  if (way == Way::plain && kind != kinds::pair) {
    EXPECT_GT(spliced_, 0);
  }
}

std::string name_of_way(Way way) { return way == Way::plain ? "plain" : way == Way::filtered ? "filtered" : "limited"; }

INSTANTIATE_TEST_SUITE_P(, PumpChaos,
                         testing::Combine(testing::Values(kinds::tcp, kinds::unix_socket, kinds::pair),
                                          testing::Values(Way::plain, Way::filtered, Way::limited)),
                         [](const auto& how) {
                           return std::string(std::get<0>(how.param).name) + "_" + name_of_way(std::get<1>(how.param));
                         });

}  // namespace
}  // namespace weir
