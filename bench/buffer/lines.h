// weir: M5: lines out of a stream that arrives in chunks of any size.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

/// Search for the end of the line, a look at it, and away with it; or the line taken out as an object of its own.
template <class Subject>
class ReadLines final : public Workload {
 public:
  explicit ReadLines(bool takes) : text_(lines_of(mib, count_)), chunks_(chunks_of(text_, 4096)), takes_(takes) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      std::size_t seen = 0;
      for (const std::string_view chunk : chunks_) {
        Subject::append(buffer_, chunk);
        seen += takes_ ? take_lines() : look_at_lines();
      }
      if (seen != count_) std::abort();
    }
  }

  static std::size_t lines() {
    std::size_t count = 0;
    lines_of(mib, count);
    return count;
  }

 private:
  std::size_t look_at_lines() {
    std::size_t seen = 0;
    while (const std::size_t size = finder_.find(buffer_)) {
      keep(Subject::look(buffer_, size));
      Subject::drop(buffer_, size);
      ++seen;
    }
    return seen;
  }

  std::size_t take_lines() {
    std::size_t seen = 0;
    while (finder_.take(buffer_)) ++seen;
    return seen;
  }

  std::size_t count_ = 0;
  std::string text_;
  std::vector<std::string_view> chunks_;
  bool takes_;
  typename Subject::Buffer buffer_;
  typename Subject::LineFinder finder_;
};

template <class Subject>
void add_line_cases(Cases& cases, const std::string& subject) {
  const std::size_t lines = ReadLines<Subject>::lines();
  cases.add<ReadLines<Subject>>("M5", "line/look", subject, lines, false);
  cases.add<ReadLines<Subject>>("M5", "line/take", subject, lines, true);
}

}  // namespace bench
