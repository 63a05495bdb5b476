// weir: what the buffer workloads do, done with Abseil's Cord.
// SPDX-License-Identifier: MIT
#pragma once

#include <absl/strings/cord.h>
#include <absl/strings/cord_buffer.h>
#include <absl/strings/string_view.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "bench/buffer/message.h"
#include "bench/measure/data.h"

namespace bench {

struct CordSubject {
  using Buffer = absl::Cord;

  static std::size_t size(const Buffer& buffer) { return buffer.size(); }
  static void append(Buffer& buffer, std::string_view bytes) { buffer.Append(view(bytes)); }
  static void drop(Buffer& buffer, std::size_t count) { buffer.RemovePrefix(count); }
  static void copy_out(Buffer& buffer, char* to, std::size_t count) {
    for (const absl::string_view chunk : buffer.Chunks()) {
      const std::size_t size = std::min(count, chunk.size());
      std::memcpy(to, chunk.data(), size);
      to += size;
      count -= size;
      if (count == 0) break;
    }
  }

  static void append_reference(Buffer& buffer, std::string_view bytes) {
    buffer.Append(absl::MakeCordFromExternal(view(bytes), [](absl::string_view data) { keep(data); }));
  }

  static void receive(Buffer& buffer, std::size_t count) {
    fill(buffer, count, [](absl::Span<char> room) { keep(room); });
  }
  static void read_into(Buffer& buffer, int descriptor, std::size_t count) {
    fill(buffer, count, [&](absl::Span<char> room) {
      if (read(descriptor, room.data(), room.size()) != static_cast<ssize_t>(room.size())) std::abort();
    });
  }

  static Buffer cut(Buffer& from, std::size_t count, Buffer&) {
    Buffer part = from.Subcord(0, count);
    from.RemovePrefix(count);
    return part;
  }
  static void splice(Buffer& to, Buffer& from) {
    if (to.empty()) {
      to.swap(from);
    } else {
      to.Append(std::move(from));
      from.Clear();
    }
  }
  static std::size_t gather(const Buffer& buffer, iovec* entries, std::size_t count) {
    std::size_t used = 0;
    for (const absl::string_view chunk : buffer.Chunks()) {
      if (used == count) break;
      entries[used++] = {const_cast<char*>(chunk.data()), chunk.size()};
    }
    return used;
  }
  template <class Visit>
  static void for_each_segment(const Buffer& buffer, Visit visit) {
    for (const absl::string_view chunk : buffer.Chunks()) visit(chunk.data(), chunk.size());
  }

  static unsigned look(const Buffer& buffer, std::size_t count) {
    unsigned sum = 0;
    for (const absl::string_view chunk : buffer.Chunks()) {
      sum += static_cast<unsigned char>(chunk.front());
      if (chunk.size() >= count) break;
      count -= chunk.size();
    }
    return sum;
  }

  /// Shared by counting.
  using Shared = absl::Cord;
  static Shared make_shared_bytes(std::string_view bytes) {
    Buffer buffer;
    append(buffer, bytes);
    return buffer;
  }
  static void append_shared(Buffer& buffer, const Shared& bytes) { buffer.Append(bytes); }
  /// Counts are always atomic.
  using Parcel = absl::Cord;
  static Parcel pack(Buffer&& buffer) { return std::move(buffer); }
  static Buffer unpack(Parcel&& parcel) { return std::move(parcel); }

  /// Short references are copied and become one segment.
  static constexpr std::size_t joined = 511;
  static void append_segment(Buffer& buffer, std::string_view bytes) { append_reference(buffer, bytes); }

  static void write_message(Buffer& buffer, Buffer& scratch, const Message& message) {
    write_fields(message, [&](std::string_view bytes) { append(scratch, bytes); });
    char prefix[4];
    store_big_endian(prefix, scratch.size());
    append(buffer, {prefix, sizeof prefix});
    buffer.Append(std::move(scratch));
    scratch.Clear();
  }
  static void write_bodies(Buffer& buffer, std::string_view head, const Shared& body, std::string_view tail,
                           std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      append(buffer, head);
      append_shared(buffer, body);
      append(buffer, tail);
    }
  }

  /// A Cord makes contiguous what it copies out; it stays as it is itself.
  static const void* contiguous(Buffer& buffer, std::size_t count) { return buffer.Subcord(0, count).Flatten().data(); }

  static void receive_written(Buffer& buffer, std::size_t count) {
    fill(buffer, count, [](absl::Span<char> room) { std::memset(room.data(), 'x', room.size()); });
  }
  static void keep_front(Buffer& kept, Buffer& from, std::size_t count) { kept = from.Subcord(0, count); }

  static void prepend(Buffer& buffer, std::string_view bytes) { buffer.Prepend(view(bytes)); }

  static bool next_message(Buffer& buffer, Buffer& scratch) {
    char prefix[4];
    if (buffer.size() < sizeof prefix) return false;
    copy_out(buffer, prefix, sizeof prefix);
    const std::size_t body = load_big_endian(prefix);
    if (buffer.size() < sizeof prefix + body) return false;
    buffer.RemovePrefix(sizeof prefix);
    keep(cut(buffer, body, scratch));
    return true;
  }

  /// This release has no Cord::Find: chunk by chunk with memchr.
  class LineFinder {
   public:
    std::size_t find(const Buffer& buffer) {
      std::size_t before = 0;
      for (const absl::string_view chunk : buffer.Chunks()) {
        if (const void* end = std::memchr(chunk.data(), '\n', chunk.size())) {
          return before + static_cast<std::size_t>(static_cast<const char*>(end) - chunk.data()) + 1;
        }
        before += chunk.size();
      }
      return 0;
    }
    bool take(Buffer& buffer) {
      const std::size_t size = find(buffer);
      if (size == 0) return false;
      keep(cut(buffer, size, buffer));
      return true;
    }
  };

 private:
  /// Debian's Abseil has a string_view of its own.
  static absl::string_view view(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

  /// Buffers of up to 64 KiB, the largest that a Cord takes.
  template <class Fill>
  static void fill(Buffer& buffer, std::size_t count, Fill fill_room) {
    while (count != 0) {
      absl::CordBuffer piece = absl::CordBuffer::CreateWithCustomLimit(absl::CordBuffer::kCustomLimit, count);
      const absl::Span<char> room = piece.available_up_to(count);
      fill_room(room);
      piece.IncreaseLengthBy(room.size());
      count -= room.size();
      buffer.Append(std::move(piece));
    }
  }
};

}  // namespace bench
