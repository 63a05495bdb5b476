// weir: a filter that compresses what a stream sends and decompresses what it receives, with zlib.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/stream/filter.h"

namespace weir {

struct ZlibOptions {
  enum class Format : std::uint8_t {
    zlib,  ///< RFC 1950: two bytes in front, an Adler-32 behind
    gzip,  ///< RFC 1952: ten bytes in front, a CRC-32 and the length behind. Several members may follow one another
    raw,  ///< RFC 1951: the compressed blocks alone. There is no checksum: what was changed on the way may go unnoticed
  };

  Format format = Format::zlib;
  /// From 0, which only copies, over 1, the fastest, to 9, the smallest. 6 is zlib's own default.
  int level = 6;
  /// How far back a repetition may lie: 2^window_bits bytes, 9 to 15. The peer may not use more: its data would be wrong.
  int window_bits = 15;
  /// 1 to 9: what compressing may use beside the window, 2^(memory_level + 9) bytes. More is faster and smaller.
  int memory_level = 8;
  /// What was written waits inside until there is enough for a good ratio, `Stream::flush_now` or `when_sent` is called, or
  /// the stream is finished. Default: what is written in a turn goes out in that turn (Z_SYNC_FLUSH, 4 to 6 bytes each).
  bool hold_back = false;
  /// The most that is received, in decompressed bytes, over the stream's life; beyond it the stream ends with errc::limit.
  /// By default there is no end to what a stream may bring; what of it is in memory at a time is bounded in any case.
  std::size_t decoded_limit = unlimited;
};

/// The filter for `Stream::filter`; both ends need one, of the same format. In the CMake target weir::zlib.
///
///     auto stream = weir::Stream::filter(std::move(socket_stream), weir::make_zlib_filter());
///     // or, as files and HTTP have it: make_zlib_filter({.format = weir::ZlibOptions::Format::gzip})
///
/// An end that finishes without having written anything still sends the few bytes that an empty stream is.
///
/// Bounds:   whatever the ratio, a step makes no more than it was asked for, and none is made while the input is at its high
///           mark: a small message that would become gigabytes costs as little memory as any other, and time only as far as
///           somebody reads.
/// Memory:   zlib's own comes from `operator new`, when a direction first has something to do: at the defaults 268 KiB to
///           compress (2^(window_bits + 2) + 2^(memory_level + 9) and some KiB), 40 KiB to decompress (2^window_bits and 8 KiB).
///           It goes back when the direction has ended; of gzip's decompression, when the stream is destroyed.
/// Errors:   std::errc::bad_message ends reading: the data is damaged, needs a preset dictionary, ends before it is complete
///           (also before its first byte), or something follows the end of it, which only gzip's members may. What was
///           delivered before is what the peer wrote only if its checksum held: trust it when `on_end` has come.
///           errc::limit: see `decoded_limit`. errc::file_too_short and those of pread(2) end writing, for parts of files
///           that were written: they are read into memory here. A spent budget of the pool is waited out.
/// Requires: options within their ranges.
/// Source:   zlib.h, deflateInit2 and inflateInit2.
WEIR_API std::unique_ptr<Filter> make_zlib_filter(const ZlibOptions& options = {});

}  // namespace weir
