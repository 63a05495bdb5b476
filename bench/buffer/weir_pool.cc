// weir: M20 and M26 with weir: the pool, buffers on two threads, the ring.
// SPDX-License-Identifier: MIT
#include "bench/buffer/weir_cases.h"

#include "bench/buffer/pool_cases.h"
#include "bench/buffer/ring.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/ring_buffer.h"
#include "weir/sys/calls.h"

namespace bench {
namespace {

struct WeirAllocator {
  using Block = weir::Block;
  static Block allocate(std::size_t size) { return weir::Pool::default_pool().allocate(size); }
  static void* memory(Block& block) { return block.data(); }
  /// As in a loop, whose next turn follows at once while there is more to give back.
  static void idle_turn() {
    weir::Pool& pool = weir::Pool::default_pool();
    for (int turn = 0; turn < 1000; ++turn) {
      const weir::TimePoint now = weir::sys::monotonic_now();
      pool.trim_idle(now);
      if (pool.next_trim() > now) return;
    }
  }
};

/// M20: a pool whose budget is spent says no.
class Refusal final : public Workload {
 public:
  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) keep(pool_.try_allocate(4 * kib));
  }

 private:
  weir::Pool pool_{{.limit = 64 * kib}};
  weir::Block block_ = pool_.allocate(64 * kib);
};

struct WeirRing {
  weir::RingBuffer ring = *weir::RingBuffer::create(64 * kib);

  void put(std::string_view bytes) { (void)ring.append(bytes); }
  void take(char* to, std::size_t count) {
    ring.copy_to(std::as_writable_bytes(std::span(to, count)));
    ring.drop(count);
  }
};

}  // namespace

void add_weir_pool_cases(Cases& cases) {
  add_pool_cases<WeirAllocator>(cases, "weir");
  cases.add<Refusal>("M20", "refused/4096", "weir", 1);
  add_thread_cases(cases, "pool", "weir", [](std::size_t count) {
    std::array<weir::Block, 16> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks[i % blocks.size()] = WeirAllocator::allocate(4 * kib);
  });
  add_thread_cases(cases, "buffer", "weir", [](std::size_t count) {
    constexpr std::string_view text = "sixteen bytes or";
    weir::Buffer input, output;
    for (std::size_t i = 0; i < count; ++i) {
      input.append(text);
      if (i % 64 != 63) continue;
      output.append(input.take(512));
      output.append(std::move(input));
      output.drop(output.size());
    }
  });
  add_ring_cases<WeirRing>(cases, "weir");
}

}  // namespace bench
