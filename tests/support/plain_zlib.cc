// weir: compression of whole texts by zlib itself, to hold the filter against.
// SPDX-License-Identifier: MIT
#include "tests/support/plain_zlib.h"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace weir::testing_support {
namespace {

int window_bits_of(const ZlibOptions& options) {
  if (options.format == ZlibOptions::Format::raw) return -options.window_bits;
  return options.format == ZlibOptions::Format::gzip ? options.window_bits + 16 : options.window_bits;
}

void offer(z_stream& stream, std::string_view bytes) {
  stream.next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
}

}  // namespace

std::string compressed_text(std::string_view text, const ZlibOptions& options) {
  z_stream stream{};
  (void)deflateInit2(&stream, options.level, Z_DEFLATED, window_bits_of(options), options.memory_level,
                     Z_DEFAULT_STRATEGY);
  std::string bytes(deflateBound(&stream, text.size()), '\0');
  offer(stream, text);
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  (void)deflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  (void)deflateEnd(&stream);
  return bytes;
}

Decompressed decompressed(std::string_view bytes, const ZlibOptions& options, std::size_t limit) {
  Decompressed found;
  std::array<char, 4096> room;
  z_stream stream{};
  (void)inflateInit2(&stream, window_bits_of(options));
  offer(stream, bytes);
  while (!found.is_wrong && found.text.size() < limit) {
    if (found.is_complete) {
      if (stream.avail_in == 0) break;
      found.is_wrong = options.format != ZlibOptions::Format::gzip;
      found.is_complete = false;
      (void)inflateReset(&stream);
      continue;
    }
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(std::min(room.size(), limit - found.text.size()));
    const uInt offered = stream.avail_out;
    const int result = inflate(&stream, Z_NO_FLUSH);
    found.text.append(room.data(), offered - stream.avail_out);
    found.is_complete = result == Z_STREAM_END;
    if (result == Z_BUF_ERROR) break;  // it wants more
    found.is_wrong = result != Z_OK && result != Z_STREAM_END;
  }
  (void)inflateEnd(&stream);
  return found;
}

}  // namespace weir::testing_support
