// weir: M25 with fmt, into a buffer and into memory.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <string>

#include "bench/buffer/edges.h"
#include "bench/buffer/weir_cases.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/format.h"

namespace bench {
namespace {

struct WeirFormat {
  using Buffer = weir::Buffer;
  static std::size_t size(const Buffer& buffer) { return buffer.size(); }
  static void drop(Buffer& buffer, std::size_t count) { buffer.drop(count); }
  static void print(Buffer& buffer, int number, const char* word) {
    weir::append_format(buffer, "{} {}", number, word);
  }
};

/// The limit: the text goes to memory that has room.
struct FlatFormat {
  struct Buffer {
    Text memory{std::string(64 * kib, ' ')};
    std::size_t size = 0;
  };
  static std::size_t size(const Buffer& buffer) { return buffer.size; }
  static void drop(Buffer& buffer, std::size_t) { buffer.size = 0; }
  static void print(Buffer& buffer, int number, const char* word) {
    buffer.size += fmt::format_to_n(buffer.memory.data() + buffer.size, 128, "{} {}", number, word).size;
  }
};

/// What one writes without either.
struct StringFormat {
  using Buffer = std::string;
  static std::size_t size(const Buffer& buffer) { return buffer.size(); }
  static void drop(Buffer& buffer, std::size_t) { buffer.clear(); }
  static void print(Buffer& buffer, int number, const char* word) {
    fmt::format_to(std::back_inserter(buffer), "{} {}", number, word);
  }
};

}  // namespace

void add_weir_format_cases(Cases& cases) {
  add_print_cases<WeirFormat>(cases, "fmt", "weir");
  add_print_cases<FlatFormat>(cases, "fmt", "fmt-alone");
  add_print_cases<StringFormat>(cases, "fmt", "string");
}

}  // namespace bench
