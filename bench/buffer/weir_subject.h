// weir: what the buffer workloads do, done with weir.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "bench/buffer/message.h"
#include "bench/measure/data.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/line_reader.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/transfer_buffer.h"
#include "weir/buffer/writer.h"

namespace bench {

struct WeirSubject {
  using Buffer = weir::Buffer;

  static std::size_t size(const Buffer& buffer) { return buffer.size(); }
  static void append(Buffer& buffer, std::string_view bytes) { buffer.append(bytes); }
  static void drop(Buffer& buffer, std::size_t count) { buffer.drop(count); }
  static void copy_out(Buffer& buffer, char* to, std::size_t count) {
    buffer.copy_to(std::as_writable_bytes(std::span(to, count)));
  }

  /// Memory that is the program's and comes back through a call.
  static void append_reference(Buffer& buffer, std::string_view bytes) {
    buffer.append_foreign(weir::as_bytes(bytes), [bytes]() noexcept { keep(bytes); });
  }

  /// As if the kernel had written so many bytes.
  static void receive(Buffer& buffer, std::size_t count) {
    keep(buffer.prepare(count));
    buffer.commit(count);
  }
  static void read_into(Buffer& buffer, int descriptor, std::size_t count) {
    if (read(descriptor, buffer.prepare(count).data(), count) != static_cast<ssize_t>(count)) std::abort();
    buffer.commit(count);
  }

  static Buffer cut(Buffer& from, std::size_t count, Buffer&) { return from.take(count); }
  static void splice(Buffer& to, Buffer& from) { to.append(std::move(from)); }
  static std::size_t gather(const Buffer& buffer, iovec* entries, std::size_t count) {
    return buffer.gather({entries, count});
  }
  template <class Visit>
  static void for_each_segment(const Buffer& buffer, Visit visit) {
    for (const weir::Slice& slice : buffer.slices()) visit(reinterpret_cast<const char*>(slice.data()), slice.size());
  }

  /// Visits the segments that the first `count` bytes lie in.
  static unsigned look(const Buffer& buffer, std::size_t count) {
    unsigned sum = 0;
    for (const weir::Slice& slice : buffer.slices()) {
      sum += static_cast<unsigned>(*slice.data());
      if (slice.size() >= count) break;
      count -= slice.size();
    }
    return sum;
  }

  /// Shared by counting.
  using Shared = weir::Slice;
  static Shared make_shared_bytes(std::string_view bytes) {
    return weir::Slice::copy_of(weir::as_bytes(bytes), weir::Pool::default_pool());
  }
  static void append_shared(Buffer& buffer, const Shared& bytes) { buffer.append(bytes); }
  /// A buffer on its way to another thread.
  using Parcel = weir::TransferBuffer;
  static Parcel pack(Buffer&& buffer) { return std::move(buffer).detach(); }
  static Buffer unpack(Parcel&& parcel) { return std::move(parcel).attach(); }

  /// How long segments may be that become one.
  static constexpr std::size_t joined = 0;
  static void append_segment(Buffer& buffer, std::string_view bytes) { buffer.append_static(bytes); }

  static void write_message(Buffer& buffer, Buffer&, const Message& message) {
    weir::Draft draft(buffer);
    const weir::MutableBytes prefix = draft.allocate(4);
    write_fields(message, [&](std::string_view bytes) { draft.append(bytes); });
    store_big_endian(prefix.data(), draft.size() - 4);
    draft.commit();
  }
  /// Into one piece of memory, of which enough is set aside first.
  static void write_message_in_place(Buffer& buffer, const Message& message) {
    weir::Draft draft(buffer);
    weir::Writer writer(draft.allocate(message.most_bytes()));
    bool fits = writer.skip(4);
    write_fields(message, [&](std::string_view bytes) { fits &= writer.write(bytes); });
    if (!fits || !draft.truncate(writer.written())) std::abort();
    store_big_endian(const_cast<std::byte*>(writer.bytes().data()), writer.written() - 4);
    draft.commit();
  }
  static void write_bodies(Buffer& buffer, std::string_view head, const Shared& body, std::string_view tail,
                           std::size_t count) {
    weir::Draft draft(buffer);
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(draft.allocate(head.size()).data(), head.data(), head.size());
      draft.append(body);
      draft.append(tail);
    }
    draft.commit();
  }

  static std::size_t find(const Buffer& buffer, std::string_view wanted) { return *buffer.find(wanted); }
  class Finder {
   public:
    bool find(Buffer& buffer, std::string_view wanted) { return static_cast<bool>(buffer.find(wanted, position_)); }

   private:
    weir::SearchPosition position_;
  };
  static const void* contiguous(Buffer& buffer, std::size_t count) { return buffer.contiguous(count).data(); }

  static void receive_written(Buffer& buffer, std::size_t count) {
    std::memset(buffer.prepare(count).data(), 'x', count);
    buffer.commit(count);
  }
  static void keep_front(Buffer& kept, Buffer& from, std::size_t count) { kept = from.take(count); }

  static void compact(Buffer& buffer) { buffer.compact(); }

  static void prepend(Buffer& buffer, std::string_view bytes) { buffer.prepend(bytes); }
  class Observer final : public weir::BufferObserver {
   public:
    explicit Observer(Buffer& buffer) { buffer.add_observer(*this); }
    void changed(Buffer&, const weir::BufferChange& change) noexcept override { added_ += change.added; }

   private:
    std::size_t added_ = 0;
  };
  static void print(Buffer& buffer, int number, const char* word) { buffer.append_printf("%d %s", number, word); }

  static bool next_message(Buffer& buffer, Buffer&) {
    const auto message = weir::LengthReader().next(buffer);
    if (!message || !*message) return false;
    keep(**message);
    return true;
  }

  class LineFinder {
   public:
    std::size_t find(Buffer& buffer) {
      const weir::Found end = reader_.find(buffer);
      return end ? end.end() : 0;
    }
    bool take(Buffer& buffer) {
      const auto line = reader_.next(buffer);
      if (!*line) return false;
      keep(**line);
      return true;
    }

   private:
    weir::LineReader reader_;
  };
};

}  // namespace bench
