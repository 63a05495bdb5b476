// weir: the library's own error codes.
// SPDX-License-Identifier: MIT
#include "weir/base/error.h"

#include <string>

namespace weir {
namespace {

class WeirCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weir"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::eof: return "the peer finished sending";
      case errc::canceled: return "the operation was canceled";
      case errc::limit: return "a size limit was passed";
      case errc::closed: return "the stream is closed and takes no more";
      case errc::budget: return "the memory budget of the pool is spent; raise it, or hold less";
      case errc::bad_address: return "not an address; use HOST:PORT, [v6]:PORT, :PORT or unix:PATH";
      case errc::connect_timed_out: return "the connection was not established in time";
      case errc::read_timed_out: return "the peer sent nothing within the read limit";
      case errc::write_timed_out: return "the peer took no data within the write limit";
      case errc::idle_timed_out: return "nothing was sent or received within the idle limit";
      case errc::deadline_passed: return "the deadline of the stream has passed";
      case errc::file_too_short: return "the file is shorter than it was said to be";
      case errc::not_in_memory: return "the bytes are in a file and not in memory; materialize them first";
      case errc::path_too_long: return "a Unix path of more than 107 bytes, the most that the system takes";
      case errc::unavailable: return "not available on this system";
    }
    return "unknown weir error " + std::to_string(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::canceled: return std::errc::operation_canceled;
      case errc::connect_timed_out:
      case errc::read_timed_out:
      case errc::write_timed_out:
      case errc::idle_timed_out:
      case errc::deadline_passed: return std::errc::timed_out;
      case errc::bad_address: return std::errc::invalid_argument;
      case errc::path_too_long: return std::errc::filename_too_long;
      case errc::unavailable: return std::errc::not_supported;
      default: return {value, *this};
    }
  }
};

}  // namespace

const std::error_category& weir_category() noexcept {
  static const WeirCategory& category = *new WeirCategory;  // never destroyed: static objects may still hold errors
  return category;
}

}  // namespace weir
