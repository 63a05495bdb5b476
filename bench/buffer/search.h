// weir: M13 to M16: searching across segments, searching on, describing segments, and making bytes contiguous.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

inline constexpr std::string_view needle = "0123456789abcdef";  // letters() has no digits
inline constexpr std::string_view hard_needle = "aaaaaaaaaaaaaaab";

/// The text in segments that do not touch each other in memory, so that nothing can join them.
class Segments {
 public:
  Segments(std::string_view text, std::size_t size) : memory_(std::string(text.size() / size * (size + gap), ' ')) {
    for (std::size_t at = 0; at < text.size(); at += size) {
      char* place = memory_.data() + at / size * (size + gap);
      text.copy(place, size, at);
      segments_.emplace_back(place, size);
    }
  }

  const std::vector<std::string_view>& all() const noexcept { return segments_; }

 private:
  static constexpr std::size_t gap = 64;

  Text memory_;
  std::vector<std::string_view> segments_;
};

inline std::string text_ending_in(std::string text, std::string_view end) {
  return text.replace(text.size() - end.size(), end.size(), end);
}

/// M13: 1 MiB in segments of `segment` bytes, with the needle at its end. An operation is a KiB searched.
template <class Subject>
class Find final : public Workload {
 public:
  Find(bool hard, std::size_t segment)
      : needle_(hard ? hard_needle : needle),
        text_(text_ending_in(hard ? std::string(mib, 'a') : letters(mib), needle_), segment) {
    for (const std::string_view piece : text_.all()) Subject::append_segment(buffer_, piece);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      if (Subject::find(buffer_, needle_) != mib - needle_.size()) std::abort();
    }
  }

 private:
  std::string_view needle_;
  Segments text_;
  typename Subject::Buffer buffer_;
};

/// M14: 1 MiB is copied in, in pieces of 1 KiB, and after each one the needle is looked for; it comes last.
template <class Subject>
class FindOn final : public Workload {
 public:
  FindOn() : text_(text_ending_in(letters(mib), needle)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      typename Subject::Finder finder;
      bool found = false;
      for (std::string_view rest = text_; !rest.empty(); rest.remove_prefix(kib)) {
        Subject::append(buffer_, rest.substr(0, kib));
        found = finder.find(buffer_, needle);
      }
      if (!found) std::abort();
      Subject::drop(buffer_, mib);
    }
  }

 private:
  Text text_;
  typename Subject::Buffer buffer_;
};

/// M15: a thousand segments are described for a system call. An operation is a segment.
template <class Subject>
class Gather final : public Workload {
 public:
  static constexpr std::size_t segments = 1000;

  explicit Gather(std::size_t segment) : text_(letters(segments * segment), segment), entries_(segments) {
    for (const std::string_view piece : text_.all()) Subject::append_segment(buffer_, piece);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      keep(Subject::gather(buffer_, entries_.data(), entries_.size()));
      clobber();
    }
  }

 private:
  Segments text_;
  std::vector<iovec> entries_;
  typename Subject::Buffer buffer_;
};

/// M16: two segments arrive, and the first `count` bytes, which end in the second one, are wanted in one piece.
template <class Subject>
class Contiguous final : public Workload {
 public:
  explicit Contiguous(std::size_t count) : count_(count), text_(letters(count / 4 * 6), count / 4 * 3) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      fill();
      keep(Subject::contiguous(buffer_, count_));
      Subject::drop(buffer_, Subject::size(buffer_));
    }
  }

  /// Bytes that do not lie where they arrived.
  double copied() {
    fill();
    Subject::contiguous(buffer_, count_);
    std::size_t stayed = 0;
    Subject::for_each_segment(buffer_, [&](const char* data, std::size_t size) {
      for (const std::string_view piece : text_.all()) {
        if (piece.data() <= data && data + size <= piece.data() + piece.size()) stayed += size;
      }
    });
    return static_cast<double>(Subject::size(buffer_) - stayed);
  }

 private:
  void fill() {
    for (const std::string_view piece : text_.all()) Subject::append_segment(buffer_, piece);
  }

  std::size_t count_;
  Segments text_;
  typename Subject::Buffer buffer_;
};

template <class Subject>
void add_search_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t segment : {64UL, 4 * kib, 64 * kib}) {
    cases.add<Find<Subject>>("M13", "find/segments=" + std::to_string(segment), subject, mib / kib, false, segment);
    cases.add<Find<Subject>>("M13", "find-hard/segments=" + std::to_string(segment), subject, mib / kib, true, segment);
  }
  cases.add<FindOn<Subject>>("M14", "find-on/pieces=1024", subject, mib / kib);
}

template <class Subject>
void add_gather_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t segment : {64UL, 4 * kib}) {
    if (segment <= Subject::joined) continue;
    cases.add<Gather<Subject>>("M15", "gather/segments=" + std::to_string(segment), subject, Gather<Subject>::segments,
                               segment);
  }
}

template <class Subject>
void add_contiguous_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t count : {64UL, 4 * kib, 16 * kib}) {
    const std::string name = std::to_string(count);
    cases.add<Contiguous<Subject>>("M16", "contiguous/" + name, subject, 1, count);
    cases.add_figure("M16", "copied/" + name, subject, "bytes/op", Kind::once,
                     [=](double) { return Contiguous<Subject>(count).copied(); });
  }
}

}  // namespace bench
