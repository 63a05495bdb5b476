// weir: the kinds of streams that the suites of weir_stream_test run on: all of the library's own.
// SPDX-License-Identifier: MIT
#include "tests/support/stream_kinds.h"

namespace weir::testing_support {
namespace {

constexpr StreamKind all[] = {
    kinds::unix_socket,
    kinds::tcp,
    kinds::pipes,
    kinds::pair,
    kinds::mask_on_tcp,
    kinds::frames_on_pair,
    kinds::frames_on_mask_on_unix,
};

}  // namespace

std::span<const StreamKind> stream_kinds() { return all; }

}  // namespace weir::testing_support
