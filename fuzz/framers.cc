// weir: fuzz target: lines and frames, however the stream arrives in pieces, against readers that see all of it at once.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "fuzz/fuzz.h"
#include "fuzz/plain_framers.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/frame_writer.h"
#include "weir/buffer/line_reader.h"
#include "weir/buffer/pool.h"

namespace weir::fuzz {
namespace {

/// Lines that are looked at where they are, as a reader like the others.
class LinesInPlace {
 public:
  explicit LinesInPlace(LineReader reader) : reader_(reader) {}

  LineEnd style() const noexcept { return reader_.style(); }
  std::size_t longest_frame() const noexcept { return reader_.longest_frame(); }
  Result<std::optional<Buffer>> next(Buffer& input) {
    const Found end = reader_.find(input);
    if (end.error()) return end.error();
    std::optional<Buffer> line;
    if (end) {
      line.emplace(input.pool());
      line->append(input.contiguous(*end));
      input.drop(end.end());
    }
    return line;
  }

 private:
  LineReader reader_;
};

/// Counts how often something was removed.
class Removals final : public BufferObserver {
 public:
  void changed(Buffer&, const BufferChange& change) noexcept override { count += change.removed != 0 ? 1 : 0; }

  std::size_t count = 0;
};

/// While there is no frame more bytes must be needed, and where there is an error it must be told.
void check_needed(const LengthReader& reader, const Buffer& input, const Result<std::optional<Buffer>>& next) {
  const Result<std::size_t> needed = reader.needed(input);
  require(!needed == !next, "what is needed is known where the next frame is an error, or the other way round");
  if (!needed) return require(needed.error() == next.error(), "what is needed is another error than that of the frame");
  require(*needed > input.size(), "no more is needed, but there is no frame");
}
template <class Reader>
void check_needed(const Reader&, const Buffer&, const Result<std::optional<Buffer>>&) {}

/// Takes all frames that are there. Once there was an error, the same must come again.
template <class Reader>
void take_frames(Reader& reader, Buffer& input, Frames& taken) {
  for (;;) {
    const std::size_t before = input.size();
    Result<std::optional<Buffer>> next = reader.next(input);
    if (!next) {
      require(input.size() <= before && (!taken.error || taken.error == next.error()),
              "another error came when it was asked for again");
      taken.error = next.error();
      return check_needed(reader, input, next);
    }
    require(!taken.error, "there was an error, and then none any more");
    if (!*next) {
      require(input.size() < reader.longest_frame(), "as much is there as a frame takes, but neither it nor an error");
      return check_needed(reader, input, next);
    }
    taken.frames.emplace_back();
    for (const Slice& slice : (*next)->slices()) taken.frames.back() += as_text(slice.bytes());
    require((*next)->size() == taken.frames.back().size(), "a frame has another size than its slices");
    require(before - input.size() >= taken.frames.back().size(), "a frame is longer than what was taken for it");
  }
}

std::string text_of(const Buffer& buffer) {
  std::string text;
  for (const Slice& slice : buffer.slices()) text += as_text(slice.bytes());
  return text;
}

/// True when frames leave the input as one change each, and nothing else leaves it: the rest of a run of line ends does.
template <class Reader>
bool leaves_at_once(const Reader& reader) {
  if constexpr (requires { reader.style(); }) return reader.style() != LineEnd::any;
  return true;
}

/// Feeds the stream piece by piece and looks for frames after each.
template <class Reader>
Frames read_pieces(Reader reader, std::string_view stream, Cutter cutter, bool is_followed, Pool& pool) {
  Frames taken;
  Buffer input(pool);
  Removals removals;
  if (is_followed) input.add_observer(removals);
  while (!stream.empty()) {
    cutter.append_piece(input, stream);
    take_frames(reader, input, taken);
  }
  if (is_followed && leaves_at_once(reader))
    require(removals.count == taken.frames.size(), "a frame and what ends it did not leave as one change");
  taken.left = text_of(input);
  return taken;
}

void require_same(const Frames& found, const Frames& expected, const std::string& how) {
  if (found == expected) [[likely]]
    return;
  for (std::size_t i = 0; i < std::min(found.frames.size(), expected.frames.size()); ++i)
    fuzz::require_same(found.frames[i], expected.frames[i], how + ": frame " + std::to_string(i));
  require(found.frames.size() == expected.frames.size(), how + ": " + std::to_string(found.frames.size()) +
                                                             " frames instead of " +
                                                             std::to_string(expected.frames.size()));
  require(found.error == expected.error,
          how + ": the error is " + found.error.message() + " instead of " + expected.error.message());
  fuzz::require_same(found.left, expected.left, how + ": what is left");
}

template <class Reader>
void compare(const Reader& reader, std::string_view stream, Cutter cutter, bool is_followed, const Frames& expected,
             Pool& pool) {
  require_same(read_pieces(reader, stream, Cutter(Input(nullptr, 0)), is_followed, pool), expected, "at once");
  require_same(read_pieces(reader, stream, cutter, is_followed, pool), expected, "in pieces");
}

/// A limit that lines and frames of a short stream come upon.
std::size_t some_limit(Input& input) {
  const std::size_t form = input.below(4);
  if (form == 0) return unlimited;
  return form == 1 ? input.size() : input.below(20);
}

LengthFormat some_format(Input& input) {
  LengthFormat format;
  const std::size_t form = input.byte();
  format.bytes = form % 9;
  format.order = form / 9 % 2 != 0 ? std::endian::little : std::endian::big;
  format.counts_prefix = form / 18 % 2 != 0;
  format.limit = some_limit(input);
  return format;
}

/// Frames that are written beside the bytes that they should be.
class Wire {
 public:
  Wire(const LengthFormat& format, const Cutter& cutter, Pool& pool)
      : format_(format),
        cutter_(cutter),
        output_(pool) {}

  void step(Input& input) {
    const std::size_t form = input.below(8);
    const std::string payload = form == 7 ? text_ : input.filler(input.size() % 700);
    std::error_code error;
    const std::optional<std::string> prefix = plain_prefix(payload.size(), format_, error);
    const Result<void> appended = append(form, payload);
    require(static_cast<bool>(appended) == prefix.has_value(),
            "a frame is written that cannot be, or not one that can");
    if (!appended) {
      require(appended.error() == error, "a frame fails with another error");
    } else if (form == 7) {
      text_.insert(0, *prefix);
      frames_.frames.assign(1, payload);
    } else {
      text_ += *prefix + payload;
      frames_.frames.push_back(payload);
    }
    fuzz::require_same(output_, text_, "frames that were written");
  }

  /// As long as pieces of one byte do not take all the time.
  bool is_full() const { return text_.size() > 1500; }

  void read_again() { compare(LengthReader(format_), text_, cutter_, false, frames_, output_.pool()); }

 private:
  Result<void> append(std::size_t form, const std::string& payload) {
    if (form == 7) {  // all that was written becomes one frame
      Buffer& same = output_;
      return append_frame(output_, std::move(same), format_);
    }
    if (form < 3) return append_frame(output_, as_bytes(payload), format_);
    Buffer moved(output_.pool());
    cutter_.append_all(moved, payload);
    const Result<void> appended = append_frame(output_, std::move(moved), format_);
    const std::string_view left = appended ? std::string_view() : payload;
    fuzz::require_same(moved, left, "a payload that was moved");  // NOLINT(bugprone-use-after-move): promised
    output_ = one_slice(text_of(output_), output_.pool());        // some pieces view the payload, which goes
    return appended;
  }

  LengthFormat format_;
  Cutter cutter_;
  Buffer output_;
  std::string text_;
  Frames frames_;
};

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::fuzz;
  Input input(data, size);
  Pool pool({.limit = std::size_t{1} << 26});
  const std::size_t form = input.byte();
  const bool is_followed = form / 8 % 2 != 0;
  const std::size_t limit = some_limit(input);
  const Cutter cutter(input.part(input.below(32)));
  switch (form % 5) {
    case 0:
    case 1: {
      const auto style = static_cast<LineEnd>(input.below(5));
      const std::string_view stream = input.rest();
      const Frames expected = plain_lines(stream, style, limit);
      if (form % 5 == 0) {
        compare(LineReader(style, limit), stream, cutter, is_followed, expected, pool);
      } else {
        compare(LinesInPlace(LineReader(style, limit)), stream, cutter, is_followed, expected, pool);
      }
      break;
    }
    case 2: {
      std::string delimiter(input.text(1 + input.below(6)));
      if (delimiter.empty()) delimiter = "\r\n\r\n";
      const std::string_view stream = input.rest();
      const Frames expected = plain_delimited(stream, delimiter, limit);
      compare(DelimiterReader(delimiter, limit), stream, cutter, is_followed, expected, pool);
      break;
    }
    case 3: {
      const LengthFormat format = some_format(input);
      const std::string_view stream = input.rest();
      compare(LengthReader(format), stream, cutter, is_followed, plain_lengths(stream, format), pool);
      break;
    }
    default: {
      Wire wire(some_format(input), cutter, pool);
      while (!input.is_empty() && !wire.is_full()) wire.step(input);
      wire.read_again();
      break;
    }
  }
  require_all_released(pool);
  return 0;
}
