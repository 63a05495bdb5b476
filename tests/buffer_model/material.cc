// weir: the bytes and sizes that sequences are made of.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/material.h"

#include <algorithm>
#include <array>
#include <string>

namespace weir::buffer_model {
namespace {

constexpr std::size_t part_size = std::size_t{64} << 10;
constexpr std::size_t table_size = 4 * part_size;

std::string make_table() {
  sys::Random random(1);
  std::string table;
  while (table.size() < part_size) table += random.below(150) == 0 ? '\n' : static_cast<char>('a' + random.below(16));
  constexpr std::string_view ends("\r\n\r\n\0ab:", 8);
  while (table.size() < 2 * part_size) table += ends[random.below(ends.size())];
  while (table.size() < 3 * part_size) table += random.below(40) == 0 ? 'b' : 'a';
  while (table.size() < table_size) table += static_cast<char>(random.below(256));
  return table;
}

}  // namespace

std::string_view file_text() {
  static const std::string table = make_table();
  return std::string_view(table).substr(0, table_size);
}

std::string_view some_text(Choices& choices, std::size_t length) {
  return file_text().substr(choices.below(table_size - length + 1), length);
}

std::size_t some_size(Choices& choices) {
  constexpr std::array<std::size_t, 28> borders{0,    1,    2,    7,    8,    15,    16,    17,   31,  32,
                                                33,   127,  128,  129,  255,  256,   257,   511,  512, 513,
                                                1023, 1024, 1025, 2047, 4096, 16383, 16384, 16385};
  const std::uint64_t kind = choices.below(64);
  if (kind < 32) return choices.below(std::uint64_t{1} << kind / 4);
  if (kind < 60) return borders[choices.below(borders.size())];
  if (kind < 63) return choices.below(std::uint64_t{1} << (7 + 2 * (kind - 59)));
  return part_size - 2 + choices.below(4);
}

std::size_t some_claim(Choices& choices, std::size_t room) {
  constexpr std::size_t least = std::size_t{1} << 40;
  constexpr std::size_t most = (std::size_t{1} << 62) - 2 * claimed_address;
  const std::uint64_t kind = choices.below(6);
  const std::size_t more = choices.below(4);
  const std::array<std::size_t, 6> sizes{least + more,    most - more,     room - more,
                                         room + 1 + more, room / 2 + more, most / 2 + more};
  return std::clamp(sizes[kind], least, most);
}

}  // namespace weir::buffer_model
