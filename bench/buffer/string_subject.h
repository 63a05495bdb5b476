// weir: what the buffer workloads do, done with std::string and a read offset: what a program without a library writes.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "bench/buffer/message.h"
#include "bench/measure/data.h"

namespace bench {

struct StringSubject {
  struct Buffer {
    std::string bytes;
    std::size_t read = 0;
  };

  static std::size_t size(const Buffer& buffer) { return buffer.bytes.size() - buffer.read; }
  static void append(Buffer& buffer, std::string_view bytes) { buffer.bytes.append(bytes); }

  /// Moves the rest to the front when that is at most as much as was read.
  static void drop(Buffer& buffer, std::size_t count) {
    buffer.read += count;
    if (buffer.read == buffer.bytes.size()) {
      buffer.bytes.clear();
      buffer.read = 0;
    } else if (buffer.read >= 64 * kib && buffer.read >= size(buffer)) {
      buffer.bytes.erase(0, buffer.read);
      buffer.read = 0;
    }
  }
  static void copy_out(Buffer& buffer, char* to, std::size_t count) {
    std::memcpy(to, buffer.bytes.data() + buffer.read, count);
  }
  static void receive(Buffer& buffer, std::size_t count) { buffer.bytes.resize(buffer.bytes.size() + count); }

  static void prepend(Buffer& buffer, std::string_view bytes) { buffer.bytes.insert(buffer.read, bytes); }
  static void print(Buffer& buffer, int number, const char* word) {
    char text[64];
    append(buffer, {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%d %s", number, word))});
  }

  static void append_segment(Buffer& buffer, std::string_view bytes) { append(buffer, bytes); }
  static std::size_t find(const Buffer& buffer, std::string_view wanted) { return buffer.bytes.find(wanted); }
  class Finder {
   public:
    bool find(const Buffer& buffer, std::string_view wanted) {
      if (buffer.bytes.find(wanted, searched_) != std::string::npos) return true;
      if (size(buffer) >= wanted.size()) searched_ = size(buffer) - wanted.size() + 1;
      return false;
    }

   private:
    std::size_t searched_ = 0;
  };

  /// The length is patched in when the message is whole.
  static void write_message(Buffer& buffer, Buffer&, const Message& message) {
    const std::size_t start = buffer.bytes.size();
    buffer.bytes.append(4, '\0');
    write_fields(message, [&](std::string_view bytes) { buffer.bytes.append(bytes); });
    store_big_endian(buffer.bytes.data() + start, buffer.bytes.size() - start - 4);
  }
  static std::size_t gather(const Buffer& buffer, iovec* entries, std::size_t) {
    entries[0] = {const_cast<char*>(buffer.bytes.data()) + buffer.read, size(buffer)};
    return 1;
  }

  static std::string cut(Buffer& from, std::size_t count, Buffer&) {
    std::string part(from.bytes, from.read, count);
    drop(from, count);
    return part;
  }

  static unsigned look(const Buffer& buffer, std::size_t) {
    return static_cast<unsigned char>(buffer.bytes[buffer.read]);
  }

  class LineFinder {
   public:
    std::size_t find(const Buffer& buffer) {
      const char* data = buffer.bytes.data() + buffer.read;
      const void* end = std::memchr(data, '\n', size(buffer));
      return end == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(end) - data) + 1;
    }
    bool take(Buffer& buffer) {
      const std::size_t count = find(buffer);
      if (count == 0) return false;
      keep(cut(buffer, count, buffer));
      return true;
    }
  };
};

}  // namespace bench
