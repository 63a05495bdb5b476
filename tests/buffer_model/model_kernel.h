// weir: the kernel that sequences run on: one file, and one stream that takes and gives what it is told to.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tests/buffer_model/choices.h"
#include "tests/support/bare_kernel.h"

namespace weir::buffer_model {

/// Makes short counts, interruptions and errors by choice. What it answers is in the model's hands, so that it is known
/// what a buffer must hold afterwards.
class ModelKernel final : public testing_support::BareKernel {
 public:
  static constexpr int file = 1000;
  static constexpr int stream = 1001;

  /// What the next operation meets: `incoming` is there to be read, and as much is read or written as is chosen.
  void begin(Choices& choices, std::string_view incoming);
  /// What came over the stream since then.
  const std::string& written() const noexcept { return written_; }
  std::size_t received() const noexcept { return received_; }

  sys::CallResult file_size(int descriptor) override;
  sys::CallResult read_at(int descriptor, MutableBytes into, std::uint64_t offset) override;
  sys::CallResult read_pieces(int descriptor, std::span<const iovec> pieces) override;
  sys::CallResult write_pieces(int descriptor, std::span<const iovec> pieces) override;
  sys::CallResult read_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) override;
  sys::CallResult write_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) override;

 private:
  int chosen_error();
  std::size_t chosen_count(std::size_t most);

  Choices* choices_ = nullptr;
  std::string_view incoming_;
  std::size_t received_ = 0;
  std::string written_;
};

}  // namespace weir::buffer_model
