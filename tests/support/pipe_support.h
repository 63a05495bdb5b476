// weir: pipes whose other ends a test holds, and streams over them.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/stream_support.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {

/// Writes what the pipe takes now; returns how much.
inline std::size_t write_to(const sys::Descriptor& to, std::string_view bytes) {
  const Undisturbed undisturbed;
  std::size_t written = 0;
  while (written < bytes.size()) {
    // Gathered, for that raises no SIGPIPE.
    const iovec rest{.iov_base = const_cast<char*>(bytes.data()) + written, .iov_len = bytes.size() - written};
    const sys::CallResult step = sys::write_pieces(to.number(), {&rest, 1});
    if (!step) break;
    written += step.count();
  }
  return written;
}

/// True when nobody can write to the pipe any more, and all that was written has been read.
inline bool has_ended(const sys::Descriptor& reader) {
  const Undisturbed undisturbed;
  std::byte byte{};
  const sys::CallResult got = sys::read(reader.number(), {&byte, 1});
  return got && got.count() == 0;
}

/// A stream between two pipes, and what a test holds of them.
struct PipedStream {
  std::unique_ptr<Stream> stream;
  sys::Descriptor feed;   ///< what is written here, the stream reads
  sys::Descriptor drain;  ///< what the stream writes can be read here

  Stream* operator->() const { return stream.get(); }
  Stream& operator*() const { return *stream; }
};

inline std::unique_ptr<Stream> adopted(EventLoop& loop, PipeEnds ends, StreamOptions options = {}) {
  auto stream = Stream::adopt_pipe(loop, std::move(ends), options);
  EXPECT_TRUE(stream) << stream.error().message();
  return stream ? *std::move(stream) : nullptr;
}

inline PipedStream between_pipes(EventLoop& loop, StreamOptions options = {}) {
  Pair in = pipe_pair();
  Pair out = pipe_pair();
  auto stream = adopted(loop, {.reader = std::move(in.near), .writer = std::move(out.far)}, options);
  return {std::move(stream), std::move(in.far), std::move(out.near)};
}

}  // namespace weir::testing_support
