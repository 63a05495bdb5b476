// weir: descriptors that can be told apart wherever they arrive, and peers that pass them by hand.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/stream_support.h"
#include "tests/support/test_kernel.h"
#include "weir/sys/calls.h"
#include "weir/sys/descriptor.h"

namespace weir::testing_support {

using Descriptors = std::vector<sys::Descriptor>;

/// A new descriptor that carries a number from 1 on.
inline sys::Descriptor marked(std::uint64_t mark) {
  const Undisturbed undisturbed;
  sys::Descriptor counter(sys::create_event_counter().number());
  EXPECT_TRUE(sys::write(counter.number(), std::as_bytes(std::span(&mark, 1))));
  return counter;
}

/// `count` of them, numbered from `first` on.
inline Descriptors marked_row(std::uint64_t first, std::size_t count) {
  Descriptors row;
  for (std::size_t i = 0; i < count; ++i) row.push_back(marked(first + i));
  return row;
}

inline Descriptors one(sys::Descriptor descriptor) {
  Descriptors row;
  row.push_back(std::move(descriptor));
  return row;
}

/// The number that it carries, once; 0 of what is none of those.
inline std::uint64_t mark_of(const sys::Descriptor& descriptor) {
  const Undisturbed undisturbed;
  std::uint64_t mark = 0;
  (void)sys::read(descriptor.number(), std::as_writable_bytes(std::span(&mark, 1)));
  return mark;
}

inline std::vector<std::uint64_t> marks_of(const Descriptors& descriptors) {
  std::vector<std::uint64_t> marks;
  for (const sys::Descriptor& descriptor : descriptors) marks.push_back(mark_of(descriptor));
  return marks;
}

/// The peer sends `text`, and the descriptor with its first byte.
inline std::size_t pass(const Peer& from, std::string_view text, const sys::Descriptor& descriptor) {
  const Undisturbed undisturbed;
  const iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};  // only read
  const int number = descriptor.number();
  const sys::CallResult sent = sys::send_with_descriptors(from.number(), {&piece, 1}, {&number, 1});
  return sent ? sent.count() : 0;
}

/// What a peer has received, byte by byte: so the place of every mark is known.
struct Arrivals {
  std::string text;
  std::vector<std::pair<std::size_t, std::uint64_t>> marks;  ///< each with the place of the byte that it came with
  bool has_ended = false;

  /// Takes what is there, at most so many bytes.
  void take(const Peer& peer, std::size_t most = unlimited) {
    const Undisturbed undisturbed;
    for (; most > 0; --most) {
      std::array<char, 1> byte;
      sys::PassedDescriptors passed;
      const sys::CallResult got =
          sys::receive_with_descriptors(peer.number(), std::as_writable_bytes(std::span(byte)), passed);
      has_ended |= got && got.count() == 0;
      if (!got || got.count() == 0) return;
      for (const int number : passed.all()) marks.emplace_back(text.size(), mark_of(sys::Descriptor(number)));
      text += byte[0];
    }
  }
};

/// What a stream has told of: bytes as they are, descriptors as their numbers in brackets.
inline void record_passing(Stream& stream, std::string& told) {
  stream.on_descriptors([&told](Stream&, const Descriptors& descriptors) {
    for (const std::uint64_t mark : marks_of(descriptors)) told += '[' + std::to_string(mark) + ']';
  });
  stream.on_data([&told](Stream& s) { told += text_of(s.input().take_all()); });
}

}  // namespace weir::testing_support
