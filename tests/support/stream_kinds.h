// weir: what tests of streams of every kind share: how two of a kind are opened, and filters to stack on them.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/pipe_support.h"
#include "tests/support/stream_support.h"
#include "tests/support/test_sockets.h"
#include "weir/stream/filter.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {

/// Changes every byte, copies it, and holds nothing.
class MaskFilter final : public Filter {
 public:
  Result<Flow> decode(Step& step) override { return mask(step); }
  Result<Flow> encode(Step& step) override { return mask(step); }

 private:
  static Result<Flow> mask(Step& step) {
    const std::size_t count = std::min(step.room, step.from.size());
    std::string bytes = text_of(step.from.take(count));
    for (char& byte : bytes) byte = static_cast<char>(byte ^ 0x5A);
    step.to.append(Slice::adopt(std::move(bytes)));
    return step.from.is_empty() ? Flow::wants_more : Flow::has_more;
  }
};

/// Puts frames of up to 200 bytes behind a byte that tells their length, so that a step may want more; an empty one is the
/// end, without which the end of the stream is an error.
class FrameFilter final : public Filter {
 public:
  /// `holds_back`: a frame that is not full waits until it is, or is pushed.
  explicit FrameFilter(bool holds_back = false) : holds_back_(holds_back) {}

  Result<Flow> decode(Step& step) override {
    while (step.to.size() < step.room) {
      if (step.from.is_empty()) return at_end(step, has_ended_);
      std::byte length{};
      step.from.copy_to({&length, 1});
      const auto size = std::to_integer<std::size_t>(length);
      if (step.from.size() < 1 + size) return at_end(step, false);
      step.from.drop(1);
      has_ended_ = size == 0;
      step.to.append(step.from.take(size));
    }
    return Flow::has_more;
  }

  Result<Flow> encode(Step& step) override {
    while (step.to.size() < step.room) {
      held_.append(step.from.take(std::min(longest - held_.size(), step.from.size())));
      const bool must_go = held_.size() == longest || !holds_back_ || step.push != Push::some;
      if (!held_.is_empty() && must_go) put(step.to);
      if (!step.from.is_empty()) continue;
      if (step.push == Push::end && !std::exchange(has_put_end_, true)) put(step.to);
      return Flow::wants_more;
    }
    return Flow::has_more;
  }

 private:
  static constexpr std::size_t longest = 200;

  static Result<Flow> at_end(const Step& step, bool is_whole) {
    if (step.push == Push::end && !is_whole) return std::make_error_code(std::errc::bad_message);
    return Flow::wants_more;
  }

  void put(Buffer& to) {
    to.append(Slice::adopt(std::string(1, static_cast<char>(held_.size()))));  // needs nothing of the pool
    to.append(std::exchange(held_, Buffer()));
  }

  const bool holds_back_;
  Buffer held_;
  bool has_ended_ = false;
  bool has_put_end_ = false;
};

/// What one end accepts or takes, the kernel's and the lower layers' buffers included, before the next one must.
inline constexpr std::size_t most_under_way = 16 << 20;

struct Ends {
  std::unique_ptr<Stream> near;
  std::unique_ptr<Stream> far;
};

/// A way to have two streams that are each other's peer.
struct StreamKind {
  std::string_view name;
  /// Each with options of its own; those of layers below are the default.
  Ends (*open)(EventLoop& loop, const StreamOptions& near, const StreamOptions& far);
  /// An abort of one end is told to the other one as a reset.
  bool tells_reset;
  /// So many bytes are more than the streams on the way hold. Where each of them costs much it is not many times as much.
  std::size_t plenty = std::size_t{10} << 20;

  friend bool operator==(const StreamKind& left, const StreamKind& right) noexcept { return left.name == right.name; }
  friend void PrintTo(const StreamKind& kind, std::ostream* to) { *to << kind.name; }
};

/// Those that the suites of this program run on: stream_kinds.cc, or whatever other file is linked in its place, says which.
std::span<const StreamKind> stream_kinds();

inline Ends sockets_of(EventLoop& loop, Pair pair, const StreamOptions& near, const StreamOptions& far) {
  auto first = Stream::adopt(loop, Socket(std::move(pair.near)), near);
  auto second = Stream::adopt(loop, Socket(std::move(pair.far)), far);
  EXPECT_TRUE(first && second);
  return {*std::move(first), *std::move(second)};
}

template <class F, class... Args>
Ends filtered(Ends below, const StreamOptions& near, const StreamOptions& far, Args... args) {
  return {Stream::filter(std::move(below.near), std::make_unique<F>(args...), near),
          Stream::filter(std::move(below.far), std::make_unique<F>(args...), far)};
}

inline Ends open_pipes(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  Pair forth = pipe_pair();
  Pair back = pipe_pair();
  return {adopted(loop, {.reader = std::move(back.near), .writer = std::move(forth.far)}, near),
          adopted(loop, {.reader = std::move(forth.near), .writer = std::move(back.far)}, far)};
}

inline Ends open_pair(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  StreamPair pair = Stream::pair(loop, near, far);
  return {std::move(pair.first), std::move(pair.second)};
}

inline Ends open_unix(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return sockets_of(loop, unix_pair(), near, far);
}
inline Ends open_tcp(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return sockets_of(loop, tcp_pair(), near, far);
}
inline Ends open_mask_on_tcp(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return filtered<MaskFilter>(open_tcp(loop, {}, {}), near, far);
}
inline Ends open_frames_on_pair(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return filtered<FrameFilter>(open_pair(loop, {}, {}), near, far);
}
inline Ends open_frames_on_mask_on_unix(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return filtered<FrameFilter>(filtered<MaskFilter>(open_unix(loop, {}, {}), {}, {}), near, far);
}

/// Those of the library itself, filters on some of them included.
namespace kinds {
inline constexpr StreamKind unix_socket{.name = "unix_socket", .open = open_unix, .tells_reset = false};
inline constexpr StreamKind tcp{.name = "tcp", .open = open_tcp, .tells_reset = true};
inline constexpr StreamKind pipes{.name = "pipes", .open = open_pipes, .tells_reset = false};
inline constexpr StreamKind pair{.name = "pair", .open = open_pair, .tells_reset = true};
inline constexpr StreamKind mask_on_tcp{.name = "mask_on_tcp", .open = open_mask_on_tcp, .tells_reset = true};
inline constexpr StreamKind frames_on_pair{.name = "frames_on_pair", .open = open_frames_on_pair, .tells_reset = true};
inline constexpr StreamKind frames_on_mask_on_unix{
    .name = "frames_on_mask_on_unix", .open = open_frames_on_mask_on_unix, .tells_reset = false};
}  // namespace kinds

inline Ends open_ends(EventLoop& loop, const StreamKind& kind, const StreamOptions& near = {},
                      const StreamOptions& far = {}) {
  return kind.open(loop, near, far);
}

/// The base of tests that hold for streams of every kind.
class EveryKind : public testing::TestWithParam<StreamKind> {
 protected:
  void open(const StreamOptions& near = {}, const StreamOptions& far = {}) {
    ends = open_ends(loop, GetParam(), near, far);
  }
  Stream& near() { return *ends.near; }
  Stream& far() { return *ends.far; }

  EventLoop loop;
  Ends ends;
};

#define WEIR_EVERY_KIND(suite)                                         \
  INSTANTIATE_TEST_SUITE_P(, suite, testing::ValuesIn(stream_kinds()), \
                           [](const auto& kind) { return std::string(kind.param.name); })

}  // namespace weir::testing_support
