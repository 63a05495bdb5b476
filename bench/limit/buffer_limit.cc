// weir: what the buffer workloads cost at least, written as plainly as C allows.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "bench/buffer/append.h"
#include "bench/buffer/edges.h"
#include "bench/buffer/message.h"
#include "bench/limit/limit_cases.h"
#include "bench/limit/window.h"
#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {
namespace {

/// M0.
class Copy final : public Workload {
 public:
  explicit Copy(std::size_t size) : from_(letters(size)), to_(letters(size)) {}

  void run(std::size_t rounds) override {
    const std::size_t size = opaque(from_.size());
    for (std::size_t round = 0; round < rounds; ++round) {
      std::memcpy(to_.data(), from_.data(), size);
      clobber();
    }
  }

 private:
  Text from_;
  Text to_;
};

struct WindowSubject {
  struct Buffer : Window {
    Buffer() : Window(16 * kib, 16) {}
  };
  static std::size_t size(const Buffer& buffer) { return buffer.size(); }
  static void append(Buffer& buffer, std::string_view bytes) { buffer.append(bytes); }
  static void drop(Buffer& buffer, std::size_t count) { buffer.drop(count); }
};

/// M1 with a size that the compiler knows.
template <std::size_t Size>
class FixedAppend final : public Workload {
 public:
  static constexpr std::size_t appends = AppendThenDrain<WindowSubject>::batch / Size;

  FixedAppend() : source_(letters(Size)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < appends; ++i) {
        window_.append_fixed<Size>(source_.data());
        clobber();
      }
      window_.drop(window_.size());
    }
  }

 private:
  Text source_;
  Window window_{16 * kib, 16};
};

/// M2: the bytes go to the stack and come back.
class StackMessage final : public Workload {
 public:
  explicit StackMessage(std::size_t size) : source_(letters(size)) {}

  void run(std::size_t rounds) override {
    const std::size_t size = opaque(source_.size());
    for (std::size_t round = 0; round < rounds; ++round) {
      std::array<char, 256> bytes;
      std::memcpy(bytes.data(), source_.data(), size);
      keep(bytes);
      std::memcpy(message_.data(), bytes.data(), size);
      clobber();
    }
  }

 private:
  Text source_;
  std::array<char, 256> message_{};
};

/// M3: into the same 64 KiB again and again.
class HotBulk final : public Workload {
 public:
  explicit HotBulk(std::size_t size) : source_(letters(size)), block_(letters(std::min(size, 64 * kib))) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t done = 0; done < source_.size(); done += block_.size()) {
        std::memcpy(block_.data(), source_.data() + done, block_.size());
        clobber();
      }
    }
  }

 private:
  Text source_;
  Text block_;
};

/// M9: the fields go straight into memory with room enough, and the length before them.
struct FlatSubject {
  struct Buffer {
    Text memory{std::string(128 * kib, ' ')};
    std::size_t size = 0;
  };
  static std::size_t size(const Buffer& buffer) { return buffer.size; }
  static void drop(Buffer& buffer, std::size_t) { buffer.size = 0; }
  static void write_message(Buffer& buffer, Buffer&, const Message& message) {
    char* const start = buffer.memory.data() + buffer.size;
    char* at = start + 4;
    write_fields(message, [&](std::string_view bytes) {
      std::memcpy(at, bytes.data(), bytes.size());
      at += bytes.size();
    });
    store_big_endian(start, static_cast<std::size_t>(at - start) - 4);
    buffer.size += static_cast<std::size_t>(at - start);
  }
};

/// M17: there is room before the payload, and each header is copied to its place.
struct HeadroomSubject {
  struct Buffer {
    Text memory{std::string(4 * kib, ' ')};
    std::size_t front = kib;
    std::size_t back = kib;
  };
  static std::size_t size(const Buffer& buffer) { return buffer.back - buffer.front; }
  static void append(Buffer& buffer, std::string_view bytes) {
    std::memcpy(buffer.memory.data() + buffer.back, bytes.data(), bytes.size());
    buffer.back += bytes.size();
  }
  static void prepend(Buffer& buffer, std::string_view bytes) {
    buffer.front -= bytes.size();
    std::memcpy(buffer.memory.data() + buffer.front, bytes.data(), bytes.size());
  }
  static void drop(Buffer& buffer, std::size_t) { buffer.front = buffer.back = kib; }
};

/// M25: snprintf into memory that has room.
struct SnprintfSubject : FlatSubject {
  static void print(Buffer& buffer, int number, const char* word) {
    buffer.size +=
        static_cast<std::size_t>(std::snprintf(buffer.memory.data() + buffer.size, 64, "%d %s", number, word));
  }
};

/// M7: the system calls alone.
class ProxyCalls final : public Workload {
 public:
  static constexpr std::size_t turn = 64 * kib;

  explicit ProxyCalls(std::size_t segment)
      : segment_(segment),
        memory_(turn, ' '),
        in_(open("/dev/zero", O_RDONLY | O_CLOEXEC)),
        out_(open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    if (in_ < 0 || out_ < 0) std::abort();
  }
  ~ProxyCalls() override {
    close(in_);
    close(out_);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      std::array<iovec, turn / (4 * kib)> entries;
      int count = 0;
      for (std::size_t done = 0; done < turn; done += segment_) {
        if (read(in_, memory_.data() + done, segment_) != static_cast<ssize_t>(segment_)) std::abort();
        entries[static_cast<unsigned>(count++)] = {memory_.data() + done, segment_};
      }
      if (writev(out_, entries.data(), count) != static_cast<ssize_t>(turn)) std::abort();
    }
  }

 private:
  std::size_t segment_;
  std::string memory_;
  int in_;
  int out_;
};

void add_copies(Cases& cases) {
  for (const std::size_t size : {std::size_t{64}, 4 * kib, 64 * kib, mib, 64 * mib}) {
    cases.add<Copy>("M0", "copy/" + std::to_string(size), "memcpy", 1, size);
  }
  add_append_cases<WindowSubject>(cases, "memcpy");
  cases.add<FixedAppend<16>>("M1", "append/16", "stores", FixedAppend<16>::appends);
  cases.add<FixedAppend<64>>("M1", "append/64", "stores", FixedAppend<64>::appends);
  for (const std::size_t size : {5, 40, 200}) {
    cases.add<StackMessage>("M2", "message/" + std::to_string(size), "memcpy", 1, size);
  }
  for (const std::size_t size : {4 * kib, 64 * kib, mib}) {
    cases.add<HotBulk>("M3", "bulk/" + std::to_string(size), "memcpy", 1, size);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  Cases cases;
  add_copies(cases);
  for (const std::size_t size : {100UL, kib, 16 * kib, 64 * kib}) {
    cases.add<WriteMessage<FlatSubject>>("M9", "message/" + std::to_string(size), "memcpy", 1, size);
  }
  for (const std::size_t segment : {4 * kib, 16 * kib, 64 * kib}) {
    cases.add<ProxyCalls>("M7", "proxy/" + std::to_string(segment), "read-writev", ProxyCalls::turn / segment, segment);
  }
  add_prepend_cases<HeadroomSubject>(cases, "memcpy");
  add_print_cases<SnprintfSubject>(cases, "printf", "snprintf");
  add_layout_cases(cases);
  add_search_limits(cases);
  add_ring_limits(cases);
  return cases.run(argc, argv);
}
