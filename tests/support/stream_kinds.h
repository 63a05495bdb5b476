// weir: two streams that are each other's peer, of every kind there is, and filters to stack on them, for tests.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
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

enum class StreamKind { unix_socket, tcp, pipes, pair, mask_on_tcp, frames_on_pair, frames_on_mask_on_unix };
inline constexpr StreamKind all_stream_kinds[] = {
    StreamKind::unix_socket,
    StreamKind::tcp,
    StreamKind::pipes,
    StreamKind::pair,
    StreamKind::mask_on_tcp,
    StreamKind::frames_on_pair,
    StreamKind::frames_on_mask_on_unix,
};

inline std::string name_of(StreamKind kind) {
  switch (kind) {
    case StreamKind::unix_socket: return "unix_socket";
    case StreamKind::tcp: return "tcp";
    case StreamKind::pipes: return "pipes";
    case StreamKind::pair: return "pair";
    case StreamKind::mask_on_tcp: return "mask_on_tcp";
    case StreamKind::frames_on_pair: return "frames_on_pair";
    case StreamKind::frames_on_mask_on_unix: return "frames_on_mask_on_unix";
  }
  return "";
}

/// An abort of one end is told to the other one as a reset.
inline bool tells_reset(StreamKind kind) {
  return kind == StreamKind::tcp || kind == StreamKind::pair || kind == StreamKind::mask_on_tcp ||
         kind == StreamKind::frames_on_pair;
}

/// What one end accepts or takes, the kernel's and the lower layers' buffers included, before the next one must.
inline constexpr std::size_t most_under_way = 16 << 20;

struct Ends {
  std::unique_ptr<Stream> near;
  std::unique_ptr<Stream> far;
};

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

inline Ends piped(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  Pair forth = pipe_pair();
  Pair back = pipe_pair();
  return {adopted(loop, {.reader = std::move(back.near), .writer = std::move(forth.far)}, near),
          adopted(loop, {.reader = std::move(forth.near), .writer = std::move(back.far)}, far)};
}

/// Each with options of its own; those of layers below are the default.
inline Ends open_ends(EventLoop& loop, StreamKind kind, const StreamOptions& near = {}, const StreamOptions& far = {}) {
  switch (kind) {
    case StreamKind::unix_socket: return sockets_of(loop, unix_pair(), near, far);
    case StreamKind::tcp: return sockets_of(loop, tcp_pair(), near, far);
    case StreamKind::pipes: return piped(loop, near, far);
    case StreamKind::pair: {
      StreamPair pair = Stream::pair(loop, near, far);
      return {std::move(pair.first), std::move(pair.second)};
    }
    case StreamKind::mask_on_tcp: return filtered<MaskFilter>(sockets_of(loop, tcp_pair(), {}, {}), near, far);
    case StreamKind::frames_on_pair: return filtered<FrameFilter>(open_ends(loop, StreamKind::pair), near, far);
    case StreamKind::frames_on_mask_on_unix:
      return filtered<FrameFilter>(filtered<MaskFilter>(sockets_of(loop, unix_pair(), {}, {}), {}, {}), near, far);
  }
  return {};
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

#define WEIR_EVERY_KIND(suite)                                           \
  INSTANTIATE_TEST_SUITE_P(, suite, testing::ValuesIn(all_stream_kinds), \
                           [](const auto& kind) { return name_of(kind.param); })

}  // namespace weir::testing_support
