// weir: a client that does not give up: what the examples of simulated networks test.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string>

#include <weir/weir.h>

using namespace weir::literals;

/// Asks a question until it is answered, each time after twice as long a pause. It knows nothing of simulations.
class RetryingClient {
 public:
  RetryingClient(weir::EventLoop& loop, const weir::Address& server)
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
    stream_->on_end([this](weir::Stream& stream) {  // now the answer is whole
      answer_.resize(stream.input().size());
      stream.input().copy_to(std::as_writable_bytes(std::span(answer_.data(), answer_.size())));
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
