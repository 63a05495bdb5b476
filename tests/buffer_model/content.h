// weir: what a buffer should hold: text, and stretches whose bytes nobody may look at.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/buffer/buffer.h"

namespace weir::buffer_model {

/// The content of a buffer as the model knows it. Text is kept as text; memory that is only claimed, of any length, is
/// known by its address, and a part of the file (there is one, see material.h) by its place.
///
/// Invariant: no run is empty, and no two runs of text are neighbours.
class Content {
 public:
  enum class Kind : std::uint8_t { text, claimed, file };

  Content() = default;
  explicit Content(std::string_view text) { append(text); }

  std::size_t size() const noexcept { return size_; }
  bool is_empty() const noexcept { return size_ == 0; }
  /// The text before the first stretch that is no text.
  std::string_view head() const noexcept;
  bool is_text() const noexcept { return head().size() == size_; }
  /// True when what reads cannot come upon memory that is only claimed: it would stop at a part of the file before.
  bool is_safe() const noexcept { return is_text() || runs_[head().empty() ? 0 : 1].kind == Kind::file; }
  bool has(Kind kind) const noexcept;
  /// The same bytes, and the same parts of the file.
  bool is_same_as(const Content& other) const;
  std::size_t run_count() const noexcept { return runs_.size(); }
  /// Bytes of text in all.
  std::size_t text_size() const noexcept;

  void append(std::string_view text);
  void append(Content&& other);
  /// Memory at `address` that must not be read.
  void append_claimed(std::uintptr_t address, std::size_t size);
  /// A part of the file.
  void append_file(std::size_t offset, std::size_t size);
  void prepend(Content&& other);
  /// Requires `offset <= size()`.
  void insert(std::size_t offset, Content&& other);
  /// Puts `text` in place of as many bytes of text. Requires that there is nothing but text up to its end.
  void overwrite(std::size_t offset, std::string_view text);
  /// What of the first `count` bytes is the file's has been read: it is text now. Requires that the file is so long.
  void read_file(std::size_t count);

  /// These require `count <= size()`.
  void drop(std::size_t count);
  void truncate(std::size_t count) { (void)split(count); }
  /// Takes the first `count` bytes out.
  Content take(std::size_t count);
  /// Keeps the first `count` bytes and takes the rest out.
  Content split(std::size_t count);
  /// A copy. Requires `offset + count <= size()`.
  Content part(std::size_t offset, std::size_t count) const;

  /// Empty if `buffer` holds the same; else what is wrong with it.
  std::string difference(const Buffer& buffer) const;

 private:
  struct Run {
    Kind kind = Kind::text;
    std::string text;          ///< what is left of it begins at `start`
    std::uintptr_t start = 0;  ///< of what is claimed: its address; of the file: the offset
    std::size_t size = 0;

    bool is_text() const noexcept { return kind == Kind::text; }
    std::string_view view() const noexcept { return std::string_view(text).substr(start, size); }
  };

  std::size_t border_at(std::size_t offset);
  void append_run(Run&& run);

  class Walk;

  std::vector<Run> runs_;
  std::size_t size_ = 0;
};

}  // namespace weir::buffer_model
