// weir: what the buffer workloads of all subjects are fed with, and how they hide from the optimizer.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

/// All memory may have been read and written: nothing is kept in registers across it, as between calls from
/// different places of a program.
inline void clobber() noexcept { asm volatile("" ::: "memory"); }

/// The value is needed.
template <class T>
void keep(const T& value) noexcept {
  asm volatile("" ::"r"(&value) : "memory");
}

/// The same number, about which the compiler knows nothing.
inline std::size_t opaque(std::size_t number) noexcept {
  asm volatile("" : "+r"(number));
  return number;
}

/// Numbers that look random and are the same in every subject and run (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t value = state_ += 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
  }
  std::size_t between(std::size_t low, std::size_t high) noexcept { return low + next() % (high - low + 1); }

 private:
  std::uint64_t state_;
};

/// Text at the border of a page, in every subject alike: where it lies decides how fast it is copied.
class Text {
 public:
  explicit Text(std::string_view text) : size_(text.size()) {
    constexpr std::size_t page = 4 * kib;
    memory_.reset(static_cast<char*>(std::aligned_alloc(page, (text.size() / page + 1) * page)));
    std::memcpy(memory_.get(), text.data(), text.size());
  }

  operator std::string_view() const noexcept { return {memory_.get(), size_}; }
  char* data() const noexcept { return memory_.get(); }
  std::size_t size() const noexcept { return size_; }

 private:
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };

  std::unique_ptr<char, Free> memory_;
  std::size_t size_;
};

/// Letters: neither a line end nor a NUL is among them.
inline std::string letters(std::size_t size) {
  Random random(size);
  std::string text(size, ' ');
  for (char& letter : text) letter = static_cast<char>('a' + random.next() % 26);
  return text;
}

/// Lines of 32 to 200 bytes, "\r\n" included, of about `size` bytes together.
inline std::string lines_of(std::size_t size, std::size_t& count) {
  Random random(1);
  std::string text;
  for (count = 0; text.size() < size; ++count) text += letters(random.between(30, 198)) + "\r\n";
  return text;
}

/// Cuts `text` into chunks of 1 to `most` bytes.
inline std::vector<std::string_view> chunks_of(std::string_view text, std::size_t most) {
  Random random(most);
  std::vector<std::string_view> chunks;
  while (!text.empty()) {
    chunks.push_back(text.substr(0, random.between(1, most)));
    text.remove_prefix(chunks.back().size());
  }
  return chunks;
}

/// Messages of `body` bytes behind their length (four bytes, the highest first), of about `size` bytes together.
inline std::string messages_of(std::size_t size, std::size_t body, std::size_t& count) {
  std::string text;
  for (count = 0; text.size() < size; ++count) {
    for (unsigned shift : {24U, 16U, 8U, 0U}) text += static_cast<char>(body >> shift);
    text += letters(body);
  }
  return text;
}

inline std::uint32_t load_big_endian(const char* from) noexcept {
  std::uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return __builtin_bswap32(value);
}

inline void store_big_endian(void* to, std::size_t value) noexcept {
  const std::uint32_t swapped = __builtin_bswap32(static_cast<std::uint32_t>(value));
  std::memcpy(to, &swapped, sizeof swapped);
}

}  // namespace bench
