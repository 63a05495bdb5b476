// weir: M17, M24 and M25: headers put in front, somebody who is told of changes, and formatted text.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "bench/buffer/append.h"
#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

/// M17: 256 bytes are appended, five headers put before them, one after the other, and all is dropped.
template <class Subject>
class PrependHeaders final : public Workload {
 public:
  static constexpr std::size_t layers = 5;

  explicit PrependHeaders(std::size_t size) : payload_(letters(256)), header_(letters(size)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      Subject::append(buffer_, payload_);
      for (std::size_t i = 0; i < layers; ++i) {
        Subject::prepend(buffer_, header_);
        clobber();
      }
      Subject::drop(buffer_, Subject::size(buffer_));
    }
  }

 private:
  Text payload_;
  Text header_;
  typename Subject::Buffer buffer_;
};

/// M24: M1 with one observer, who adds up.
template <class Subject>
class ObservedAppend final : public Workload {
 public:
  static constexpr std::size_t batch = AppendThenDrain<Subject>::batch;

  explicit ObservedAppend(std::size_t size) : source_(letters(size)), observer_(buffer_) {}

  void run(std::size_t rounds) override {
    const std::size_t appends = batch / source_.size();
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < appends; ++i) {
        Subject::append(buffer_, source_);
        clobber();
      }
      while (const std::size_t left = Subject::size(buffer_)) Subject::drop(buffer_, std::min(left, 16 * kib));
    }
  }

 private:
  Text source_;
  typename Subject::Buffer buffer_;
  typename Subject::Observer observer_;
};

/// M25: a number and a word are written as text, until 16 KiB are there; then all is dropped.
template <class Subject>
class Print final : public Workload {
 public:
  static constexpr std::size_t texts = 1024;

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < texts; ++i) {
        Subject::print(buffer_, static_cast<int>(opaque(1234567)), word_.c_str());
        clobber();
      }
      Subject::drop(buffer_, Subject::size(buffer_));
    }
  }

 private:
  std::string word_ = "weirs";
  typename Subject::Buffer buffer_;
};

template <class Subject>
void add_prepend_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {8, 16, 64}) {
    cases.add_with_mallocs<PrependHeaders<Subject>>("M17", "prepend/" + std::to_string(size), subject,
                                                    PrependHeaders<Subject>::layers, size);
  }
}

template <class Subject>
void add_observer_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {16, 64}) {
    cases.add<ObservedAppend<Subject>>("M24", "observed-append/" + std::to_string(size), subject,
                                       ObservedAppend<Subject>::batch / size, size);
  }
}

template <class Subject>
void add_print_cases(Cases& cases, const std::string& name, const std::string& subject) {
  cases.add<Print<Subject>>("M25", name, subject, Print<Subject>::texts);
}

}  // namespace bench
