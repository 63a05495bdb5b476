// weir: fuzz target: the same operations on buffers and on libevent's evbuffers.
// SPDX-License-Identifier: MIT
#include "fuzz/play.h"
#include "tests/evbuffer/evbuffer_rig.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzz::play_bytes(weir::evbuffer_test::evbuffer_alphabet(), data, size);
  return 0;
}
