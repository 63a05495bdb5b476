// weir: fuzz target: operations on buffers that share memory, against the model of tests/buffer_model.
// SPDX-License-Identifier: MIT
#include "fuzz/play.h"
#include "tests/buffer_model/machine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzz::play_bytes(weir::buffer_model::machine_alphabet(), data, size);
  return 0;
}
