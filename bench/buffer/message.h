// weir: M9 and M10: messages written field by field behind their length, and bodies put between what was staged.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

/// Twenty fields: numbers of one to five bytes as varints, and five texts.
struct Message {
  std::array<std::uint64_t, 15> numbers{};
  std::array<std::string_view, 5> texts;

  /// Its length, at most seven bytes for each number and for the length of each text, and the texts.
  std::size_t most_bytes() const noexcept {
    std::size_t size = 4 + 7 * (numbers.size() + texts.size());
    for (const std::string_view text : texts) size += text.size();
    return size;
  }
};

/// A field's key, and its number or the length of its text, as Protocol Buffers writes them: seven bits a byte, the lowest
/// first. Put together in a register, because bytes that were stored one by one are slow to load as words.
class FieldHead {
 public:
  /// Requires a key of at most two bytes and a value of at most five.
  FieldHead(std::uint64_t key, std::uint64_t value) noexcept {
    put(key);
    put(value);
  }

  operator std::string_view() const noexcept { return {reinterpret_cast<const char*>(&bytes_), size_}; }

 private:
  void put(std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) bytes_ |= (value % 0x80 | 0x80) << 8 * size_++;
    bytes_ |= value << 8 * size_++;
  }

  std::uint64_t bytes_ = 0;  // little endian
  std::size_t size_ = 0;
};

/// Gives `append` every part of the message in turn, the numbers between the texts.
template <class Append>
void write_fields(const Message& message, Append append) {
  std::uint64_t field = 1;
  std::size_t number = 0;
  for (const std::string_view text : message.texts) {
    for (int i = 0; i < 3; ++i) append(FieldHead(field++ << 3, message.numbers[number++]));
    append(FieldHead(field++ << 3 | 2, text.size()));
    append(text);
  }
}

/// M9: a message of about `size` bytes is written behind its length, which is only known at its end, and dropped.
template <class Subject>
class WriteMessage final : public Workload {
 public:
  explicit WriteMessage(std::size_t size) : source_(letters(size)) {
    Random random(size);
    for (std::size_t i = 0; i < message_.numbers.size(); ++i)
      message_.numbers[i] = random.next() >> (64 - 7 * (1 + i % 5));
    const std::size_t heads = 75;
    for (std::string_view& text : message_.texts) text = std::string_view(source_).substr(0, (size - heads) / 5);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      Subject::write_message(buffer_, scratch_, message_);
      clobber();
      Subject::drop(buffer_, Subject::size(buffer_));
    }
  }

 private:
  Text source_;
  Message message_;
  typename Subject::Buffer buffer_;
  typename Subject::Buffer scratch_;
};

/// M10: a head of 16 bytes, a body of 8 KiB by reference, a tail of 8 bytes, so many times; described for writev, dropped.
template <class Subject>
class InsertBodies final : public Workload {
 public:
  static constexpr std::size_t body = 8 * kib;
  static constexpr std::string_view head = "0123456789abcdef";
  static constexpr std::string_view tail = "01234567";

  explicit InsertBodies(std::size_t count) : count_(count), body_(Subject::make_shared_bytes(letters(body))) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      Subject::write_bodies(buffer_, head, body_, tail, count_);
      std::array<iovec, 64> entries;
      keep(Subject::gather(buffer_, entries.data(), entries.size()));
      Subject::drop(buffer_, Subject::size(buffer_));
    }
  }

 private:
  std::size_t count_;
  typename Subject::Shared body_;
  typename Subject::Buffer buffer_;
};

template <class Subject>
void add_write_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {100UL, kib, 16 * kib, 64 * kib}) {
    cases.add_with_mallocs<WriteMessage<Subject>>("M9", "message/" + std::to_string(size), subject, 1, size);
  }
}

template <class Subject>
void add_insert_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t count : {1, 16}) {
    cases.add_with_mallocs<InsertBodies<Subject>>("M10", "bodies/" + std::to_string(count), subject, count, count);
  }
}

}  // namespace bench
