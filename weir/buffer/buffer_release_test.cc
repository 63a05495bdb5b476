// weir: tests of when memory is released.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/transfer_buffer.h"

namespace weir {
namespace {

const std::string memory(5000, 'f');

TEST(BufferRelease, foreign_memory_is_released_once_when_its_last_byte_goes) {
  int released = 0;
  Buffer buffer;
  buffer.append("before");
  buffer.append_foreign(as_bytes(memory), [&] { ++released; });
  buffer.append("after");

  buffer.drop(6 + 4999);
  EXPECT_EQ(released, 0);
  buffer.drop(1);
  EXPECT_EQ(released, 1);
  EXPECT_EQ(buffer, "after");
}

TEST(BufferRelease, little_foreign_memory_is_copied_and_released_at_once) {
  int released = 0;
  Buffer buffer;

  buffer.append_foreign(as_bytes("little"), [&] { ++released; });

  EXPECT_EQ(released, 1);
  EXPECT_EQ(buffer, "little");
}

TEST(BufferRelease, memory_is_released_in_the_order_of_its_bytes) {
  std::vector<int> order;
  {
    Buffer buffer;
    for (int i = 0; i < 50; ++i) buffer.append_foreign(as_bytes(memory), [&order, i] { order.push_back(i); });
  }

  for (int i = 0; i < 50; ++i) EXPECT_EQ(order.at(static_cast<std::size_t>(i)), i);
}

// hazard: B2
TEST(BufferRelease, sharers_may_go_in_any_order) {
  for (int first = 0; first < 4; ++first) {
    for (int second = 0; second < 4; ++second) {
      int released = 0;
      auto parent = std::make_optional<Buffer>();
      parent->append_foreign(as_bytes(memory), [&] { ++released; });
      auto slice = std::make_optional<Slice>(*parent->slices().begin());
      auto taken = std::make_optional<Buffer>(parent->take(1000));
      auto moved = std::make_optional<Buffer>(std::move(*parent));
      const auto destroy = [&](int which) {
        if (which == 0) parent.reset();
        if (which == 1) slice.reset();
        if (which == 2) taken.reset();
        if (which == 3) moved.reset();
      };
      destroy(first);
      destroy(second);
      EXPECT_EQ(released, 0);
      if (slice) {
        EXPECT_EQ(as_text(slice->bytes()), memory);
      }
      if (moved) {
        EXPECT_EQ(*moved, memory.substr(1000));
      }
      for (int rest = 0; rest < 4; ++rest) destroy(rest);
      EXPECT_EQ(released, 1);
    }
  }
}

/// Runs `operation` on a buffer whose first slice is foreign and whose release callback does what `in_callback` says.
template <class Operation, class InCallback>
void run_with_callback(Operation operation, InCallback in_callback) {
  auto buffer = std::make_unique<Buffer>();
  int released = 0;
  buffer->append_foreign(as_bytes(memory), [&] {
    ++released;
    in_callback(buffer);
  });
  for (int i = 0; i < 30; ++i) buffer->append(Slice::copy_of(as_bytes(std::string(200, 'p')), Pool::default_pool()));
  operation(*buffer);
  EXPECT_EQ(released, 1);
}

// hazard: B3, EV5
TEST(BufferRelease, a_callback_may_destroy_the_buffer_that_released_it) {
  const auto destroy = [](std::unique_ptr<Buffer>& buffer) { buffer.reset(); };

  run_with_callback([](Buffer& buffer) { buffer.drop(5000); }, destroy);
  run_with_callback([](Buffer& buffer) { buffer.drop(5001); }, destroy);
  run_with_callback([](Buffer& buffer) { buffer.clear(); }, destroy);
  run_with_callback([](Buffer& buffer) { (void)buffer.contiguous(5100); }, destroy);
  run_with_callback([](Buffer& buffer) { buffer = Buffer(); }, destroy);
  run_with_callback([](Buffer& buffer) { (void)buffer.take(5100); }, destroy);
  run_with_callback([](Buffer& buffer) { (void)buffer.take_all(); }, destroy);
}

// hazard: B3
TEST(BufferRelease, a_callback_may_append_to_the_buffer_that_released_it) {
  std::string seen;
  const auto append = [&](std::unique_ptr<Buffer>& buffer) {
    buffer->append("appended");
    seen.resize(buffer->size());
    buffer->copy_to(std::as_writable_bytes(std::span(seen)));
  };

  run_with_callback([](Buffer& buffer) { buffer.drop(5000); }, append);
  EXPECT_EQ(seen, std::string(6000, 'p') + "appended");
  run_with_callback([](Buffer& buffer) { buffer.drop(5100); }, append);
  EXPECT_EQ(seen, std::string(5900, 'p') + "appended");
  run_with_callback([](Buffer& buffer) { buffer.clear(); }, append);
  EXPECT_EQ(seen, "appended");
  run_with_callback([](Buffer& buffer) { (void)buffer.contiguous(5100); }, append);
  EXPECT_EQ(seen, memory + std::string(6000, 'p') + "appended");
}

TEST(BufferRelease, a_callback_may_append_to_the_buffer_under_destruction) {
  int released = 0;
  {
    Buffer buffer;
    buffer.append_foreign(as_bytes(memory), [&] {
      ++released;
      buffer.append("appended");
      buffer.append_foreign(as_bytes(memory), [&] { ++released; });
    });
  }

  EXPECT_EQ(released, 2);
}

TEST(BufferRelease, copied_foreign_memory_may_destroy_the_buffer_as_well) {
  auto buffer = std::make_unique<Buffer>();
  buffer->append("x");

  buffer->append_foreign(as_bytes("little"), [&] { buffer.reset(); });

  EXPECT_EQ(buffer, nullptr);
}

}  // namespace
}  // namespace weir
