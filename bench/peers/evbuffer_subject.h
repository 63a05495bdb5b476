// weir: what the buffer workloads do, done with libevent's evbuffer.
// SPDX-License-Identifier: MIT
#pragma once

#include <event2/buffer.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "bench/buffer/message.h"
#include "bench/measure/data.h"

namespace bench {

struct EvbufferSubject {
  /// One evbuffer, without locks.
  class Buffer {
   public:
    Buffer() : buffer_(evbuffer_new()) {}
    Buffer(Buffer&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer& operator=(Buffer&&) = delete;
    ~Buffer() {
      if (buffer_ != nullptr) evbuffer_free(buffer_);
    }

    operator evbuffer*() const noexcept { return buffer_; }

   private:
    evbuffer* buffer_;
  };

  static std::size_t size(const Buffer& buffer) { return evbuffer_get_length(buffer); }
  static void append(Buffer& buffer, std::string_view bytes) { evbuffer_add(buffer, bytes.data(), bytes.size()); }
  static void drop(Buffer& buffer, std::size_t count) { evbuffer_drain(buffer, count); }
  static void copy_out(Buffer& buffer, char* to, std::size_t count) { evbuffer_copyout(buffer, to, count); }

  static void append_reference(Buffer& buffer, std::string_view bytes) {
    evbuffer_add_reference(
        buffer, bytes.data(), bytes.size(), [](const void* data, std::size_t, void*) { keep(data); }, nullptr);
  }

  static void receive(Buffer& buffer, std::size_t count) { commit(buffer, reserve(buffer, count), count); }
  static void read_into(Buffer& buffer, int descriptor, std::size_t count) {
    const evbuffer_iovec room = reserve(buffer, count);
    if (read(descriptor, room.iov_base, count) != static_cast<ssize_t>(count)) std::abort();
    commit(buffer, room, count);
  }

  /// What was cut off lies in a buffer that is used for this again and again, and is drained when it has been seen.
  class Part {
   public:
    explicit Part(Buffer& buffer) noexcept : buffer_(buffer) {}
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part() { evbuffer_drain(buffer_, evbuffer_get_length(buffer_)); }

    Buffer& buffer() const noexcept { return buffer_; }

   private:
    Buffer& buffer_;
  };

  static Part cut(Buffer& from, std::size_t count, Buffer& scratch) {
    evbuffer_remove_buffer(from, scratch, count);
    return Part(scratch);
  }
  static void splice(Buffer& to, Buffer& from) { evbuffer_add_buffer(to, from); }
  static std::size_t gather(const Buffer& buffer, iovec* entries, std::size_t count) {
    return static_cast<std::size_t>(evbuffer_peek(buffer, -1, nullptr, entries, static_cast<int>(count)));
  }

  template <class Visit>
  static void for_each_segment(const Buffer& buffer, Visit visit) {
    std::array<evbuffer_iovec, 1024> segments;
    const std::size_t count = gather(buffer, segments.data(), segments.size());
    for (std::size_t i = 0; i < count; ++i) visit(static_cast<const char*>(segments[i].iov_base), segments[i].iov_len);
  }
  template <class Visit>
  static void for_each_segment(const Part& part, Visit visit) {
    for_each_segment(part.buffer(), visit);
  }

  static unsigned look(const Buffer& buffer, std::size_t count) {
    std::array<evbuffer_iovec, 4> segments;
    const int used = evbuffer_peek(buffer, static_cast<ev_ssize_t>(count), nullptr, segments.data(), segments.size());
    unsigned sum = 0;
    for (int i = 0; i < used; ++i)
      sum += *static_cast<const unsigned char*>(segments[static_cast<unsigned>(i)].iov_base);
    return sum;
  }

  /// Shared by counting: an evbuffer to which others refer.
  using Shared = Buffer;
  static Shared make_shared_bytes(std::string_view bytes) {
    Buffer buffer;
    append(buffer, bytes);
    return buffer;
  }
  static void append_shared(Buffer& buffer, const Shared& bytes) { evbuffer_add_buffer_reference(buffer, bytes); }
  /// How long segments may be that become one.
  static constexpr std::size_t joined = 0;
  static void append_segment(Buffer& buffer, std::string_view bytes) {
    evbuffer_add_reference(buffer, bytes.data(), bytes.size(), nullptr, nullptr);
  }

  /// The body first, in a buffer that is used again and again; then its length, and the body moved behind it.
  static void write_message(Buffer& buffer, Buffer& scratch, const Message& message) {
    write_fields(message, [&](std::string_view bytes) { append(scratch, bytes); });
    char prefix[4];
    store_big_endian(prefix, size(scratch));
    append(buffer, {prefix, sizeof prefix});
    evbuffer_add_buffer(buffer, scratch);
  }
  static void write_bodies(Buffer& buffer, std::string_view head, const Shared& body, std::string_view tail,
                           std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      append(buffer, head);
      append_shared(buffer, body);
      append(buffer, tail);
    }
  }

  static std::size_t find(Buffer& buffer, std::string_view wanted) {
    return static_cast<std::size_t>(evbuffer_search(buffer, wanted.data(), wanted.size(), nullptr).pos);
  }
  class Finder {
   public:
    bool find(Buffer& buffer, std::string_view wanted) {
      evbuffer_ptr from;
      evbuffer_ptr_set(buffer, &from, searched_, EVBUFFER_PTR_SET);
      if (evbuffer_search(buffer, wanted.data(), wanted.size(), &from).pos >= 0) return true;
      if (size(buffer) >= wanted.size()) searched_ = size(buffer) - wanted.size() + 1;
      return false;
    }

   private:
    std::size_t searched_ = 0;
  };
  static const void* contiguous(Buffer& buffer, std::size_t count) {
    return evbuffer_pullup(buffer, static_cast<ev_ssize_t>(count));
  }

  static void receive_written(Buffer& buffer, std::size_t count) {
    const evbuffer_iovec room = reserve(buffer, count);
    std::memset(room.iov_base, 'x', count);
    commit(buffer, room, count);
  }
  static void keep_front(Buffer& kept, Buffer& from, std::size_t count) { evbuffer_remove_buffer(from, kept, count); }

  static void prepend(Buffer& buffer, std::string_view bytes) { evbuffer_prepend(buffer, bytes.data(), bytes.size()); }
  class Observer {
   public:
    explicit Observer(Buffer& buffer) { evbuffer_add_cb(buffer, &Observer::changed, this); }

   private:
    static void changed(evbuffer*, const evbuffer_cb_info* info, void* self) {
      static_cast<Observer*>(self)->added_ += info->n_added;
    }

    std::size_t added_ = 0;
  };
  static void print(Buffer& buffer, int number, const char* word) {
    evbuffer_add_printf(buffer, "%d %s", number, word);
  }

  static bool next_message(Buffer& buffer, Buffer& scratch) {
    char prefix[4];
    if (evbuffer_copyout(buffer, prefix, sizeof prefix) != sizeof prefix) return false;
    const std::size_t body = load_big_endian(prefix);
    if (evbuffer_get_length(buffer) < sizeof prefix + body) return false;
    evbuffer_drain(buffer, sizeof prefix);
    keep(cut(buffer, body, scratch));
    return true;
  }

  class LineFinder {
   public:
    std::size_t find(Buffer& buffer) {
      std::size_t end_size = 0;
      const evbuffer_ptr end = evbuffer_search_eol(buffer, nullptr, &end_size, EVBUFFER_EOL_CRLF);
      return end.pos < 0 ? 0 : static_cast<std::size_t>(end.pos) + end_size;
    }
    bool take(Buffer& buffer) {
      std::size_t size = 0;
      char* line = evbuffer_readln(buffer, &size, EVBUFFER_EOL_CRLF);
      if (line == nullptr) return false;
      keep(*line);
      std::free(line);
      return true;
    }
  };

 private:
  static evbuffer_iovec reserve(Buffer& buffer, std::size_t count) {
    evbuffer_iovec room;
    if (evbuffer_reserve_space(buffer, static_cast<ev_ssize_t>(count), &room, 1) != 1) std::abort();
    keep(room);
    return room;
  }
  static void commit(Buffer& buffer, evbuffer_iovec room, std::size_t count) {
    room.iov_len = count;
    evbuffer_commit_space(buffer, &room, 1);
  }
};

}  // namespace bench
