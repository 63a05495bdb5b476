// weir: what the examples run inside of another library's loop: a timer, a post from another thread, and an echo.
// SPDX-License-Identifier: MIT
#pragma once

#include <weir/weir.h>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

/// Stops its loop when all three have happened. It knows nothing of who makes the loop's turns.
class GuestProgram {
 public:
  explicit GuestProgram(weir::EventLoop& loop)
      : loop_(loop),
        timer_(loop, [this](weir::Timer&) { happened(has_fired); }) {}
  GuestProgram(const GuestProgram&) = delete;
  GuestProgram& operator=(const GuestProgram&) = delete;
  ~GuestProgram() {
    if (thread_.joinable()) thread_.join();
  }

  weir::Result<void> start() {
    auto server = weir::Server::listen(loop_, {.address = "127.0.0.1:0"});
    if (!server) return server.error();
    server_ = *std::move(server);
    server_->on_stream(
        [](weir::Stream& stream) { stream.on_data([](weir::Stream& s) { s.write(s.input().take_all()); }); });
    auto client = weir::Stream::connect(loop_, server_->address().to_string());
    if (!client) return client.error();
    client_ = *std::move(client);
    client_->write("hello");
    client_->on_data([this](weir::Stream& s) {
      if (s.input().size() == 5) happened(has_echoed);
    });
    timer_.start(std::chrono::milliseconds(20));
    thread_ = std::thread([this] {
      std::this_thread::sleep_for(std::chrono::milliseconds(40));  // so that it finds the loop asleep
      loop_.post([this] { happened(was_posted); });
    });
    return {};
  }

  bool has_fired = false;
  bool was_posted = false;
  bool has_echoed = false;

 private:
  void happened(bool& what) {
    what = true;
    if (has_fired && was_posted && has_echoed) loop_.stop();
  }

  weir::EventLoop& loop_;
  weir::Timer timer_;
  std::unique_ptr<weir::Server> server_;
  std::unique_ptr<weir::Stream> client_;
  std::thread thread_;
};
