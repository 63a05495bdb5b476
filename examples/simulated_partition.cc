// weir: a client that tries again, tested across a cut network: 30 simulated seconds in milliseconds.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <memory>
#include <string>

#include <weir/sim/world.h>
#include <weir/weir.h>

using namespace weir::literals;

namespace {

/// What is to be tested: asks a question until it is answered, each time after twice as long a pause.
class Client {
 public:
  Client(weir::EventLoop& loop, const weir::Address& server)
      : loop_(loop),
        server_(server),
        pause_(loop, [this](weir::Timer&) { attempt(); }) {
    attempt();
  }

  int attempts() const { return attempts_; }
  const std::string& answer() const { return answer_; }

 private:
  void attempt() {
    ++attempts_;
    const weir::StreamOptions options{.time_limits = {.read = 1s}};
    auto connected = weir::Stream::connect(loop_, server_, {.connect = {.timeout = 2s}, .stream = options});
    if (!connected) return try_later();
    stream_ = *std::move(connected);
    stream_->on_data([this](weir::Stream& stream) {
      answer_.resize(stream.input().size());
      stream.input().copy_to(std::as_writable_bytes(std::span(answer_.data(), answer_.size())));
      stream.input().clear();
      stream.finish();
    });
    stream_->on_closed([this](weir::Stream&, std::error_code) {
      if (answer_.empty()) try_later();
    });
    stream_->write("what time is it?");
  }

  void try_later() {
    pause_.start(next_pause_);
    next_pause_ *= 2;
  }

  weir::EventLoop& loop_;
  weir::Address server_;
  weir::Timer pause_;
  weir::Duration next_pause_ = 1s;
  std::unique_ptr<weir::Stream> stream_;
  int attempts_ = 0;
  std::string answer_;
};

bool check(bool condition, const char* what) {
  std::printf("%s: %s\n", condition ? "ok  " : "FAIL", what);
  return condition;
}

}  // namespace

int main() {
  weir::sim::World world({.seed = 7, .link = {.latency = 20ms}});
  weir::sim::Host& server = world.add_host("server");
  weir::sim::Host& client = world.add_host("client");

  auto clock = server.run([&] { return weir::Server::listen(server.loop(), {.address = "0.0.0.0:13"}); });
  if (!clock) return weir::report(clock.error());
  (*clock)->on_stream([](weir::Stream& stream) {
    stream.on_data([](weir::Stream& s) {
      s.input().clear();
      s.write("late");
    });
  });

  world.partition(server, client);
  world.at(20s, [&] { world.heal(server, client); });
  auto asking = client.run([&] { return std::make_unique<Client>(client.loop(), server.address(13)); });

  const weir::sim::Outcome outcome = world.run_until([&] { return !asking->answer().empty(); }, 60s);

  bool passed = check(outcome == weir::sim::Outcome::met, "the client is answered in the end");
  passed &= check(world.elapsed() > 20s && world.elapsed() < 30s, "soon after the network is whole again");
  passed &= check(asking->attempts() == 5, "at the fifth attempt: 2 s each, after pauses of 1, 2, 4 and 8 s");
  if (!passed) std::printf("%s", world.trace().c_str());
  return passed ? 0 : 1;
}
