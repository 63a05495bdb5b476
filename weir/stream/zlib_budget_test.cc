// weir: tests of streams with a zlib filter in a pool that is full of what they are to send.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/stream_kinds.h"
#include "tests/support/zlib_texts.h"
#include "weir/base/bytes.h"
#include "weir/buffer/pool.h"
#include "weir/loop/timer.h"
#include "weir/stream/stream.h"
#include "weir/stream/zlib_filter.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using namespace std::chrono_literals;

/// One that writes whenever it is let, and one that reads everything.
struct Conversation {
  std::unique_ptr<Stream> writer;
  std::unique_ptr<Stream> reader;
  std::size_t written = 0;
  std::string received;
  std::error_code error;

  Conversation(EventLoop& loop, const StreamKind& kind) {
    Ends ends = open_ends(loop, kind);
    writer = Stream::filter(std::move(ends.near), make_zlib_filter());
    reader = Stream::filter(std::move(ends.far), make_zlib_filter());
    reader->on_data([this](Stream& s) { received += text_of(s.input().take_all()); });
    for (Stream* stream : {writer.get(), reader.get()}) {
      stream->on_closed([this](Stream&, std::error_code what) {
        if (what) error = what;
      });
    }
  }

  void write(std::string_view text) {
    while (written < text.size()) {
      const std::string_view piece = text.substr(written, 4096);
      const Accepted answer = writer->write(piece);
      if (answer == Accepted::refused || answer == Accepted::closed) return;
      written += piece.size();
      if (answer == Accepted::slow_down) return;
    }
    writer->finish_writing();
  }
};

class ZlibBudget : public testing::TestWithParam<StreamKind> {};

TEST_P(ZlibBudget, that_is_spent_on_what_waits_to_be_compressed_is_no_deadlock) {
  Pool pool({.limit = 512_KiB});
  {
    EventLoop loop(EventLoop::Options{.pool = &pool});
    const std::string text = words(60'000);
    std::vector<std::unique_ptr<Conversation>> all;
    for (int i = 0; i < 20; ++i) all.push_back(std::make_unique<Conversation>(loop, GetParam()));
    Timer offering(loop, [&](Timer&) {
      for (const auto& one : all) one->write(text);
    });
    offering.start_every(5ms);

    EXPECT_TRUE(spin_until(loop, [&] {
      std::size_t whole = 0;
      for (const auto& one : all) whole += one->received.size() == text.size() ? 1 : 0;
      return whole == all.size();
    }));

    for (const auto& one : all) {
      EXPECT_TRUE(one->received == text) << one->written << " written, " << one->received.size() << " received";
      EXPECT_FALSE(one->error) << one->error.message();
    }
    EXPECT_GT(pool.stats().refused, 0U) << "the pool was never short";
  }
}

INSTANTIATE_TEST_SUITE_P(, ZlibBudget, testing::Values(kinds::tcp, kinds::unix_socket),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace weir
