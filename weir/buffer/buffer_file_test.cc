// weir: tests of whatever looks at a buffer's bytes where some of them are a file's that was not read.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/test_file.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/byte_range.h"
#include "weir/buffer/cursor.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/transfer_buffer.h"

namespace weir {
namespace {

using testing_support::TestFile;

constexpr std::string_view file_text = "0123456789abcdef\nfile";

/// A buffer with a file range in it, and what it holds.
struct Layout {
  std::string_view name;
  std::size_t slices_before;  ///< of five bytes each, in memory
  std::size_t slices_behind;
};

constexpr std::array layouts{Layout{"only a file", 0, 0}, Layout{"a file in front", 0, 2},
                             Layout{"a file in the middle", 3, 2}, Layout{"a file at the end", 2, 0},
                             Layout{"a file behind many slices", 25, 25}};

/// A buffer of each layout, for each of the operations.
class FileInBuffer : public testing::TestWithParam<Layout> {
 protected:
  FileInBuffer() : file_(file_text), shared_(file_.share()) {
    add_memory(GetParam().slices_before);
    head_ = content_;
    buffer_.append(shared_.range(0, file_text.size()));
    content_ += file_text;
    add_memory(GetParam().slices_behind);
  }

  void add_memory(std::size_t slices) {
    static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (std::size_t i = 0; i < slices; ++i) {
      const std::string_view piece = letters.substr(20 - 5 * (i % 5), 5);  // no two merge
      buffer_.append_static(piece);
      content_ += piece;
    }
  }

  /// Reads all of it, at last.
  void expect_whole(Buffer& buffer, std::string_view expected) {
    ASSERT_TRUE(buffer.materialize(buffer.size()));
    EXPECT_EQ(buffer, expected);
  }

  const TestFile file_;
  const SharedFile shared_;
  Buffer buffer_;
  std::string content_;
  std::string head_;  ///< what lies before the file
};

INSTANTIATE_TEST_SUITE_P(Everywhere, FileInBuffer, testing::ValuesIn(layouts), [](const auto& layout) {
  std::string name(layout.param.name);
  std::ranges::replace(name, ' ', '_');
  return name;
});

// hazard: EV4
TEST_P(FileInBuffer, contiguous_gives_what_lies_before_it_and_else_nothing) {
  for (std::size_t count = 0; count <= content_.size(); ++count) {
    Buffer buffer = buffer_.share();
    const std::string expected = count <= head_.size() ? head_.substr(0, count) : "";

    EXPECT_EQ(as_text(buffer.contiguous(count)), expected) << count;

    expect_whole(buffer, content_);
  }
}

// hazard: EV4
TEST_P(FileInBuffer, writable_gives_what_lies_before_it_and_else_nothing) {
  for (std::size_t count = 0; count <= content_.size(); ++count) {
    Buffer buffer = buffer_.share();
    std::string expected = content_;

    const MutableBytes bytes = buffer.writable(count);

    ASSERT_EQ(bytes.size(), count <= head_.size() ? count : 0) << count;
    std::ranges::fill(bytes, std::byte{'!'});
    std::ranges::fill(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(bytes.size()), '!');
    expect_whole(buffer, expected);
  }
  expect_whole(buffer_, content_);
}

// hazard: EV4
TEST_P(FileInBuffer, copy_to_stops_before_it_wherever_it_begins) {
  for (std::size_t offset = 0; offset <= content_.size(); ++offset) {
    for (const std::size_t asked :
         {std::size_t{0}, std::size_t{1}, std::size_t{7}, content_.size(), content_.size() + 9}) {
      std::string to(asked, '.');
      const std::string_view rest = std::string_view(head_).substr(std::min(offset, head_.size()));

      const std::size_t copied = buffer_.copy_to(std::as_writable_bytes(std::span(to)), offset);

      ASSERT_EQ(copied, std::min(asked, rest.size())) << offset << ", " << asked;
      EXPECT_EQ(to, std::string(rest.substr(0, asked)) + std::string(asked - copied, '.'));
    }
  }
}

// hazard: EV4
TEST_P(FileInBuffer, gather_ends_before_it_wherever_it_begins) {
  for (std::size_t offset = 0; offset <= content_.size(); ++offset) {
    std::array<iovec, 64> entries{};

    const std::size_t filled = buffer_.gather(entries, offset);

    std::string gathered;
    for (const iovec& entry : std::span(entries).first(filled))
      gathered.append(static_cast<const char*>(entry.iov_base), entry.iov_len);
    EXPECT_EQ(gathered, head_.substr(std::min(offset, head_.size()))) << offset;
  }
}

// hazard: EV4
TEST_P(FileInBuffer, slices_bytes_and_the_front_end_before_it) {
  std::string seen;
  for (const Slice& slice : buffer_.slices()) seen += as_text(slice.bytes());

  EXPECT_EQ(seen, head_);
  EXPECT_TRUE(std::ranges::equal(ByteRange(buffer_), as_bytes(std::string_view(head_))));
  EXPECT_EQ(as_text(buffer_.front()), std::string_view(head_).substr(0, 5));
  EXPECT_EQ(buffer_.memory_size(), head_.size());
  EXPECT_EQ(buffer_.front_file().has_value(), head_.empty());
}

// hazard: EV4
TEST_P(FileInBuffer, searches_find_what_lies_before_it_and_tell_that_the_rest_is_not_known) {
  const std::string needle = "XYP";  // where the first two slices meet
  const ByteSet set(needle);
  SearchPosition bytes, one, any, line;
  for (int again = 0; again < 2; ++again) {
    for (const Found found :
         {buffer_.find(needle), buffer_.find(needle, bytes), buffer_.find(as_bytes(needle)[0]),
          buffer_.find(as_bytes(needle)[0], one), buffer_.find_any(set), buffer_.find_any(set, any)}) {
      ASSERT_EQ(static_cast<bool>(found), !head_.empty());
      if (found) {
        EXPECT_EQ(*found, 3U);
      } else {
        EXPECT_EQ(found.error(), errc::not_in_memory);
      }
    }
    for (const Found missing : {buffer_.find("789"), buffer_.find(std::byte{'f'}), buffer_.find_any(ByteSet("f\n")),
                                buffer_.find_line_end(), buffer_.find_line_end(LineEnd::nul, line)}) {
      ASSERT_FALSE(missing);
      EXPECT_EQ(missing.error(), errc::not_in_memory);
    }
  }
  const Found certain = buffer_.find("789", SearchRange{.within = head_.size()});
  EXPECT_FALSE(certain);
  EXPECT_FALSE(certain.error()) << "nothing of the file was in the way";

  ASSERT_TRUE(buffer_.materialize(buffer_.size()));
  const std::size_t expected = content_.find(needle);
  const Found found = buffer_.find(needle, bytes);
  ASSERT_EQ(static_cast<bool>(found), expected != std::string::npos);
  if (found) {
    EXPECT_EQ(*found, expected);
  }
  EXPECT_EQ(*buffer_.find("789"), content_.find("789"));
  EXPECT_EQ(*buffer_.find_line_end(LineEnd::lf, line), content_.find('\n'));
}

// hazard: EV4
TEST_P(FileInBuffer, what_cuts_takes_it_along_at_every_border) {
  for (std::size_t at = 0; at <= content_.size(); ++at) {
    Buffer taken_from = buffer_.share();
    Buffer front = taken_from.take(at);
    expect_whole(front, content_.substr(0, at));
    expect_whole(taken_from, content_.substr(at));

    if (at != 0) {  // which would be take_all()
      Buffer kept = buffer_.share();
      Buffer back = kept.split(at);
      expect_whole(kept, content_.substr(0, at));
      expect_whole(back, content_.substr(at));
    }

    Buffer dropped = buffer_.share();
    dropped.drop(at);
    expect_whole(dropped, content_.substr(at));

    Buffer truncated = buffer_.share();
    truncated.truncate(at);
    truncated.append(" more");
    expect_whole(truncated, content_.substr(0, at) + " more");

    Buffer part = buffer_.share(at / 2, at - at / 2);
    expect_whole(part, content_.substr(at / 2, at - at / 2));

    Buffer lines = buffer_.share();
    const std::size_t end = std::min<std::size_t>(2, content_.size() - at);
    Buffer line = lines.take_and_drop(at, end);
    expect_whole(line, content_.substr(0, at));
    expect_whole(lines, content_.substr(at + end));
  }
}

// hazard: EV4
TEST_P(FileInBuffer, a_cursor_reads_up_to_it_at_every_place_and_goes_past_it) {
  for (std::size_t at = 0; at <= content_.size(); ++at) {
    Cursor cursor(buffer_);
    ASSERT_TRUE(cursor.seek(at));
    const bool is_in_head = at < head_.size();
    const bool is_at_file = at >= head_.size() && at < head_.size() + file_text.size();
    EXPECT_EQ(cursor.is_at_file(), is_at_file) << at;
    EXPECT_EQ(cursor.run().empty(), is_at_file || at == content_.size());
    if (is_at_file) {
      std::array<std::byte, 1> one{};
      EXPECT_FALSE(cursor.read_byte() || cursor.read(one) || cursor.read_string(1) || cursor.peek_byte());
      EXPECT_TRUE(cursor.read_slice().is_empty());
      EXPECT_EQ(cursor.position(), at);
    }
    if (is_in_head) {
      std::array<std::byte, 600> more{};
      EXPECT_FALSE(cursor.read(MutableBytes(more).first(head_.size() - at + 1)));
      EXPECT_TRUE(cursor.read(MutableBytes(more).first(head_.size() - at)));
      EXPECT_TRUE(cursor.is_at_file());
    }
    Buffer rest = cursor.read_buffer(cursor.left());
    expect_whole(rest, content_.substr(content_.size() - rest.size()));
  }
}

// hazard: EV4
TEST_P(FileInBuffer, what_moves_packs_compares_and_hashes_reads_none_of_it) {
  const Buffer same = buffer_.share();
  const std::uint64_t hash = buffer_.hash(1);

  buffer_.compact();
  EXPECT_EQ(buffer_, same);
  EXPECT_EQ(buffer_.hash(1), hash);
  Buffer moved(std::move(buffer_).detach());
  EXPECT_EQ(moved <=> same, std::strong_ordering::equal);
  Buffer joined;
  joined.append("front ");
  joined.append(moved.share());
  joined.prepend(std::move(moved));
  EXPECT_EQ(joined.memory_size(), head_.size());
  Draft draft = joined.draft();
  const Draft::Mark mark = draft.mark();
  draft.append(shared_.range(1, 3));
  ASSERT_TRUE(draft.insert(mark, "staged "));
  draft.commit();

  expect_whole(joined, content_ + "front " + content_ + "staged " + "123");
}

}  // namespace
}  // namespace weir
