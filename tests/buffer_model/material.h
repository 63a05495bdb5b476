// weir: the bytes and sizes that sequences are made of.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/buffer_model/choices.h"

namespace weir::buffer_model {

/// The longest text there is.
inline constexpr std::size_t longest_text = std::size_t{128} << 10;

/// `length` bytes of a fixed text, from a place that is chosen: letters with some ends of lines, little else than ends of
/// lines, long repetitions, or any bytes. Takes one choice. Requires `length <= longest_text`.
std::string_view some_text(Choices& choices, std::size_t length);

/// The content of the file that sequences use: all of the fixed text.
std::string_view file_text();

/// A size around which something changes, or of any magnitude; mostly small. Takes two choices.
std::size_t some_size(Choices& choices);

/// A size that no memory has, for memory that is only claimed: at least 2^40, and below 2^62, for addresses from there on
/// stand for files. Around `room` with luck, which is what is left to the largest size of a buffer. Takes two choices.
std::size_t some_claim(Choices& choices, std::size_t room);

/// Where memory that is only claimed lies: who reads there is ended by the kernel.
inline constexpr std::uintptr_t claimed_address = 0x1000;

}  // namespace weir::buffer_model
