// weir: buffers do what libevent's evbuffers do, or what the table in evbuffer_rig.h says.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "tests/evbuffer/evbuffer_rig.h"

namespace weir::evbuffer_test {
namespace {

#if defined(WEIR_SANITIZED)
constexpr std::size_t operations = 50'000;
#else
constexpr std::size_t operations = 300'000;
#endif

TEST(Evbuffer, the_same_operations_give_the_same_bytes_and_answers) {
  for (std::size_t done = 0, seed = 1; done < operations; ++seed) {
    Choices choices = Choices::from_seed(seed);
    const buffer_model::Outcome outcome = buffer_model::play(evbuffer_alphabet(), choices, seed % 4 == 0 ? 20 : 500);
    done += outcome.operations;
    if (!outcome.has_failed()) continue;
    FAIL() << "seed " << seed << '\n' << buffer_model::report(evbuffer_alphabet(), outcome, recorded(choices));
  }
}

}  // namespace
}  // namespace weir::evbuffer_test
