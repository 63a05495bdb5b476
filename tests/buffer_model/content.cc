// weir: what a buffer should hold: text, and stretches whose bytes nobody may look at.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/content.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "tests/buffer_model/material.h"
#include "weir/buffer/file_range.h"

namespace weir::buffer_model {
namespace {

std::string shown(std::string_view text) {
  std::string result = "'";
  for (const char letter : text.substr(0, 12)) result += letter >= ' ' && letter <= '~' ? letter : '.';
  return result + "'";
}

}  // namespace

std::string_view Content::head() const noexcept {
  return runs_.empty() || !runs_.front().is_text() ? std::string_view() : runs_.front().view();
}

std::size_t Content::text_size() const noexcept {
  std::size_t size = 0;
  for (const Run& run : runs_) size += run.is_text() ? run.size : 0;
  return size;
}

void Content::append_run(Run&& run) {
  if (run.size == 0) return;
  size_ += run.size;
  if (run.is_text() && !runs_.empty() && runs_.back().is_text()) {
    Run& last = runs_.back();
    last.text.append(run.view());
    last.size += run.size;
  } else {
    runs_.push_back(std::move(run));
  }
}

void Content::append(std::string_view text) {
  if (text.empty()) return;
  if (runs_.empty() || !runs_.back().is_text()) runs_.emplace_back();
  Run& last = runs_.back();
  if (last.start > 4096 && last.start > 2 * last.size) {  // dropped from the front long ago
    last.text.erase(0, last.start);
    last.start = 0;
  }
  last.text.append(text);
  last.size += text.size();
  size_ += text.size();
}

void Content::append(Content&& other) {
  if (is_empty()) {
    *this = std::exchange(other, Content());
    return;
  }
  for (Run& run : other.runs_) append_run(std::move(run));
  other = Content();
}

void Content::append_claimed(std::uintptr_t address, std::size_t size) {
  append_run(Run{.kind = Kind::claimed, .text = {}, .start = address, .size = size});
}

void Content::append_file(std::size_t offset, std::size_t size) {
  append_run(Run{.kind = Kind::file, .text = {}, .start = offset, .size = size});
}

void Content::prepend(Content&& other) {
  other.append(std::move(*this));
  *this = std::exchange(other, Content());
}

void Content::insert(std::size_t offset, Content&& other) {
  Content rest = split(offset);
  append(std::move(other));
  append(std::move(rest));
}

void Content::overwrite(std::size_t offset, std::string_view text) {
  if (text.empty()) return;
  Run& only = runs_.front();
  only.text.replace(only.start + offset, text.size(), text);
}

/// Sees to it that a run begins at `offset`, and returns which.
std::size_t Content::border_at(std::size_t offset) {
  std::size_t i = 0;
  while (i < runs_.size() && offset >= runs_[i].size) offset -= runs_[i++].size;
  if (offset == 0) return i;
  Run& left = runs_[i];
  Run right{.kind = left.kind, .text = {}, .start = 0, .size = left.size - offset};
  if (left.is_text()) {
    right.text = left.view().substr(offset);
    left.text.resize(left.start + offset);
  } else {
    right.start = left.start + offset;
  }
  left.size = offset;
  runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(right));
  return i + 1;
}

void Content::drop(std::size_t count) {
  size_ -= count;
  std::size_t whole = 0;
  while (whole < runs_.size() && count >= runs_[whole].size) count -= runs_[whole++].size;
  runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(whole));
  if (count == 0) return;
  runs_.front().start += count;
  runs_.front().size -= count;
}

Content Content::take(std::size_t count) {
  Content taken = part(0, count);
  drop(count);
  return taken;
}

Content Content::split(std::size_t count) {
  Content rest;
  const std::size_t first = border_at(count);  // before begin() is asked for: it may insert
  const auto border = runs_.begin() + static_cast<std::ptrdiff_t>(first);
  rest.runs_.assign(std::make_move_iterator(border), std::make_move_iterator(runs_.end()));
  runs_.erase(border, runs_.end());
  rest.size_ = size_ - count;
  size_ = count;
  return rest;
}

Content Content::part(std::size_t offset, std::size_t count) const {
  Content result;
  for (const Run& run : runs_) {
    if (offset >= run.size) {
      offset -= run.size;
      continue;
    }
    const std::size_t size = std::min(run.size - offset, count);
    if (run.is_text()) {
      result.append(run.view().substr(offset, size));
    } else {
      result.append_run(Run{.kind = run.kind, .text = {}, .start = run.start + offset, .size = size});
    }
    count -= size;
    offset = 0;
    if (count == 0) break;
  }
  return result;
}

bool Content::has(Kind kind) const noexcept {
  return std::ranges::any_of(runs_, [kind](const Run& run) { return run.kind == kind; });
}

bool Content::is_same_as(const Content& other) const {
  if (size_ != other.size_) return false;
  std::size_t done = 0;
  for (const Run& run : runs_) {
    const Content there = other.part(done, run.size);
    if (run.is_text() && there.head() != run.view()) return false;
    std::uintptr_t next = run.start;
    for (const Run& piece : there.runs_) {
      if (piece.kind != run.kind || (!run.is_text() && piece.start != next)) return false;
      next += piece.size;
    }
    done += run.size;
  }
  return true;
}

void Content::read_file(std::size_t count) {
  Content rest = split(count);
  Content read;
  for (Run& run : runs_) {
    if (run.kind == Kind::file) {
      read.append(file_text().substr(std::min(run.start, file_text().size()), run.size));
    } else {
      read.append_run(std::move(run));
    }
  }
  *this = std::move(read);
  append(std::move(rest));
}

/// Goes along the runs while a buffer's slices and file ranges are compared with them.
class Content::Walk {
 public:
  explicit Walk(const Content& content) : runs_(content.runs_) {}

  std::size_t offset() const noexcept { return offset_; }

  /// Why the next `bytes` are not what they should be.
  std::string compare_memory(Bytes bytes) {
    while (!bytes.empty()) {
      if (run_ == runs_.size()) return "there are more bytes than the size tells";
      const Run& expected = runs_[run_];
      const Bytes here = bytes.first(std::min(bytes.size(), expected.size - done_));
      if (expected.kind == Kind::file) return "byte " + std::to_string(offset_) + " is in memory";
      if (expected.is_text() && as_text(here) != expected.view().substr(done_, here.size())) {
        return difference_in(as_text(here), expected.view().substr(done_, here.size()));
      }
      if (!expected.is_text() && reinterpret_cast<std::uintptr_t>(here.data()) != expected.start + done_) {
        return "what is claimed at byte " + std::to_string(offset_) + " lies elsewhere";
      }
      advance(here.size());
      bytes = bytes.subspan(here.size());
    }
    return {};
  }

  /// The same for the next `size` bytes, which are the file's from `place` on.
  std::string compare_file(std::size_t place, std::size_t size) {
    while (size != 0) {
      if (run_ == runs_.size()) return "there are more bytes than the size tells";
      const Run& expected = runs_[run_];
      if (expected.kind != Kind::file) return "byte " + std::to_string(offset_) + " is the file's";
      if (expected.start + done_ != place) return "byte " + std::to_string(offset_) + " is elsewhere in the file";
      const std::size_t count = std::min(size, expected.size - done_);
      advance(count);
      place += count;
      size -= count;
    }
    return {};
  }

 private:
  std::string difference_in(std::string_view here, std::string_view there) const {
    const auto at = static_cast<std::size_t>(std::ranges::mismatch(here, there).in1 - here.begin());
    return "byte " + std::to_string(offset_ + at) + " begins " + shown(here.substr(at)) + " instead of " +
           shown(there.substr(at));
  }

  void advance(std::size_t count) noexcept {
    offset_ += count;
    done_ += count;
    if (done_ != runs_[run_].size) return;
    ++run_;
    done_ = 0;
  }

  const std::vector<Run>& runs_;
  std::size_t run_ = 0;
  std::size_t done_ = 0;  ///< of that run
  std::size_t offset_ = 0;
};

std::string Content::difference(const Buffer& buffer) const {
  if (buffer.size() != size_) {
    return "the size is " + std::to_string(buffer.size()) + " instead of " + std::to_string(size_);
  }
  Walk walk(*this);
  Buffer copy;  // to get behind parts of the file
  for (const Buffer* part = &buffer;;) {
    const std::size_t begin = walk.offset();
    for (const Slice& slice : part->slices()) {
      if (slice.is_empty()) return "an empty slice at " + std::to_string(walk.offset());
      if (std::string trouble = walk.compare_memory(slice.bytes()); !trouble.empty()) return trouble;
    }
    if (walk.offset() == size_) return {};
    if (!has(Kind::file)) return "the slices have fewer bytes than the size tells";
    if (part == &buffer) copy = buffer.share();
    part = &copy;
    copy.drop(walk.offset() - begin);
    const std::optional<FileRange> file = copy.front_file();
    if (!file || file->is_empty()) return "no part of the file at " + std::to_string(walk.offset());
    if (std::string trouble = walk.compare_file(file->offset(), file->size()); !trouble.empty()) return trouble;
    copy.drop(file->size());
  }
}

}  // namespace weir::buffer_model
