// weir: the search for several bytes in one run of bytes after the other; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <optional>

#include "weir/base/bytes.h"
#include "weir/buffer/find_byte.h"

namespace weir {

/// Matches a needle byte by byte (Knuth, Morris, Pratt), and so across slices: never looks back at the bytes searched.
class Matcher {
 public:
  explicit Matcher(Bytes needle) noexcept : needle_(needle) {}

  /// How many of the last bytes may be the beginning of an occurrence.
  std::size_t matched() const noexcept { return matched_; }
  /// Says how many: the longest beginning of the needle, but not all of it, that the bytes so far end with.
  void set_matched(std::size_t count) noexcept { matched_ = count; }

  /// True when this byte completes the needle.
  bool step(std::byte byte) noexcept {
    while (matched_ != 0 && needle_[matched_] != byte) matched_ = border(matched_);
    if (needle_[matched_] == byte) ++matched_;
    return matched_ == needle_.size();
  }

 private:
  /// The longest proper beginning of the needle that is also an end of its first `length` bytes.
  std::size_t border(std::size_t length) noexcept {
    if (table_ == nullptr && !build()) return compare_for_border(length);
    return table_[length - 1];
  }

  /// False when there is no memory for the table of a long needle.
  bool build() noexcept {
    table_ = short_table_.data();
    if (needle_.size() > short_table_.size()) {
      long_table_.reset(new (std::nothrow) std::size_t[needle_.size()]);
      table_ = long_table_.get();
      if (table_ == nullptr) return false;
    }
    table_[0] = 0;
    std::size_t length = 0;
    for (std::size_t i = 1; i < needle_.size(); ++i) {
      while (length != 0 && needle_[i] != needle_[length]) length = table_[length - 1];
      if (needle_[i] == needle_[length]) ++length;
      table_[i] = length;
    }
    return true;
  }

  /// The same answer without a table, slowly.
  std::size_t compare_for_border(std::size_t length) const noexcept {
    std::size_t border = length - 1;
    while (border != 0 && std::memcmp(needle_.data(), needle_.data() + length - border, border) != 0) --border;
    return border;
  }

  Bytes needle_;
  std::size_t matched_ = 0;
  std::size_t* table_ = nullptr;
  std::array<std::size_t, 64> short_table_;
  std::unique_ptr<std::size_t[]> long_table_;
};

/// Searches runs of bytes that follow one another for a needle of two bytes or more. Linear, whatever the bytes are.
///
/// As long as few of the needle's first byte are met, memchr goes from one to the next, which is the fastest there is, and
/// costs little in short runs. Where there are many, long runs are left to memmem. Either way only what lies across two
/// runs is matched byte by byte.
class NeedleSearch {
 public:
  explicit NeedleSearch(Bytes needle) noexcept : needle_(needle), matcher_(needle) {}

  /// Where in the next run the first occurrence ends; it may have begun in an earlier one.
  std::optional<std::size_t> find_end(Bytes run) noexcept {
    std::size_t i = 0;
    while (i < run.size() && matcher_.matched() > i) {  // what is matched began in an earlier run
      if (matcher_.step(run[i++])) return i;
    }
    if (matcher_.matched() > i) return std::nullopt;
    i -= matcher_.matched();
    matcher_.set_matched(0);
    const std::optional<std::size_t> end = is_dense_ ? find_end_dense(run, i) : find_end_sparse(run, i);
    searched_ += run.size();
    return end;
  }

  /// How many of the last bytes may be the beginning of an occurrence.
  std::size_t matched() const noexcept { return matcher_.matched(); }

 private:
  /// Below this a run is matched byte by byte: setting memmem up costs more.
  static constexpr std::size_t shortest_memmem = 64;
  /// A comparison in vain costs about as much as memmem on so many bytes.
  static constexpr std::size_t bytes_per_effort = 16;
  static constexpr std::size_t free_effort = 16;

  std::optional<std::size_t> find_end_sparse(Bytes run, std::size_t i) noexcept {
    while (i < run.size()) {
      const std::byte* first = find_byte(run.subspan(i), needle_[0]);
      if (first == nullptr) return std::nullopt;
      i = static_cast<std::size_t>(first - run.data());
      const std::size_t count = std::min(needle_.size(), run.size() - i);
      if (std::memcmp(first, needle_.data(), count) == 0) {
        if (count == needle_.size()) return i + count;
        matcher_.set_matched(count);
        return std::nullopt;
      }
      ++i;
      effort_ += 1 + count / 32;
      if (effort_ > free_effort + (searched_ + i) / bytes_per_effort) {
        is_dense_ = true;
        return find_end_dense(run, i);
      }
    }
    return std::nullopt;
  }

  std::optional<std::size_t> find_end_dense(Bytes run, std::size_t i) noexcept {
    if (run.size() - i >= std::max(needle_.size(), shortest_memmem)) {
      const void* hit = memmem(run.data() + i, run.size() - i, needle_.data(), needle_.size());
      if (hit != nullptr)
        return static_cast<std::size_t>(static_cast<const std::byte*>(hit) - run.data()) + needle_.size();
      i = run.size() - needle_.size() + 1;
    }
    while (i < run.size()) {
      if (matcher_.step(run[i++])) return i;
    }
    return std::nullopt;
  }

  Bytes needle_;
  Matcher matcher_;
  std::size_t searched_ = 0;
  std::size_t effort_ = 0;
  bool is_dense_ = false;
};

}  // namespace weir
