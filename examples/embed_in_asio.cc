// weir: an event loop inside of Asio's: one thread waits, in Asio, for what concerns either.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

#include <asio.hpp>
#include <chrono>
#include <cstdio>

#include "guest_program.h"

namespace {

/// Has an io_context make the turns of a weir loop, until that is stopped or empty.
class WeirInAsio {
 public:
  WeirInAsio(asio::io_context& host, weir::EventLoop& guest)
      : guest_(guest),
        descriptor_(host, guest.backend_descriptor()),
        deadline_(host) {}
  WeirInAsio(const WeirInAsio&) = delete;
  WeirInAsio& operator=(const WeirInAsio&) = delete;
  ~WeirInAsio() { (void)descriptor_.release(); }  // it is weir's to close

  void start() {
    wait_for_events();
    turn();
  }
  /// One turn, and when the next is due. Call it also when a handler of Asio's has done something with objects of weir's.
  void turn() {
    const auto end = guest_.poll();
    if (!end || *end != weir::RunEnd::turn) return stop();
    const weir::Duration left = guest_.time_to_deadline();
    if (left == weir::Duration::max()) {
      deadline_.cancel();
      return;
    }
    deadline_.expires_after(left);  // which cancels the wait before
    deadline_.async_wait([this](std::error_code error) {
      if (!error) turn();
    });
  }

 private:
  void wait_for_events() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [this](std::error_code error) {
      if (error) return;
      wait_for_events();
      turn();
    });
  }
  void stop() {
    descriptor_.cancel();
    deadline_.cancel();
  }

  weir::EventLoop& guest_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer deadline_;
};

}  // namespace

int main() {
  asio::io_context host;
  weir::EventLoop guest({.backend = weir::BackendChoice::epoll});  // poll(2) has no descriptor to wait for
  GuestProgram program(guest);
  if (auto started = program.start(); !started) return weir::report(started.error());

  int ticks = 0;  // of Asio's own timer, beside weir
  asio::steady_timer own(host);
  own.expires_after(std::chrono::milliseconds(1));
  own.async_wait([&](std::error_code) { ++ticks; });

  WeirInAsio embedded(host, guest);
  embedded.start();
  host.run();
  std::printf("weir in Asio: timer %d, post %d, echo %d; Asio's own timer %d\n", program.has_fired, program.was_posted,
              program.has_echoed, ticks);
}
