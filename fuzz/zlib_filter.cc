// weir: fuzz target: the zlib filter, in steps of any size, against zlib itself on all of the bytes at once.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "fuzz/fuzz.h"
#include "tests/support/plain_zlib.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"
#include "weir/stream/zlib_filter.h"

namespace weir::fuzz {
namespace {

using testing_support::compressed_text;
using testing_support::Decompressed;
using testing_support::decompressed;
using Format = ZlibOptions::Format;
using Push = Filter::Push;

constexpr std::size_t most_decoded = 100'000;  // a few KiB may become megabytes, which would only take time

ZlibOptions choose_options(Input& input) {
  const Format format = std::array{Format::zlib, Format::gzip, Format::raw}[input.below(3)];
  return {.format = format,
          .level = static_cast<int>(input.below(10)),
          .window_bits = 9 + static_cast<int>(input.below(7)),
          .memory_level = 1 + static_cast<int>(input.below(9)),
          .hold_back = input.coin(),
          .decoded_limit = most_decoded};
}

enum class Way { decode, encode };

/// Drives one direction. Each byte of `choices` tells the room of a step; behind them it is a stream's own.
class Direction {
 public:
  Direction(Filter& filter, Way way, Input choices, Pool& pool)
      : from(pool),
        filter_(filter),
        way_(way),
        choices_(choices),
        pool_(pool) {}

  /// Until the filter wants more, or fails.
  std::error_code go_on(Push push) {
    for (;;) {
      Buffer to(pool_);
      Filter::Step step{from, to, next_room(), push};
      const std::size_t before = from.size();
      const Result<Filter::Flow> flow = way_ == Way::decode ? filter_.decode(step) : filter_.encode(step);
      require(to.size() <= step.room + (way_ == Way::encode ? 64 : 0), "a step made more than its room");
      for (const Slice& slice : to.slices()) text += as_text(slice.bytes());
      if (!flow) return flow.error();
      if (*flow == Filter::Flow::wants_more) {
        require(from.is_empty(), "it wants more, and leaves some of what it has");
        return {};
      }
      require(!to.is_empty() || from.size() != before, "a step has more, and does nothing");
    }
  }

  Buffer from;
  std::string text;

 private:
  std::size_t next_room() noexcept {
    return choices_.is_empty() ? std::size_t{64} << 10 : std::max<std::size_t>(choices_.size(), 1);
  }

  Filter& filter_;
  const Way way_;
  Input choices_;
  Pool& pool_;
};

/// What zlib itself makes of the bytes so far is all that was written, where nothing may be held back.
void encode(const ZlibOptions& options, Input& input, Pool& pool) {
  const std::unique_ptr<Filter> filter = make_zlib_filter(options);
  Direction encoding(*filter, Way::encode, input.part(input.below(16)), pool);
  std::string written;
  while (!input.is_empty()) {
    const std::string piece = input.coin() ? std::string(input.text(input.size())) : input.filler(input.size());
    const Push push = input.byte() % 4 == 0 ? Push::flush : Push::some;
    if (!piece.empty()) encoding.from.append(slice_of(piece));
    written += piece;
    require(!encoding.go_on(push), "encoding has failed");
    if (push == Push::some && options.hold_back) continue;
    require_same(decompressed(encoding.text, options).text, written, "what was flushed");
  }
  require(!encoding.go_on(Push::end), "encoding has failed at the end");
  const Decompressed found = decompressed(encoding.text, options);
  require(found.is_complete && !found.is_wrong, "what was encoded is not whole");
  require_same(found.text, written, "what was encoded");
}

/// The bytes to decode: the fuzzer's own, or a whole stream of which some bytes are replaced.
std::string choose_bytes(const ZlibOptions& options, Input& input) {
  if (input.coin()) return std::string(input.rest());
  std::string bytes = compressed_text(input.coin() ? input.filler(input.size()) : input.text(input.size()), options);
  if (input.coin()) bytes += compressed_text("a member more", options);
  for (std::size_t count = input.below(4); count > 0; --count) {
    const std::size_t at = input.below(bytes.size());
    bytes[at] = static_cast<char>(input.byte());
  }
  if (input.coin()) bytes.resize(bytes.size() - input.below(bytes.size()));
  return bytes;
}

void decode(const ZlibOptions& options, Input& input, Pool& pool) {
  const std::unique_ptr<Filter> filter = make_zlib_filter(options);
  Direction decoding(*filter, Way::decode, input.part(input.below(16)), pool);
  Input cuts = input.part(input.below(16));
  const std::string bytes = choose_bytes(options, input);
  const Decompressed wanted = decompressed(bytes, options, most_decoded + 1);

  std::error_code error;
  for (std::string_view rest = bytes; !rest.empty() && !error;) {
    const std::string_view piece = rest.substr(0, cuts.is_empty() ? rest.size() : 1 + cuts.size());
    rest.remove_prefix(piece.size());
    decoding.from.append(slice_of(piece));
    error = decoding.go_on(Push::some);
  }
  if (!error) error = decoding.go_on(Push::end);

  const bool is_too_much = wanted.text.size() > most_decoded;
  require_same(decoding.text, std::string_view(wanted.text).substr(0, most_decoded), "what was decoded");
  if (is_too_much) return require(error == errc::limit, "the limit was passed, and not told");
  require(!error == (wanted.is_complete && !wanted.is_wrong),
          "it ends well, and zlib says otherwise, or the other way round");
  require(!error || error == std::errc::bad_message, "an error of another kind");
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::fuzz;
  weir::Pool pool({.limit = 64 << 20});
  {
    Input input(data, size);
    const weir::ZlibOptions options = choose_options(input);
    if (input.coin()) {
      encode(options, input, pool);
    } else {
      decode(options, input, pool);
    }
  }
  require_all_released(pool);
  return 0;
}
