// weir: fuzz target: what is found in a buffer, however it is cut and whatever was done to it between two searches.
// SPDX-License-Identifier: MIT
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/fuzz.h"
#include "fuzz/wanted.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/cursor.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/search.h"

namespace weir::fuzz {
namespace {

constexpr std::size_t most_content = 8192;

/// A buffer in many slices, beside its text, and what is searched for in it.
class Searching {
 public:
  Searching(Input& input, Pool& pool) : cutter_(input.part(input.below(32))), buffer_(pool) {
    append(input.text(input.below(2048)));
  }

  /// After every change all that is searched for is searched for again, where the last search of it ended.
  void step(Input& input) {
    const std::size_t form = input.below(16);
    if (form < 5) {
      ask(input);
    } else if (form < 8) {
      append(input.text(input.below(300)));
    } else {
      change(input, form);
    }
    for (Query& query : queries_) answer(query);
  }

 private:
  /// Something to be searched for, and how far that has come.
  struct Query {
    Wanted wanted;
    SearchPosition position;
  };

  void change(Input& input, std::size_t form) {
    switch (form) {
      case 8:
      case 9: return complete(input);
      case 10: return prepend(input);
      case 11:
      case 12: return drop(input.below(text_.size() + 1));
      case 13: return truncate(input.below(text_.size() + 1));
      case 14: return rearrange(input);
      default: queries_[input.below(queries_.size())].position.reset();
    }
  }

  /// Its position goes on being used: where it knows nothing, the search must begin anew.
  void ask(Input& input) {
    Query& query = queries_[input.below(queries_.size())];
    query.wanted = Wanted::chosen(input, text_);
    const Found expected = plain_find(text_, query.wanted);
    require_same(find_in(buffer_, query.wanted), expected, query.wanted, "in slices");
    const Buffer whole = one_slice(text_, buffer_.pool());
    require_same(find_in(whole, query.wanted), expected, query.wanted, "in one slice");
    search_ahead(query.wanted, input.below(text_.size() + 1));
  }

  void search_ahead(const Wanted& wanted, std::size_t position) {
    Cursor cursor(buffer_);
    require(cursor.seek(position), "a cursor does not go to a place in its buffer");
    const Found expected = plain_find(std::string_view(text_).substr(position), wanted);
    require_same(find_in(cursor, wanted), expected, wanted, "from a cursor on");
    require(cursor.position() == position, "a search has moved the cursor");
  }

  void answer(Query& query) {
    if (query.wanted.kind == Wanted::Kind::byte && query.wanted.bytes.empty()) return;  // not asked for anything yet
    const Found expected = plain_find(text_, query.wanted);
    require_same(find_in(buffer_, query.wanted, query.position), expected, query.wanted, "that goes on");
    require_same(find_in(buffer_, query.wanted, query.position), expected, query.wanted, "that is done again");
  }

  /// Appends what begins, or ends, something that is searched for.
  void complete(Input& input) {
    const Wanted& wanted = queries_[input.below(queries_.size())].wanted;
    const std::string sought = wanted.kind == Wanted::Kind::line_end ? "\r\n" : wanted.bytes;
    const std::size_t begin = input.below(sought.size() + 1);
    const std::string part = sought.substr(begin, input.below(sought.size() - begin + 1));
    if (text_.size() + part.size() > most_content) return;
    buffer_.append(part);
    text_ += part;
  }

  void append(std::string_view text) {
    if (text_.size() + text.size() > most_content) return;
    cutter_.append_all(buffer_, text);
    text_ += text;
  }

  void prepend(Input& input) {
    const std::string_view text = input.text(input.below(64));
    if (text.empty() || text_.size() + text.size() > most_content) return;
    if (input.coin()) {
      buffer_.prepend(text);
    } else {
      buffer_.prepend(slice_of(text));
    }
    text_.insert(0, text);
  }

  void drop(std::size_t count) {
    buffer_.drop(count);
    text_.erase(0, count);
  }

  void truncate(std::size_t count) {
    buffer_.truncate(count);
    text_.resize(count);
  }

  /// The same bytes, or the halves the other way round, in other slices; a position must notice what it knows no longer.
  void rearrange(Input& input) {
    const std::size_t count = input.below(text_.size() + 1);
    switch (input.below(4)) {
      case 0: (void)buffer_.contiguous(count); break;
      case 1: {
        Buffer front = buffer_.take(count);
        buffer_.append(std::move(front));
        text_ = text_.substr(count) + text_.substr(0, count);
        break;
      }
      case 2: {
        Buffer back = buffer_.split(count);
        buffer_.append(std::move(back));
        break;
      }
      default: {
        Buffer other = buffer_.share();
        std::swap(buffer_, other);
        break;
      }
    }
  }

  Cutter cutter_;
  Buffer buffer_;
  std::string text_;
  std::array<Query, 3> queries_;
};

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::Pool pool({.limit = std::size_t{1} << 26});
  weir::fuzz::Input input(data, size);
  {
    weir::fuzz::Searching searching(input, pool);
    while (!input.is_empty()) searching.step(input);
  }
  weir::fuzz::require_all_released(pool);
  return 0;
}
