// weir: libuv's loop as the loop's workloads use it, for comparison.
// SPDX-License-Identifier: MIT
#pragma once

#include <uv.h>

#include <cstdio>
#include <cstdlib>

namespace bench {

/// Ends the program when libuv refuses something.
inline void check_uv(int result) {
  if (result >= 0) return;
  std::fprintf(stderr, "libuv: %s\n", uv_strerror(result));
  std::exit(1);
}

/// Closes what is left in it when it ends: the handles must live until then.
class UvLoop {
 public:
  UvLoop() { check_uv(uv_loop_init(&loop_)); }
  UvLoop(const UvLoop&) = delete;
  ~UvLoop() {
    uv_walk(
        &loop_,
        [](uv_handle_t* handle, void*) {
          if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
        },
        nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  operator uv_loop_t*() noexcept { return &loop_; }

 private:
  uv_loop_t loop_{};
};

}  // namespace bench
