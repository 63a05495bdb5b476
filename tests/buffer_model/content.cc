// weir: what a buffer should hold: text, and stretches whose bytes nobody may look at.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/content.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::buffer_model {
namespace {

std::string shown(std::string_view text) {
  std::string result = "'";
  for (const char letter : text.substr(0, 12)) result += letter >= ' ' && letter <= '~' ? letter : '.';
  return result + "'";
}

}  // namespace

std::string_view Content::head() const noexcept {
  return runs_.empty() || !runs_.front().is_text ? std::string_view() : runs_.front().view();
}

std::size_t Content::text_size() const noexcept {
  std::size_t size = 0;
  for (const Run& run : runs_) size += run.is_text ? run.size : 0;
  return size;
}

void Content::append_run(Run&& run) {
  if (run.size == 0) return;
  size_ += run.size;
  if (run.is_text && !runs_.empty() && runs_.back().is_text) {
    Run& last = runs_.back();
    last.text.append(run.view());
    last.size += run.size;
  } else {
    runs_.push_back(std::move(run));
  }
}

void Content::append(std::string_view text) {
  if (text.empty()) return;
  if (runs_.empty() || !runs_.back().is_text) runs_.emplace_back();
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
  append_run(Run{.is_text = false, .text = {}, .start = address, .size = size});
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
  Run right{.is_text = left.is_text, .text = {}, .start = 0, .size = left.size - offset};
  if (left.is_text) {
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
  const auto border = runs_.begin() + static_cast<std::ptrdiff_t>(border_at(count));
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
    if (run.is_text) {
      result.append(run.view().substr(offset, size));
    } else {
      result.append_claimed(run.start + offset, size);
    }
    count -= size;
    offset = 0;
    if (count == 0) break;
  }
  return result;
}

std::string Content::difference(const Buffer& buffer) const {
  if (buffer.size() != size_) {
    return "the size is " + std::to_string(buffer.size()) + " instead of " + std::to_string(size_);
  }
  std::size_t run = 0;
  std::size_t done = 0;  // of that run
  std::size_t offset = 0;
  for (const Slice& slice : buffer.slices()) {
    if (slice.is_empty()) return "an empty slice at " + std::to_string(offset);
    for (std::size_t seen = 0; seen < slice.size();) {
      if (run == runs_.size()) return "the slices have more bytes than the size tells";
      const Run& expected = runs_[run];
      const std::size_t count = std::min(slice.size() - seen, expected.size - done);
      if (expected.is_text) {
        const std::string_view here = as_text(slice.bytes().subspan(seen, count));
        const std::string_view there = expected.view().substr(done, count);
        if (here != there) {
          const auto at =
              static_cast<std::size_t>(std::mismatch(here.begin(), here.end(), there.begin()).first - here.begin());
          return "byte " + std::to_string(offset + at) + " begins " + shown(here.substr(at)) + " instead of " +
                 shown(there.substr(at));
        }
      } else if (reinterpret_cast<std::uintptr_t>(slice.data()) + seen != expected.start + done) {
        return "what is claimed at byte " + std::to_string(offset) + " lies elsewhere";
      }
      seen += count;
      done += count;
      offset += count;
      if (done == expected.size) {
        ++run;
        done = 0;
      }
    }
  }
  return offset == size_ ? std::string() : "the slices have fewer bytes than the size tells";
}

}  // namespace weir::buffer_model
