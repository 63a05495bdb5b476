// weir: M1 to M3: appending, tiny messages, bulk.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

/// M1: appends `size` bytes until `batch` are there, then drains in steps of 16 KiB.
template <class Subject>
class AppendThenDrain final : public Workload {
 public:
  static constexpr std::size_t batch = 256 * kib;
  static constexpr std::size_t step = 16 * kib;

  explicit AppendThenDrain(std::size_t size) : source_(letters(size)) {}

  void run(std::size_t rounds) override {
    const std::size_t appends = batch / source_.size();
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < appends; ++i) {
        Subject::append(buffer_, source_);
        clobber();
      }
      while (const std::size_t left = Subject::size(buffer_)) Subject::drop(buffer_, std::min(left, step));
    }
  }

 private:
  Text source_;
  typename Subject::Buffer buffer_;
};

/// M2: a buffer is made, filled, read, and gone.
template <class Subject>
class TinyMessage final : public Workload {
 public:
  explicit TinyMessage(std::size_t size) : source_(letters(size)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      typename Subject::Buffer buffer;
      Subject::append(buffer, source_);
      clobber();
      Subject::copy_out(buffer, message_.data(), source_.size());
      clobber();
    }
  }

 private:
  Text source_;
  std::array<char, 256> message_{};
};

/// M3: one large append, and away with it.
template <class Subject>
class BulkAppend final : public Workload {
 public:
  explicit BulkAppend(std::size_t size) : source_(letters(size)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      Subject::append(buffer_, source_);
      clobber();
      Subject::drop(buffer_, source_.size());
    }
  }

 private:
  Text source_;
  typename Subject::Buffer buffer_;
};

template <class Subject>
void add_append_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {1, 8, 16, 64, 256, 512, 1024, 4096}) {
    cases.add<AppendThenDrain<Subject>>("M1", "append/" + std::to_string(size), subject,
                                        AppendThenDrain<Subject>::batch / size, size);
  }
}

template <class Subject>
void add_message_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {5, 40, 200}) {
    cases.add_with_mallocs<TinyMessage<Subject>>("M2", "message/" + std::to_string(size), subject, 1, size);
  }
}

template <class Subject>
void add_bulk_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {4 * kib, 64 * kib, mib}) {
    cases.add<BulkAppend<Subject>>("M3", "bulk/" + std::to_string(size), subject, 1, size);
  }
}

}  // namespace bench
