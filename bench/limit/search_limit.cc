// weir: M5, M13, M14 and M26 on memory in one piece.
// SPDX-License-Identifier: MIT
#include <array>
#include <cstring>
#include <string>

#include "bench/buffer/lines.h"
#include "bench/buffer/ring.h"
#include "bench/buffer/search.h"
#include "bench/limit/limit_cases.h"
#include "bench/measure/data.h"

namespace bench {
namespace {

/// M5: every line end in one piece of memory.
class FindLineEnds final : public Workload {
 public:
  FindLineEnds() : text_(lines_of(mib, count_)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      const char* end = text_.data() + text_.size();
      for (const char* at = text_.data(); at != end;) {
        at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at))) + 1;
        keep(*at);
      }
    }
  }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

/// M13: glibc's search in one piece of memory.
class FindFlat final : public Workload {
 public:
  explicit FindFlat(bool hard)
      : needle_(hard ? hard_needle : needle),
        text_(text_ending_in(hard ? std::string(mib, 'a') : letters(mib), needle_)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      keep(memmem(text_.data(), text_.size(), needle_.data(), needle_.size()));
    }
  }

 private:
  std::string_view needle_;
  Text text_;
};

/// M14: every KiB is copied to its place, and only what is new is searched.
class FindOnFlat final : public Workload {
 public:
  FindOnFlat() : text_(text_ending_in(letters(mib), needle)), copy_(letters(mib)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t at = 0; at < mib; at += kib) {
        std::memcpy(copy_.data() + at, text_.data() + at, kib);
        const std::size_t from = at == 0 ? 0 : at - needle.size() + 1;
        keep(memmem(copy_.data() + from, at + kib - from, needle.data(), needle.size()));
      }
    }
  }

 private:
  Text text_;
  Text copy_;
};

/// M26: what goes over the end is copied in two parts.
class HandMadeRing {
 public:
  void put(std::string_view bytes) noexcept {
    const std::size_t at = (head_ + size_) & mask;
    const std::size_t first = std::min(bytes.size(), memory_.size() - at);
    std::memcpy(memory_.data() + at, bytes.data(), first);
    std::memcpy(memory_.data(), bytes.data() + first, bytes.size() - first);
    size_ += bytes.size();
  }
  void take(char* to, std::size_t count) noexcept {
    const std::size_t first = std::min(count, memory_.size() - head_);
    std::memcpy(to, memory_.data() + head_, first);
    std::memcpy(to + first, memory_.data(), count - first);
    head_ = (head_ + count) & mask;
    size_ -= count;
  }

 private:
  static constexpr std::size_t mask = 64 * kib - 1;

  Text memory_{std::string(64 * kib, ' ')};
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

/// M26: in at one place, out half a ring away, both moving; for sizes of which a whole number fills the ring.
class CopyInAndOut {
 public:
  void put(std::string_view bytes) noexcept {
    if (bytes.size() <= 4 * kib) std::memcpy(memory_.data() + at_, bytes.data(), bytes.size());
  }
  void take(char* to, std::size_t count) noexcept {
    std::memcpy(to, memory_.data() + (at_ + 32 * kib) % (64 * kib), count);
    at_ = (at_ + count) % (64 * kib);
  }

 private:
  Text memory_{std::string(64 * kib, ' ')};
  std::size_t at_ = 0;
};

}  // namespace

void add_search_limits(Cases& cases) {
  std::size_t lines = 0;
  lines_of(mib, lines);
  cases.add<FindLineEnds>("M5", "line/look", "memchr", lines);
  for (const std::size_t segment : {64UL, 4 * kib, 64 * kib}) {
    cases.add<FindFlat>("M13", "find/segments=" + std::to_string(segment), "memmem", mib / kib, false);
    cases.add<FindFlat>("M13", "find-hard/segments=" + std::to_string(segment), "memmem", mib / kib, true);
  }
  cases.add<FindOnFlat>("M14", "find-on/pieces=1024", "memmem", mib / kib);
}

void add_ring_limits(Cases& cases) {
  add_ring_cases<HandMadeRing>(cases, "ring");
  add_ring_cases<CopyInAndOut>(cases, "memcpy");
}

}  // namespace bench
