// weir: a filter that compresses what a stream sends and decompresses what it receives, with zlib.
// SPDX-License-Identifier: MIT
#include "weir/stream/zlib_filter.h"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>

#include "weir/base/error.h"
#include "weir/base/expects.h"

namespace weir {
namespace {

using namespace weir::literals;
using Flow = Filter::Flow;
using Push = Filter::Push;
using Step = Filter::Step;

constexpr std::size_t most_in_one_call = 1_GiB;  // zlib counts in 32 bits
constexpr std::size_t smallest_block = 512;      // what a short message takes; the pool has no smaller ones
constexpr std::size_t first_block = 16_KiB;      // at most; they double from there
constexpr std::size_t read_at_once = 64_KiB;     // of a part of a file

std::error_code bad_message() noexcept { return std::make_error_code(std::errc::bad_message); }
std::error_code out_of_memory() noexcept { return std::make_error_code(std::errc::not_enough_memory); }

/// The next bytes in one piece; none when `from` is empty. What is a file's is read.
Result<Bytes> next_piece(Buffer& from) {
  if (from.front().empty() && !from.is_empty()) {
    const Result<void> read = from.materialize(std::min(from.size(), read_at_once));
    if (!read) return read.error() == errc::budget ? out_of_memory() : read.error();
  }
  return from.front().first(std::min(from.front().size(), most_in_one_call));
}

/// Where the next bytes go: into what the last block has left if that is `least`, else into another one, the first of
/// `first` bytes.
Result<MutableBytes> next_place(Buffer& to, std::size_t first, std::size_t least, std::size_t most) {
  const std::size_t wanted = to.is_empty() ? std::max(first, least) : least;
  if (!to.reserve(wanted)) return out_of_memory();
  const MutableBytes place = to.prepare(wanted);  // cannot fail any more
  return place.first(std::min({place.size(), most, most_in_one_call}));
}

int window_bits_of(const ZlibOptions& options) noexcept {
  switch (options.format) {
    case ZlibOptions::Format::zlib: return options.window_bits;
    case ZlibOptions::Format::gzip: return options.window_bits + 16;
    case ZlibOptions::Format::raw: return -options.window_bits;
  }
  return 0;
}

void* obtain(void*, uInt count, uInt size) noexcept { return ::operator new (std::size_t{count} * size, std::nothrow); }
void give_back(void*, void* memory) noexcept { ::operator delete(memory); }

/// What both directions do with a z_stream. `End` is deflateEnd or inflateEnd.
template <int (*End)(z_stream*)>
class Engine {
 public:
  Engine() noexcept {
    stream_.zalloc = obtain;
    stream_.zfree = give_back;
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() { close(); }

  z_stream& stream() noexcept { return stream_; }
  bool is_open() const noexcept { return is_open_; }
  /// Of what the initialisation answered.
  Result<void> opened(int result) noexcept {
    if (result == Z_MEM_ERROR) return out_of_memory();
    if (result != Z_OK) return errc::unavailable;  // another version than was compiled for
    is_open_ = true;
    return {};
  }
  void close() noexcept {
    if (std::exchange(is_open_, false)) (void)End(&stream_);
  }

  void offer(Bytes piece, MutableBytes place) noexcept {
    stream_.next_in = reinterpret_cast<const Bytef*>(piece.data());
    stream_.avail_in = static_cast<uInt>(piece.size());
    stream_.next_out = reinterpret_cast<Bytef*>(place.data());
    stream_.avail_out = static_cast<uInt>(place.size());
  }

 private:
  z_stream stream_{};
  bool is_open_ = false;
};

class Deflater {
 public:
  explicit Deflater(const ZlibOptions& options) noexcept : options_(options) {}

  Result<Flow> step(Step& step) {
    const std::size_t before = step.to.size();
    while (!step.from.is_empty() || !is_done(step.push)) {
      const std::size_t produced = step.to.size() - before;
      if (produced >= step.room) return Flow::has_more;
      if (Result<void> moved = move(step, step.room - produced); !moved) return moved.error();
    }
    return Flow::wants_more;
  }

 private:
  /// zlib puts another mark for each call in which one does not fit: see deflate in zlib.h.
  static constexpr std::size_t least_place = 64;

  /// Of all that was given to it so far.
  bool is_done(Push push) const noexcept {
    if (push == Push::end) return has_ended_;
    return must_go(push) ? !is_holding_ : !has_more_;
  }
  bool must_go(Push push) const noexcept { return push != Push::some || !options_.hold_back; }

  /// One call of deflate.
  Result<void> move(Step& step, std::size_t room) {
    const Result<Bytes> piece = next_piece(step.from);
    if (!piece) return piece.error();
    if (Result<void> opened = open(); !opened) return opened;
    const std::size_t first = std::clamp(step.from.size() / 2, smallest_block, first_block);
    const Result<MutableBytes> place = next_place(step.to, first, least_place, std::max(room, least_place));
    if (!place) return place.error();

    const int flush = flush_for(step.push, piece->size() == step.from.size());
    z_stream& stream = engine_.stream();
    engine_.offer(*piece, *place);
    const int result = deflate(&stream, flush);

    step.to.commit(place->size() - stream.avail_out);
    step.from.drop(piece->size() - stream.avail_in);
    has_more_ = stream.avail_out == 0;
    is_holding_ = has_more_ || flush == Z_NO_FLUSH;
    if (result == Z_STREAM_END) {
      has_ended_ = true;
      engine_.close();
    }
    return {};
  }

  int flush_for(Push push, bool is_all) const noexcept {
    if (!is_all || !must_go(push)) return Z_NO_FLUSH;
    return push == Push::end ? Z_FINISH : Z_SYNC_FLUSH;
  }

  Result<void> open() noexcept {
    if (engine_.is_open()) return {};
    return engine_.opened(deflateInit2(&engine_.stream(), options_.level, Z_DEFLATED, window_bits_of(options_),
                                       options_.memory_level, Z_DEFAULT_STRATEGY));
  }

  const ZlibOptions& options_;
  Engine<deflateEnd> engine_;
  bool is_holding_ = false;  // something that was taken has not come out yet, or may not have
  bool has_more_ = false;    // there was no place for all that was to come out
  bool has_ended_ = false;
};

class Inflater {
 public:
  explicit Inflater(const ZlibOptions& options) noexcept : options_(options) { engine_.stream().opaque = this; }

  Result<Flow> step(Step& step) {
    const std::size_t before = step.to.size();
    while (!step.from.is_empty() || has_more_) {
      const std::size_t produced = step.to.size() - before;
      if (produced >= step.room) return Flow::has_more;
      if (Result<void> moved = move(step, step.room - produced); !moved) return moved.error();
    }
    if (step.push == Push::end && !is_complete_) return bad_message();
    return Flow::wants_more;
  }

 private:
  /// One call of inflate.
  Result<void> move(Step& step, std::size_t room) {
    const Result<Bytes> piece = next_piece(step.from);
    if (!piece) return piece.error();
    if (Result<void> begun = begin(); !begun) return begun;
    const std::size_t first =
        has_more_ ? first_block : std::clamp(2 * std::min(step.from.size(), first_block), smallest_block, first_block);
    const std::size_t allowed = options_.decoded_limit - decoded_;
    const std::size_t most = std::min(room - 1, allowed) + 1;  // one more than allowed, to see it come
    const Result<MutableBytes> place = next_place(step.to, first, 1, most);
    if (!place) return place.error();

    z_stream& stream = engine_.stream();
    engine_.offer(*piece, *place);
    const int result = inflate(&stream, Z_NO_FLUSH);

    const std::size_t produced = place->size() - stream.avail_out;
    step.to.commit(std::min(produced, allowed));
    step.from.drop(piece->size() - stream.avail_in);
    decoded_ += std::min(produced, allowed);
    has_more_ = stream.avail_out == 0 && result != Z_STREAM_END;
    if (produced > allowed) return errc::limit;
    return judge(result);
  }

  /// Z_BUF_ERROR: nothing was to be done, which is no error.
  Result<void> judge(int result) {
    switch (result) {
      case Z_OK:
      case Z_BUF_ERROR: return {};
      case Z_STREAM_END:
        is_complete_ = true;
        if (options_.format != ZlibOptions::Format::gzip) engine_.close();
        return {};
      case Z_MEM_ERROR: throw_bad_alloc();  // another zlib than `obtain_window` knows, and no memory at all
      default: return bad_message();        // a preset dictionary among them
    }
  }

  /// For the first byte, and for the first one after the end, with which a member of gzip may begin.
  Result<void> begin() noexcept {
    if (is_complete_ && options_.format != ZlibOptions::Format::gzip) return bad_message();
    if (is_complete_) (void)inflateReset(&engine_.stream());
    is_complete_ = false;
    return engine_.is_open() ? Result<void>() : open();
  }

  Result<void> open() noexcept {
    if (window_ == nullptr) window_.reset(::operator new(window_bytes(), std::nothrow));
    if (window_ == nullptr) return out_of_memory();
    z_stream& stream = engine_.stream();
    if (Result<void> opened = engine_.opened(inflateInit2(&stream, window_bits_of(options_))); !opened) return opened;
    stream.zalloc = obtain_window;
    return {};
  }

  /// inflate asks for its window when it has the first bytes to keep there, and would be of no use any more if it got none.
  /// So it is obtained before anything is taken.
  static void* obtain_window(void* self, uInt count, uInt size) noexcept {
    Inflater& inflater = *static_cast<Inflater*>(self);
    if (std::size_t{count} * size > inflater.window_bytes() || inflater.window_ == nullptr)
      return obtain(self, count, size);
    return inflater.window_.release();
  }
  std::size_t window_bytes() const noexcept { return std::size_t{1} << options_.window_bits; }

  struct GiveBack {
    void operator()(void* memory) const noexcept { ::operator delete(memory); }
  };

  const ZlibOptions& options_;
  std::unique_ptr<void, GiveBack> window_;  // until zlib asks for it
  Engine<inflateEnd> engine_;
  std::size_t decoded_ = 0;
  bool has_more_ = false;     // there was no place for all that came out
  bool is_complete_ = false;  // the last byte was the end of a stream, or of a member
};

class ZlibFilter final : public Filter {
 public:
  explicit ZlibFilter(const ZlibOptions& options) noexcept
      : options_(options),
        inflater_(options_),
        deflater_(options_) {}

  Result<Flow> decode(Step& step) override { return inflater_.step(step); }
  Result<Flow> encode(Step& step) override { return deflater_.step(step); }

 private:
  const ZlibOptions options_;
  Inflater inflater_;
  Deflater deflater_;
};

}  // namespace

std::unique_ptr<Filter> make_zlib_filter(const ZlibOptions& options) {
  expects(options.level >= 0 && options.level <= 9);
  expects(options.window_bits >= 9 && options.window_bits <= 15);
  expects(options.memory_level >= 1 && options.memory_level <= 9);
  return std::make_unique<ZlibFilter>(options);
}

}  // namespace weir
