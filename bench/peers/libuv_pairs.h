// weir: L4 with libuv: a poll handle for each descriptor, for comparison.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "bench/loop/chained_writes.h"
#include "bench/peers/libuv_loop.h"

namespace bench {

class LibuvPairs {
 public:
  void watch(Pair& pair) {
    handles_.push_back(std::make_unique<uv_poll_t>());
    uv_poll_t* handle = handles_.back().get();
    check_uv(uv_poll_init(loop_, handle, pair.descriptor()));
    handle->data = &pair;
    check_uv(uv_poll_start(handle, UV_READABLE, became_readable));
  }
  void renew(std::size_t index) {
    check_uv(uv_poll_stop(handles_[index].get()));
    check_uv(uv_poll_start(handles_[index].get(), UV_READABLE, became_readable));
  }
  void turn() { uv_run(loop_, UV_RUN_ONCE); }

 private:
  static void became_readable(uv_poll_t* handle, int, int) { static_cast<Pair*>(handle->data)->became_readable(); }

  std::vector<std::unique_ptr<uv_poll_t>> handles_;
  UvLoop loop_;  // goes first: it closes the handles
};

}  // namespace bench
