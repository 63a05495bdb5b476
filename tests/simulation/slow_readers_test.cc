// weir: ten thousand peers that ask for much and read nothing, against a budget that holds a fraction of it.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/loop/timer.h"
#include "weir/server/server.h"
#include "weir/sim/world.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;

constexpr std::size_t answer_size = 1_MiB;
constexpr std::size_t requests = 100;
constexpr std::size_t peers = 10'000;
constexpr std::size_t readers = 200;  // of them, in the end
constexpr std::size_t budget = 256_MiB;

/// What an answer consists of: any part of it, from anywhere, looks unlike any other.
std::string_view answer() {
  static const std::string text = [] {
    std::string bytes(answer_size, '\0');
    std::uint64_t state = 1;
    for (char& byte : bytes) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      byte = static_cast<char>(state >> 56);
    }
    return bytes;
  }();
  return text;
}

/// Answers each byte that it reads, one request after the other, with as much as is taken.
class Answerer {
 public:
  Answerer(Stream& stream, std::vector<Answerer*>& refused, std::size_t& ended)
      : stream_(stream),
        refused_(refused),
        ended_(ended) {
    stream.on_data([this](Stream&) { go_on(); });
    stream.on_drained([this](Stream&) { go_on(); });
  }
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;
  ~Answerer() {
    std::erase(refused_, this);
    ++ended_;
  }

  void go_on() {
    constexpr std::size_t piece = 16_KiB;
    while (left_ > 0 || !stream_.input().is_empty()) {
      if (left_ == 0) {
        stream_.input().drop(1);
        left_ = answer_size;
      }
      const Accepted answered = stream_.write(answer().substr(answer_size - left_, std::min(piece, left_)));
      if (answered == Accepted::closed) return;
      if (answered == Accepted::refused)
        return refused_.push_back(this);  // there is no memory: somebody else comes first
      left_ -= std::min(piece, left_);
      if (answered == Accepted::slow_down) return;
    }
  }

 private:
  Stream& stream_;
  std::vector<Answerer*>& refused_;
  std::size_t& ended_;
  std::size_t left_ = 0;
};

class SlowReaders : public testing::Test {
 protected:
  SlowReaders() {
    serving_ =
        server_.run([&] { return *Server::listen(server_.loop(), {.address = "0.0.0.0:7", .stream = options()}); });
    serving_->on_stream([this](Stream& stream) { stream.attach<Answerer>(stream, refused_, ended_); });
    retry_.start_every(100ms);
    for (std::size_t i = 0; i < peers; ++i) {
      connect();
      if (i % 1000 == 999) (void)world_.run_for(100ms);  // no more at a time than may wait to be accepted
    }
    for (const auto& client : clients_) client->write(std::string(requests, 'r'));
  }
  static StreamOptions options() {
    return {.write_marks = {.low = 8_KiB, .high = 32_KiB},
            .time_limits = {.write = 60s}};  // 320 MiB if there were so much
  }

  void connect() {
    auto stream = client_.run([&] { return *Stream::connect(client_.loop(), server_.address(7), {}); });
    stream->pause();
    clients_.push_back(std::move(stream));
  }

  /// Reads one answer, and checks it; then the peer goes.
  void read(std::size_t number) {
    clients_[number]->on_data([this, at = std::size_t{0}](Stream& s) mutable {
      while (!s.input().is_empty() && at < answer_size) {
        const std::string_view came = as_text((*s.input().slices().begin()).bytes());
        const std::size_t count = std::min(came.size(), answer_size - at);
        if (came.substr(0, count) != answer().substr(at, count)) ++wrong_;
        at += count;
        s.input().drop(count);
      }
      if (at < answer_size) return;
      ++whole_;
      s.abort();
    });
    clients_[number]->resume();
  }

  std::uint64_t turns() { return server_.loop().counters().turns; }
  void expect_within_budget() { EXPECT_LE(server_.pool().stats().peak, budget); }

  sim::World world_;
  sim::Host& server_{world_.add_host("server", {.pool_budget = budget, .send_buffer = 8_KiB, .receive_buffer = 8_KiB})};
  sim::Host& client_{world_.add_host("client", {.send_buffer = 8_KiB, .receive_buffer = 8_KiB})};
  std::vector<Answerer*> refused_;
  Timer retry_{server_.loop(), [this](Timer&) {
                 for (Answerer* one : std::exchange(refused_, {})) one->go_on();
               }};
  std::unique_ptr<Server> serving_;
  std::vector<std::unique_ptr<Stream>> clients_;
  std::size_t ended_ = 0;  // at the server
  std::size_t whole_ = 0;
  std::size_t wrong_ = 0;
};

// hazard: S8
TEST_F(SlowReaders, cost_no_more_than_the_budget_and_no_turns_until_their_time_is_over_and_who_reads_gets_all) {
  (void)world_.run_for(5s);
  EXPECT_EQ(serving_->stream_count(), peers);
  EXPECT_GE(server_.pool().stats().in_use, budget / 2) << "the budget must be what holds them up";
  expect_within_budget();

  const std::uint64_t before = turns();
  EXPECT_EQ(world_.run_for(10s), sim::Outcome::time_up);
  EXPECT_LE(turns() - before, 300U)
      << "those that wait must not make it turn; the program's timer does ten times a second";
  EXPECT_EQ(serving_->stream_count(), peers) << "nothing is closed before its time";

  for (std::size_t i = 0; i < readers; ++i) read(i * (peers / readers));
  EXPECT_EQ(world_.run_until([&] { return whole_ == readers && ended_ == peers; }, 10min), sim::Outcome::met)
      << whole_ << " whole, " << ended_ << " ended";

  EXPECT_EQ(wrong_, 0U);
  expect_within_budget();
  clients_.clear();
  (void)world_.run_for(30s);
  EXPECT_LE(server_.pool().stats().in_use, 1_MiB);
}

}  // namespace
}  // namespace weir::testing_support
