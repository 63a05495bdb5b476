// weir: M4, M6 and M7: messages cut off a stream, length prefixes, bytes handed from buffer to buffer.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

/// M4: 1 MiB arrives in reads of `read` bytes (the kernel would write them: nothing is copied), and leaves in messages
/// of `size`, each dropped at once.
template <class Subject>
class SplitStream final : public Workload {
 public:
  SplitStream(std::size_t size, std::size_t read) : size_(size), read_(read) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      fill();
      while (Subject::size(buffer_) >= size_) {
        auto part = Subject::cut(buffer_, size_, scratch_);
        keep(part);
      }
      Subject::drop(buffer_, Subject::size(buffer_));
    }
  }

  /// Bytes of a message that do not lie where they arrived.
  double copied_per_split() {
    fill();
    std::vector<std::pair<const char*, std::size_t>> arrived;
    Subject::for_each_segment(buffer_, [&](const char* data, std::size_t size) { arrived.emplace_back(data, size); });
    using Part = decltype(Subject::cut(buffer_, size_, scratch_));
    std::list<typename Subject::Buffer> buffers;
    std::vector<std::unique_ptr<Part>> parts;  // kept, so that no memory is used again
    std::size_t copied = 0;
    while (Subject::size(buffer_) >= size_) {
      parts.emplace_back(new Part(Subject::cut(buffer_, size_, buffers.emplace_back())));
      Subject::for_each_segment(*parts.back(), [&](const char* data, std::size_t size) {
        const bool stayed = std::any_of(arrived.begin(), arrived.end(), [&](const auto& segment) {
          return segment.first <= data && data + size <= segment.first + segment.second;
        });
        if (!stayed) copied += size;
      });
    }
    return static_cast<double>(copied) / static_cast<double>(parts.size());
  }

 private:
  void fill() {
    for (std::size_t arrived = 0; arrived < mib; arrived += read_) Subject::receive(buffer_, read_);
  }

  std::size_t size_;
  std::size_t read_;
  typename Subject::Buffer buffer_;
  typename Subject::Buffer scratch_;
};

/// M4: a reference to 64 KiB is appended and cut into pieces, each dropped at once.
template <class Subject>
class CutReference final : public Workload {
 public:
  static constexpr std::size_t whole = 64 * kib;

  explicit CutReference(std::size_t size) : source_(letters(whole)), size_(size) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      Subject::append_reference(buffer_, source_);
      for (std::size_t left = whole; left != 0; left -= size_) {
        auto part = Subject::cut(buffer_, size_, scratch_);
        keep(part);
      }
    }
  }

 private:
  Text source_;
  std::size_t size_;
  typename Subject::Buffer buffer_;
  typename Subject::Buffer scratch_;
};

/// M6: messages behind their length, out of references to 64 KiB of a stream.
template <class Subject>
class ParseMessages final : public Workload {
 public:
  ParseMessages(std::size_t body, std::size_t stream) : source_(messages_of(stream, body, count_)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      std::size_t parsed = 0;
      for (std::string_view rest = source_; !rest.empty(); rest.remove_prefix(std::min(rest.size(), 64 * kib))) {
        Subject::append_reference(buffer_, rest.substr(0, 64 * kib));
        while (Subject::next_message(buffer_, scratch_)) ++parsed;
      }
      if (parsed != count_) std::abort();
    }
  }

 private:
  std::size_t count_ = 0;
  Text source_;
  typename Subject::Buffer buffer_;
  typename Subject::Buffer scratch_;
};

/// M7: 64 KiB arrive in segments, go over to another buffer, and leave. With system calls: from /dev/zero to /dev/null.
template <class Subject>
class Proxy final : public Workload {
 public:
  static constexpr std::size_t turn = 64 * kib;

  Proxy(std::size_t segment, bool calls) : segment_(segment), calls_(calls) {
    if (!calls) return;
    in_ = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    out_ = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (in_ < 0 || out_ < 0) std::abort();
  }
  ~Proxy() override {
    if (!calls_) return;
    close(in_);
    close(out_);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t moved = 0; moved < turn; moved += segment_) {
        if (calls_) {
          Subject::read_into(input_, in_, segment_);
        } else {
          Subject::receive(input_, segment_);
        }
        Subject::splice(output_, input_);
      }
      std::array<iovec, 64> entries;
      const std::size_t count = Subject::gather(output_, entries.data(), entries.size());
      keep(entries);
      if (calls_ && writev(out_, entries.data(), static_cast<int>(count)) != static_cast<ssize_t>(turn)) std::abort();
      Subject::drop(output_, turn);
    }
  }

 private:
  std::size_t segment_;
  bool calls_;
  int in_ = -1;
  int out_ = -1;
  typename Subject::Buffer input_;
  typename Subject::Buffer output_;
};

/// M7: a buffer of 4 KiB goes back and forth between two that hold some bytes themselves.
template <class Subject>
class SpliceWhole final : public Workload {
 public:
  static constexpr std::size_t splices = 16;

  SpliceWhole() : source_(letters(4 * kib)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (auto& part : parts_) Subject::append_reference(part, source_);
      for (auto& part : parts_) Subject::splice(output_, part);
      Subject::drop(output_, Subject::size(output_));
    }
  }

 private:
  Text source_;
  std::array<typename Subject::Buffer, splices> parts_;
  typename Subject::Buffer output_;
};

/// M7: all of a buffer goes over to an empty one.
template <class Subject>
class SpliceIntoEmpty final : public Workload {
 public:
  explicit SpliceIntoEmpty(std::size_t slices) : source_(letters(4 * kib)) {
    for (std::size_t i = 0; i < slices; ++i) Subject::append_reference(left_, source_);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      Subject::splice(right_, left_);
      clobber();
      Subject::splice(left_, right_);
      clobber();
    }
  }

 private:
  Text source_;
  typename Subject::Buffer left_;
  typename Subject::Buffer right_;
};

template <class Subject>
void add_split_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {100UL, kib, 16 * kib, 100 * kib}) {
    for (const std::size_t read : {4 * kib, 16 * kib, 64 * kib}) {
      const std::string name = std::to_string(size) + "/reads=" + std::to_string(read);
      cases.add<SplitStream<Subject>>("M4", "split/" + name, subject, mib / size, size, read);
      cases.add_figure("M4", "copied/" + name, subject, "bytes/op", Kind::once,
                       [=](double) { return SplitStream<Subject>(size, read).copied_per_split(); });
    }
  }
  if constexpr (requires(typename Subject::Buffer & buffer) { Subject::append_reference(buffer, ""); }) {
    for (const std::size_t size : {kib, 4 * kib}) {
      cases.add_with_mallocs<CutReference<Subject>>("M4", "cut/" + std::to_string(size) + "/of=65536", subject,
                                                    CutReference<Subject>::whole / size, size);
    }
  }
}

template <class Subject>
void add_parse_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t body : {100UL, kib, 16 * kib}) {
    std::size_t count = 0;
    messages_of(mib, body, count);
    cases.add<ParseMessages<Subject>>("M6", "parse/" + std::to_string(body), subject, count, body, mib);
  }
}

template <class Subject>
void add_proxy_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t segment : {4 * kib, 16 * kib, 64 * kib}) {
    const std::string name = std::to_string(segment);
    cases.add<Proxy<Subject>>("M7", "hand-over/" + name, subject, Proxy<Subject>::turn / segment, segment, false);
    cases.add<Proxy<Subject>>("M7", "proxy/" + name, subject, Proxy<Subject>::turn / segment, segment, true);
  }
  cases.add_with_mallocs<SpliceWhole<Subject>>("M7", "splice/4096", subject, SpliceWhole<Subject>::splices);
  for (const std::size_t slices : {1, 16}) {
    cases.add<SpliceIntoEmpty<Subject>>("M7", "splice/into-empty/slices=" + std::to_string(slices), subject, 2, slices);
  }
}

}  // namespace bench
