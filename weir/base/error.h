// weir: the library's own error codes.
// SPDX-License-Identifier: MIT
#pragma once

#include <system_error>

#include "weir/base/export.h"

namespace weir {

/// What can go wrong beside the system's own errors. Compare with `error == errc::eof`, or switch on
/// `static_cast<errc>(error.value())` when `error.category() == weir_category()`. Errors of system calls keep the
/// system's numbers and compare with `std::errc`. Every time limit also equals `std::errc::timed_out`.
enum class errc {
  eof = 1,            ///< the peer finished sending; what follows can only be an end
  canceled,           ///< the operation was withdrawn by the program
  limit,              ///< a size limit was passed: a line, a frame, a mark, the output's hard limit
  closed,             ///< the object accepts nothing more: it was finished, aborted or has ended
  budget,             ///< the pool's memory budget is spent
  bad_address,        ///< an address could not be parsed
  connect_timed_out,  ///< no connection within the limit
  read_timed_out,     ///< nothing arrived within the limit while reading was possible
  write_timed_out,    ///< the peer took nothing within the limit while output was waiting
  idle_timed_out,     ///< nothing moved in either direction within the limit
  deadline_passed,    ///< the absolute deadline of the stream came
  file_too_short,     ///< a file ends before the range of it that a buffer holds
  not_in_memory,      ///< bytes that were asked for are a file's, and have to be read first
  path_too_long,      ///< the path, or abstract name, of a Unix address has more than 107 bytes
  unavailable,        ///< a backend or feature that this system, or this build, does not offer
};

WEIR_API const std::error_category& weir_category() noexcept;

inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), weir_category()}; }

/// An error of a system call, from its errno value.
inline std::error_code system_error(int number) noexcept { return {number, std::system_category()}; }

/// Throws std::system_error. With exceptions switched off it says so on stderr and calls std::terminate instead. Like the
/// next one defined in sys/, as what prints is.
[[noreturn]] WEIR_API void throw_error(std::error_code error);

/// Throws std::bad_alloc. With exceptions switched off it ends the process too.
[[noreturn]] WEIR_API void throw_bad_alloc();

}  // namespace weir

template <>
struct std::is_error_code_enum<weir::errc> : std::true_type {};
