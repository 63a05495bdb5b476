// weir: tests of writing frames.
// SPDX-License-Identifier: MIT
#include "weir/buffer/frame_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/throws.h"
#include "weir/buffer/allocation_plan.h"
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/pool.h"

namespace weir {
namespace {

using testing_support::throws_bad_alloc;

std::string prefix_of(std::size_t payload, const LengthFormat& format) {
  const Result<LengthPrefix> prefix = LengthPrefix::of(payload, format);
  return prefix ? std::string(as_text(prefix->bytes())) : prefix.error().message();
}

TEST(LengthPrefix, is_written_in_every_size_and_order) {
  EXPECT_EQ(prefix_of(5, {}), std::string("\0\0\0\5", 4));
  EXPECT_EQ(prefix_of(0x010203, {.bytes = 3, .limit = unlimited}), "\1\2\3");
  EXPECT_EQ(prefix_of(0x010203, {.bytes = 3, .order = std::endian::little, .limit = unlimited}), "\3\2\1");
  EXPECT_EQ(prefix_of(5, {.bytes = 2, .counts_prefix = true}), std::string("\0\7", 2));
  EXPECT_EQ(prefix_of(300, {.bytes = LengthFormat::varint}), "\xAC\x02");
  EXPECT_EQ(prefix_of(unlimited, {.bytes = 8, .limit = unlimited}), std::string(8, '\xFF'));
}

TEST(LengthPrefix, a_length_that_it_cannot_tell_is_refused) {
  const std::string limit = make_error_code(errc::limit).message();
  const std::string too_large = std::make_error_code(std::errc::value_too_large).message();
  EXPECT_EQ(prefix_of(10, {.limit = 10}).size(), 4U);
  EXPECT_EQ(prefix_of(11, {.limit = 10}), limit);
  EXPECT_EQ(prefix_of(255, {.bytes = 1}), "\xFF");
  EXPECT_EQ(prefix_of(256, {.bytes = 1}), too_large);
  EXPECT_EQ(prefix_of(254, {.bytes = 1, .counts_prefix = true}), "\xFF");
  EXPECT_EQ(prefix_of(255, {.bytes = 1, .counts_prefix = true}), too_large);
  EXPECT_EQ(prefix_of(unlimited, {.bytes = 8, .counts_prefix = true, .limit = unlimited}), too_large);
}

TEST(AppendFrame, what_was_written_is_read_again_in_every_format) {
  for (std::size_t bytes = 0; bytes <= 8; ++bytes) {
    for (const std::endian order : {std::endian::big, std::endian::little}) {
      for (const bool counts_prefix : {false, true}) {
        const LengthFormat format{.bytes = bytes, .order = order, .counts_prefix = counts_prefix};
        const LengthReader reader(format);
        Buffer buffer;
        for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 128U, 129U, 253U}) {
          ASSERT_TRUE(append_frame(buffer, as_bytes(std::string(size, 'x')), format));
        }
        for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 128U, 129U, 253U}) {
          const auto frame = reader.next(buffer);
          ASSERT_TRUE(frame && *frame) << bytes << " bytes, size " << size;
          EXPECT_EQ(**frame, std::string(size, 'x'));
        }
        EXPECT_TRUE(buffer.is_empty());
      }
    }
  }
}

TEST(AppendFrame, a_moved_payload_is_not_copied) {
  const std::string text(20'000, 'x');
  Buffer payload;
  payload.append(Slice::from_static(text));
  Buffer buffer;
  buffer.append("before");

  EXPECT_TRUE(append_frame(buffer, std::move(payload), {.bytes = 2}));

  EXPECT_TRUE(payload.is_empty());  // NOLINT(bugprone-use-after-move): promised
  EXPECT_EQ(buffer, "before\x4E\x20" + text);
  bool is_shared = false;
  for (const Slice& slice : buffer.slices()) is_shared |= as_text(slice.bytes()).data() == text.data();
  EXPECT_TRUE(is_shared);
}

TEST(AppendFrame, a_buffer_appended_to_itself_becomes_one_frame) {
  Buffer buffer;
  buffer.append("text");

  EXPECT_TRUE(append_frame(buffer, std::move(buffer), {.bytes = 1}));

  EXPECT_EQ(buffer, "\4text");  // NOLINT(bugprone-use-after-move): promised
}

TEST(AppendFrame, a_payload_that_cannot_be_moved_stays_as_it_is) {
  Pool pool({.cached = false});
  Buffer refused;
  refused.append(std::string(300, 'x'));
  Buffer buffer(pool);
  EXPECT_EQ(append_frame(buffer, std::move(refused), {.bytes = 1}).error(), std::errc::value_too_large);
  EXPECT_EQ(refused.size(), 300U);  // NOLINT(bugprone-use-after-move): promised

  const std::string text(400, 'x');
  const std::string copy = text;
  int failed = 0;
  for (std::size_t failing = 1; failing <= 4; ++failing) {
    for (int i = 0; i < 20; ++i) {  // threads keep a few nodes
      Buffer output(pool);
      Buffer payload(pool);
      for (std::size_t at = 0; at < 3; ++at)
        output.append_static(std::string_view(at % 2 == 0 ? text : copy).substr(at, 1));
      for (std::size_t at = 0; at < 20; ++at)
        payload.append_static(std::string_view(at % 2 == 0 ? text : copy).substr(at, 9));
      bool threw = false;
      {
        const AllocationPlan plan(failing);
        threw = throws_bad_alloc([&] { (void)append_frame(output, std::move(payload)); });
      }
      if (!threw) continue;
      ++failed;
      EXPECT_EQ(output.size(), 3U);
      EXPECT_EQ(payload.size(), 180U);  // NOLINT(bugprone-use-after-move): promised
    }
  }
  EXPECT_GT(failed, 0);
}

TEST(AppendFrame, a_varint_that_counts_itself_tells_the_whole_length_at_every_border) {
  const LengthFormat format{.bytes = LengthFormat::varint, .counts_prefix = true, .limit = unlimited};
  for (const std::uint64_t border : {std::uint64_t{1} << 7, std::uint64_t{1} << 14, std::uint64_t{1} << 63}) {
    for (std::uint64_t payload = border - 12; payload < border + 3; ++payload) {
      const Result<LengthPrefix> prefix = LengthPrefix::of(payload, format);
      ASSERT_TRUE(prefix);
      VarintRead read;
      for (const std::byte byte : prefix->bytes()) read.add(byte);
      EXPECT_EQ(read.state, VarintRead::State::whole);
      EXPECT_EQ(read.value, payload + prefix->bytes().size());
      EXPECT_EQ(read.size, prefix->bytes().size());
    }
  }
}

TEST(AppendFrame, a_frame_that_is_refused_or_finds_no_memory_leaves_no_trace) {
  Pool pool({.cached = false});
  Buffer buffer(pool);
  buffer.append("before");
  EXPECT_EQ(append_frame(buffer, as_bytes(std::string(300, 'x')), {.bytes = 1}).error(), std::errc::value_too_large);
  EXPECT_EQ(append_frame(buffer, as_bytes("12345"), {.limit = 4}).error(), errc::limit);
  EXPECT_EQ(buffer, "before");

  const std::string large(100'000, 'x');
  bool threw = false;
  {
    const AllocationPlan failing(1, true);
    threw = throws_bad_alloc([&] { (void)append_frame(buffer, as_bytes(large)); });
  }
  EXPECT_TRUE(threw);
  EXPECT_EQ(buffer, "before");
}

/// Does what the test wants at the first change, and counts.
struct Meddler final : BufferObserver {
  void changed(Buffer& buffer, const BufferChange& change) noexcept override {
    added += change.added;
    removed += change.removed;
    ++told;
    if (then) std::exchange(then, nullptr)(buffer);
  }
  std::function<void(Buffer&)> then;
  std::size_t added = 0;
  std::size_t removed = 0;
  int told = 0;
};

TEST(AppendFrame, is_one_change_of_each_buffer_and_whoever_is_told_may_end_it) {
  for (const bool is_buffer : {false, true}) {
    auto output = std::make_unique<Buffer>();
    auto payload = std::make_unique<Buffer>();
    payload->append("payload");
    Meddler of_output, of_payload;
    of_output.then = [&](Buffer&) { output.reset(); };
    of_payload.then = [&](Buffer&) { payload.reset(); };
    output->add_observer(of_output);
    payload->add_observer(of_payload);

    ASSERT_TRUE(is_buffer ? append_frame(*output, std::move(*payload)) : append_frame(*output, as_bytes("payload")));

    EXPECT_EQ(of_output.told, 1);
    EXPECT_EQ(of_output.added, 11U);
    EXPECT_EQ(of_payload.told, is_buffer ? 1 : 0);
    EXPECT_EQ(of_payload.removed, is_buffer ? 7U : 0U);
    EXPECT_EQ(of_payload.added, 0U);
  }
}

TEST(AppendFrame, of_a_part_of_the_output_that_an_observer_drains) {
  Buffer output;
  output.append("0123456789");
  Buffer drained;
  Meddler meddler;
  meddler.then = [&](Buffer& buffer) { drained = buffer.take_all(); };
  const Bytes part = output.front();
  output.add_observer(meddler);

  ASSERT_TRUE(append_frame(output, part, {.bytes = 1}));

  EXPECT_EQ(drained, "0123456789\n0123456789");
}

TEST(AppendFrame, of_a_buffer_in_itself_puts_its_length_in_front) {
  Buffer buffer;
  buffer.append("abc");

  ASSERT_TRUE(append_frame(buffer, std::move(buffer), {.bytes = 1}));

  EXPECT_EQ(buffer, "\3abc");  // NOLINT(bugprone-use-after-move): promised
}

}  // namespace
}  // namespace weir
