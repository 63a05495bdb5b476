// weir: fuzz target: drafts of a buffer that is changed meanwhile, against plain strings.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/varint.h"

namespace weir::fuzz {
namespace {

constexpr std::size_t most_bytes = 16'384;  ///< of a draft, and of the buffer
constexpr std::size_t most_drafts = 3;
constexpr std::size_t most_places = 8;

/// A draft and what it should have staged.
struct Staging {
  struct Place {
    Draft::Mark mark;
    std::size_t position;
    bool is_gone = false;
  };
  /// Memory that the draft gave out: its address must stay.
  struct Region {
    MutableBytes memory;
    std::size_t position;
  };

  explicit Staging(Buffer& buffer) : draft(buffer) {}

  /// All that was staged has gone.
  void forget() {
    text.clear();
    regions.clear();
    for (Place& place : places) place.is_gone = true;
  }

  /// `count` bytes were put in. A region they cut in two goes on as two.
  void shift(std::size_t position, std::size_t count) {
    for (Place& place : places) {
      if (place.position >= position) place.position += count;
    }
    std::vector<Region> moved;
    for (const Region& region : regions) {
      const std::size_t before =
          std::clamp(position, region.position, region.position + region.memory.size()) - region.position;
      if (before != 0) moved.push_back({region.memory.first(before), region.position});
      if (before != region.memory.size())
        moved.push_back({region.memory.subspan(before), region.position + before + count});
    }
    regions = std::move(moved);
  }

  void cut(std::size_t count) {
    for (Place& place : places) place.is_gone |= count == 0 || place.position > count;
    std::erase_if(regions, [&](const Region& region) { return region.position >= count; });
    for (Region& region : regions)
      region.memory = region.memory.first(std::min(region.memory.size(), count - region.position));
    text.resize(count);
  }

  void check() const {
    require(draft.size() == text.size() && draft.is_empty() == text.empty(), "a draft has another size");
    for (const Region& region : regions)
      require_same(as_text(region.memory), std::string_view(text).substr(region.position, region.memory.size()),
                   "memory that a draft gave out");
  }

  Draft draft;
  std::string text;
  std::vector<Place> places;
  std::vector<Region> regions;
};

class Drafting {
 public:
  explicit Drafting(Pool& pool) : buffer_(pool) {}

  void step(Input& input) {
    const std::size_t form = input.below(20);
    if (form >= 14) {
      change_buffer(input, form);
    } else if (form == 0 || stagings_.empty()) {
      begin(input);
    } else {
      stage(input, *stagings_[input.below(stagings_.size())], form);
    }
    require_same(buffer_, text_, "the buffer beside its drafts");
    for (const std::unique_ptr<Staging>& staging : stagings_) staging->check();
  }

  /// What is open is taken back; the buffer keeps what was committed.
  void finish() {
    stagings_.clear();
    require_same(buffer_, text_, "the buffer without its drafts");
    buffer_.clear();
    for (const Lent& lent : lent_) require(lent.returned == 1, "lent memory did not come back once");
  }

 private:
  struct Lent {
    std::vector<std::byte> memory;
    int returned = 0;
  };

  void begin(Input& input) {
    if (stagings_.size() == most_drafts) {
      stagings_.erase(stagings_.begin() + static_cast<std::ptrdiff_t>(input.below(most_drafts)));
    }
    stagings_.push_back(std::make_unique<Staging>(buffer_));
  }

  void stage(Input& input, Staging& to, std::size_t form) {
    switch (form) {
      case 1:
      case 2: return allocate(input, to);
      case 3: return fill_in(input, to);
      case 4:
      case 5: return append(input, to);
      case 6: return append_number(input, to);
      case 7: return append_own(input, to);
      case 8: return append_draft(*stagings_[input.below(stagings_.size())], to);
      case 9: return mark(input, to);
      case 10: return insert(input, to);
      case 11: return truncate(input, to);
      case 12: return commit(to);
      default:
        if (!input.coin()) return commit(to);
        to.draft.rollback();
        return to.forget();
    }
  }

  static bool has_room(const Staging& to, std::size_t count) { return to.text.size() + count <= most_bytes; }

  void allocate(Input& input, Staging& to) {
    const bool may_be_less = input.coin();
    const std::size_t asked = input.size();
    if (!has_room(to, asked)) return;
    const MutableBytes memory = may_be_less ? to.draft.allocate_up_to(asked) : to.draft.allocate(asked);
    require(memory.size() == asked || (may_be_less && memory.size() < asked && !memory.empty()),
            "a draft gave another number of bytes than was asked for");
    const std::string text = input.filler(memory.size());
    std::ranges::copy(as_bytes(text), memory.begin());
    if (!memory.empty()) to.regions.push_back({memory, to.text.size()});
    to.text += text;
  }

  /// Writes again what was allocated earlier, as one does with a length.
  static void fill_in(Input& input, Staging& to) {
    const std::size_t chosen = input.below(to.regions.size());
    if (to.regions.empty()) return;
    const Staging::Region& region = to.regions[chosen];
    const std::string text = input.filler(region.memory.size());
    std::ranges::copy(as_bytes(text), region.memory.begin());
    to.text.replace(region.position, text.size(), text);
  }

  void append(Input& input, Staging& to) {
    const std::size_t form = input.below(7);
    const std::string text = input.filler(input.size());
    if (!has_room(to, text.size())) return;
    const std::array pieces{as_bytes(text).first(text.size() / 3), as_bytes(text).subspan(text.size() / 3)};
    switch (form) {
      case 0: to.draft.append(std::string_view(text)); break;
      case 1: to.draft.append(std::string(text)); break;
      case 2: to.draft.append(slice_of(text)); break;
      case 3: to.draft.append(std::vector<std::byte>(as_bytes(text).begin(), as_bytes(text).end())); break;
      case 4: to.draft.append_pieces(pieces); break;
      case 5: to.draft.append(one_slice(text, buffer_.pool())); break;
      default: append_foreign(text, to.draft); break;
    }
    to.text += text;
  }

  /// Memory that is spoilt when it comes back.
  void append_foreign(std::string_view text, Draft& to) {
    Lent& lent = lent_.emplace_back();
    lent.memory.assign(as_bytes(text).begin(), as_bytes(text).end());
    to.append_foreign(lent.memory, [&lent] {
      ++lent.returned;
      std::ranges::fill(lent.memory, std::byte{0xEE});
      lent.memory = {};
    });
  }

  static void append_number(Input& input, Staging& to) {
    const std::size_t form = input.below(3);
    const std::uint64_t value = input.number(4);
    if (!has_room(to, longest_varint)) return;
    std::string bytes;
    for (std::size_t i = 0; i < 4; ++i) bytes += static_cast<char>(value >> 8 * i);
    switch (form) {
      case 0: to.draft.append_little_endian(static_cast<std::uint32_t>(value)); break;
      case 1:
        to.draft.append_big_endian(static_cast<std::uint32_t>(value));
        std::ranges::reverse(bytes);
        break;
      default:
        to.draft.append_varint(value);
        bytes = as_text(Varint(value).bytes());
        break;
    }
    to.text += bytes;
  }

  /// A part of the target's own content, which both then view, or which the target has no longer.
  void append_own(Input& input, Staging& to) {
    const std::size_t form = input.below(4);
    const std::size_t offset = form < 2 ? 0 : input.below(text_.size() + 1);
    const std::size_t count = form % 2 == 0 ? text_.size() - offset : input.below(text_.size() - offset + 1);
    if (!has_room(to, count)) return;
    to.text += text_.substr(offset, count);
    if (form < 2) {
      to.draft.append(buffer_.take(count));
      text_.erase(0, count);
    } else {
      to.draft.append(buffer_.share(offset, count));
    }
  }

  /// To itself: no effect.
  static void append_draft(Staging& from, Staging& to) {
    if (!has_room(to, from.text.size())) return;
    to.draft.append(std::move(from.draft));
    if (&from == &to || from.text.empty()) return;
    for (Staging::Region& region : from.regions)
      to.regions.push_back({region.memory, region.position + to.text.size()});
    to.text += from.text;
    from.forget();
  }

  static void mark(Input& input, Staging& in) {
    const std::size_t back = input.coin() ? 0 : input.below(in.text.size() + 1);
    if (in.places.size() == most_places) in.places.erase(in.places.begin());
    in.places.push_back({back == 0 ? in.draft.mark() : in.draft.mark_before_last(back), in.text.size() - back});
  }

  void insert(Input& input, Staging& to) {
    const std::size_t chosen = input.below(to.places.size());
    const bool is_slice = input.coin();
    const std::string text = input.filler(input.size());
    if (to.places.empty() || !has_room(to, text.size())) return;
    const Staging::Place place = to.places[chosen];
    Buffer bytes = one_slice(text, buffer_.pool());
    Slice slice = slice_of(text);
    const bool is_inserted =
        is_slice ? to.draft.insert(place.mark, std::move(slice)) : to.draft.insert(place.mark, std::move(bytes));
    require(is_inserted == !place.is_gone, "a place is gone that is there, or the other way round");
    const std::size_t left = is_slice ? slice.size() : bytes.size();  // NOLINT(bugprone-use-after-move): promised
    require(left == (is_inserted ? 0 : text.size()), "what was to be inserted is not as promised");
    if (!is_inserted) return;
    to.text.insert(place.position, text);
    to.shift(place.position, text.size());
  }

  static void truncate(Input& input, Staging& in) {
    const std::size_t count = input.below(in.text.size() + 2);
    require(in.draft.truncate(count) == (count <= in.text.size()), "cut back to more than there is, or not at all");
    if (count < in.text.size()) in.cut(count);
  }

  void commit(Staging& staging) {
    if (text_.size() + staging.text.size() > most_bytes) drop(text_.size());
    staging.draft.commit();
    text_ += staging.text;
    staging.forget();
  }

  void drop(std::size_t count) {
    buffer_.drop(count);
    text_.erase(0, count);
  }

  void change_buffer(Input& input, std::size_t form) {
    switch (form) {
      case 14: return append_directly(input);
      case 15: return drop(input.below(text_.size() + 1));
      case 16: return prepare(input);
      case 17: return rearrange(input);
      case 18:
        buffer_.prepend("in front");
        text_.insert(0, "in front");
        return bound();
      default: {
        const std::size_t count = input.below(text_.size() + 1);
        buffer_.truncate(count);
        text_.resize(count);
      }
    }
  }

  void bound() {
    if (text_.size() > most_bytes) drop(text_.size() - 100);
  }

  void append_directly(Input& input) {
    const std::string text = input.filler(input.size());
    if (input.coin()) {
      buffer_.append(text);
    } else {
      buffer_.append(slice_of(text));
    }
    text_ += text;
    bound();
  }

  void prepare(Input& input) {
    const std::string text = input.filler(input.size());
    std::ranges::copy(as_bytes(text), buffer_.prepare(text.size()).begin());
    const std::size_t count = input.below(text.size() + 1);
    buffer_.commit(count);
    text_ += text.substr(0, count);
    bound();
  }

  /// The content stays the same; where it lies, and who may write behind it, does not.
  void rearrange(Input& input) {
    const std::size_t count = input.below(text_.size() + 1);
    switch (input.below(5)) {
      case 0: (void)buffer_.contiguous(count); break;
      case 1: (void)buffer_.reserve(count + 1); break;
      case 2: buffer_.compact(); break;
      case 3: (void)buffer_.writable(count); break;
      default: {
        Buffer back = buffer_.split(count);
        buffer_.append(std::move(back));
        break;
      }
    }
  }

  std::list<Lent> lent_;  ///< its elements stay where they are
  Buffer buffer_;
  std::string text_;
  std::vector<std::unique_ptr<Staging>> stagings_;
};

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzz::Input input(data, size);
  weir::Pool pool({.limit = std::size_t{1} << 26});
  {
    weir::fuzz::Drafting drafting(pool);
    while (!input.is_empty()) drafting.step(input);
    drafting.finish();
  }
  weir::fuzz::require_all_released(pool);
  return 0;
}
