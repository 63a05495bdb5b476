// weir: an event loop inside of libuv's: one thread waits, in libuv, for what concerns either.
// SPDX-License-Identifier: MIT
#include <uv.h>
#include <weir/weir.h>

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "guest_program.h"

namespace {

/// Has a uv_loop_t make the turns of a weir loop, until that is stopped or empty. Must live until libuv has closed its handles,
/// which `uv_run` returns after.
class WeirInLibuv {
 public:
  WeirInLibuv(uv_loop_t& host, weir::EventLoop& guest) : guest_(guest) {
    uv_poll_init(&host, &events_, guest.backend_descriptor());
    uv_timer_init(&host, &deadline_);
    events_.data = deadline_.data = this;
  }
  WeirInLibuv(const WeirInLibuv&) = delete;
  WeirInLibuv& operator=(const WeirInLibuv&) = delete;

  void start() {
    uv_poll_start(&events_, UV_READABLE,
                  [](uv_poll_t* handle, int, int) { static_cast<WeirInLibuv*>(handle->data)->turn(); });
    turn();
  }
  /// One turn, and when the next is due. Call it also when a callback of libuv's has done something with objects of weir's.
  void turn() {
    const auto end = guest_.poll();
    if (!end || *end != weir::RunEnd::turn) return stop();
    const weir::Duration left = guest_.time_to_deadline();
    if (left == weir::Duration::max()) {
      uv_timer_stop(&deadline_);
      return;
    }
    uv_update_time(deadline_.loop);  // uv_timer_start counts from libuv's own idea of the present
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    uv_timer_start(
        &deadline_, [](uv_timer_t* handle) { static_cast<WeirInLibuv*>(handle->data)->turn(); },
        static_cast<std::uint64_t>(milliseconds), 0);
  }

 private:
  void stop() {
    uv_close(reinterpret_cast<uv_handle_t*>(&events_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&deadline_), nullptr);
  }

  weir::EventLoop& guest_;
  uv_poll_t events_{};
  uv_timer_t deadline_{};
};

}  // namespace

int main() {
  uv_loop_t* host = uv_default_loop();
  weir::EventLoop guest({.backend = weir::BackendChoice::epoll});  // poll(2) has no descriptor to wait for
  GuestProgram program(guest);
  if (auto started = program.start(); !started) return weir::report(started.error());

  int ticks = 0;  // of libuv's own timer, beside weir
  uv_timer_t own;
  uv_timer_init(host, &own);
  own.data = &ticks;
  uv_timer_start(
      &own, [](uv_timer_t* handle) { ++*static_cast<int*>(handle->data); }, 1, 0);

  WeirInLibuv embedded(*host, guest);
  embedded.start();
  uv_run(host, UV_RUN_DEFAULT);
  uv_close(reinterpret_cast<uv_handle_t*>(&own), nullptr);
  uv_run(host, UV_RUN_DEFAULT);
  uv_loop_close(host);
  std::printf("weir in libuv: timer %d, post %d, echo %d; libuv's own timer %d\n", program.has_fired,
              program.was_posted, program.has_echoed, ticks);
}
