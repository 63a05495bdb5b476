// weir: the kinds of streams that a zlib filter makes of others.
// SPDX-License-Identifier: MIT
#include "tests/support/stream_kinds.h"
#include "weir/stream/zlib_filter.h"

namespace weir::testing_support {
namespace {

using Format = ZlibOptions::Format;

Ends compressed(Ends below, const ZlibOptions& options, const StreamOptions& near, const StreamOptions& far) {
  return {Stream::filter(std::move(below.near), make_zlib_filter(options), near),
          Stream::filter(std::move(below.far), make_zlib_filter(options), far)};
}

Ends zlib_on_tcp(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return compressed(open_tcp(loop, {}, {}), {.level = 1}, near, far);
}
Ends zlib_on_pair(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return compressed(open_pair(loop, {}, {}), {}, near, far);
}
Ends gzip_on_pipes(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return compressed(open_pipes(loop, {}, {}), {.format = Format::gzip, .level = 1}, near, far);
}
Ends raw_on_unix(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  const ZlibOptions options{.format = Format::raw, .level = 0, .window_bits = 9, .memory_level = 1};
  return compressed(open_unix(loop, {}, {}), options, near, far);
}
Ends zlib_on_frames_on_pair(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return compressed(open_frames_on_pair(loop, {}, {}), {.level = 3}, near, far);
}
Ends gzip_on_zlib_on_tcp(EventLoop& loop, const StreamOptions& near, const StreamOptions& far) {
  return compressed(zlib_on_tcp(loop, {}, {}), {.format = Format::gzip, .level = 1}, near, far);
}

constexpr std::size_t plenty = 3 << 20;
constexpr StreamKind compressed_kinds[] = {
    {.name = "zlib_on_tcp", .open = zlib_on_tcp, .tells_reset = true, .plenty = plenty},
    {.name = "zlib_on_pair", .open = zlib_on_pair, .tells_reset = true, .plenty = plenty},
    {.name = "gzip_on_pipes", .open = gzip_on_pipes, .tells_reset = false, .plenty = plenty},
    {.name = "raw_on_unix", .open = raw_on_unix, .tells_reset = false, .plenty = plenty},
    {.name = "zlib_on_frames_on_pair", .open = zlib_on_frames_on_pair, .tells_reset = true, .plenty = plenty},
    {.name = "gzip_on_zlib_on_tcp", .open = gzip_on_zlib_on_tcp, .tells_reset = true, .plenty = plenty},
};

}  // namespace

std::span<const StreamKind> stream_kinds() { return compressed_kinds; }

}  // namespace weir::testing_support
