// weir: the buffer workloads, done with the standard library.
// SPDX-License-Identifier: MIT
#include <deque>

#include "bench/buffer/append.h"
#include "bench/buffer/connections.h"
#include "bench/buffer/edges.h"
#include "bench/buffer/lines.h"
#include "bench/buffer/message.h"
#include "bench/buffer/search.h"
#include "bench/buffer/string_subject.h"
#include "bench/limit/limit_cases.h"
#include "bench/measure/cases.h"

namespace bench {
namespace {

struct VectorSubject {
  struct Buffer {
    std::vector<char> bytes;
    std::size_t read = 0;
  };

  static std::size_t size(const Buffer& buffer) { return buffer.bytes.size() - buffer.read; }
  static void append(Buffer& buffer, std::string_view bytes) {
    buffer.bytes.insert(buffer.bytes.end(), bytes.begin(), bytes.end());
  }
  static void drop(Buffer& buffer, std::size_t count) {
    buffer.read += count;
    if (buffer.read != buffer.bytes.size()) return;
    buffer.bytes.clear();
    buffer.read = 0;
  }
};

struct DequeSubject {
  using Buffer = std::deque<char>;

  static std::size_t size(const Buffer& buffer) { return buffer.size(); }
  static void append(Buffer& buffer, std::string_view bytes) {
    buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  }
  static void drop(Buffer& buffer, std::size_t count) {
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
  }
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  Cases cases;
  add_append_cases<StringSubject>(cases, "string");
  add_append_cases<VectorSubject>(cases, "vector");
  add_append_cases<DequeSubject>(cases, "deque");
  add_message_cases<StringSubject>(cases, "string");
  add_bulk_cases<StringSubject>(cases, "string");
  add_line_cases<StringSubject>(cases, "string");
  add_write_cases<StringSubject>(cases, "string");
  add_search_cases<StringSubject>(cases, "string");
  add_connection_cases<StringSubject>(cases, "string");
  add_prepend_cases<StringSubject>(cases, "string");
  add_print_cases<StringSubject>(cases, "printf", "string");
  add_allocator_cases(cases);
  return cases.run(argc, argv);
}
