// weir: fuzz target: a RingBuffer against a plain string.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "fuzz/wanted.h"
#include "weir/buffer/ring_buffer.h"
#include "weir/buffer/search.h"

namespace weir::fuzz {
namespace {

class Turning {
 public:
  explicit Turning(RingBuffer&& ring) : ring_(std::move(ring)) {}

  void step(Input& input) {
    switch (input.below(12)) {
      case 0: append(input.text(input.below(200))); break;
      case 1: append(input.filler(input.size())); break;
      case 2: append_some(input); break;
      case 3: fill(input); break;
      case 4: drop(some_of_content(input)); break;
      case 5: copy(input); break;
      case 6: take(input); break;
      case 7: move(input); break;
      default: search(input); break;
    }
    require_same(as_text(ring_.bytes()), text_, "a ring's content");
    require(ring_.size() == text_.size() && ring_.room().size() == ring_.capacity() - text_.size(),
            "a ring's content and room are not its capacity");
    require(ring_.is_empty() == text_.empty() && ring_.is_full() == (text_.size() == ring_.capacity()),
            "a ring is wrong about being empty or full");
  }

 private:
  std::size_t room() const { return ring_.capacity() - text_.size(); }

  /// Often nearly all of it: a ring that is never empty gets around soonest.
  std::size_t some_of_content(Input& input) const {
    const std::size_t form = input.below(3);
    if (form == 0) return text_.size() - std::min(text_.size(), input.below(4));
    return form == 1 ? input.below(text_.size() + 1) : std::min(input.size(), text_.size());
  }

  void append(std::string_view text) {
    const bool fits = text.size() <= room();
    require(ring_.append(text) == fits, "a ring takes what does not fit, or not what does");
    if (fits) text_ += text;
  }

  void append_some(Input& input) {
    const std::string text = input.filler(input.size());
    const std::size_t count = ring_.append_some(as_bytes(text));
    require(count == std::min(text.size(), room()), "a ring takes another part of what is too much");
    text_ += text.substr(0, count);
  }

  /// In place, in up to two steps, of which the first leaves a part uncommitted.
  void fill(Input& input) {
    const std::string text = input.filler(input.coin() ? room() : std::min(input.size(), room()));
    const std::size_t first = input.below(text.size() + 1);
    std::ranges::copy(as_bytes(text), ring_.room().begin());
    ring_.commit(first);
    ring_.commit(text.size() - first);
    text_ += text;
  }

  void drop(std::size_t count) {
    if (count == text_.size() && count % 2 == 0) {
      ring_.clear();
    } else {
      ring_.drop(count);
    }
    text_.erase(0, count);
  }

  void copy(Input& input) {
    const std::size_t offset = input.below(text_.size() + 1);
    std::vector<std::byte> into(input.size());
    const std::size_t count = ring_.copy_to(into, offset);
    require(count == std::min(into.size(), text_.size() - offset), "a ring copies another number of bytes");
    require_same(as_text(into).substr(0, count), std::string_view(text_).substr(offset, count), "bytes copied out");
  }

  void take(Input& input) {
    std::vector<std::byte> into(input.size());
    const std::size_t count = ring_.take(into);
    require(count == std::min(into.size(), text_.size()), "a ring gives another number of bytes");
    require_same(as_text(into).substr(0, count), std::string_view(text_).substr(0, count), "bytes taken out");
    text_.erase(0, count);
  }

  /// To another object and back. What was moved from has room for nothing.
  void move(Input& input) {
    RingBuffer other(std::move(ring_));
    require(
        ring_.capacity() == 0 && ring_.is_empty() && !ring_.append("x"),  // NOLINT(bugprone-use-after-move): promised
        "a ring that was moved from has room");
    if (input.coin()) {
      ring_ = std::move(other);
    } else {
      std::swap(ring_, other);
    }
  }

  void search(Input& input) {
    SearchPosition& token = tokens_[input.below(tokens_.size())];
    if (input.below(3) != 0 || wanted_.bytes.empty()) wanted_ = Wanted::chosen(input, text_);
    const Found expected = plain_find(text_, wanted_);
    require_same(find_in(ring_, wanted_), expected, wanted_, "in a ring");
    require_same(find_in(ring_, wanted_, token), expected, wanted_, "in a ring, with a token");
    require_same(find_in(ring_, wanted_, token), expected, wanted_, "in a ring, with the same token again");
  }

  RingBuffer ring_;
  std::string text_;
  Wanted wanted_;
  std::array<SearchPosition, 2> tokens_;
};

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzz::Input input(data, size);
  weir::Result<weir::RingBuffer> ring = weir::RingBuffer::create(1 + input.below(2) * 4096);
  if (!ring) return 0;  // no memory, or no more descriptors
  weir::fuzz::Turning turning(*std::move(ring));
  while (!input.is_empty()) turning.step(input);
  return 0;
}
