// weir: rates as people write them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::cli {

/// Bytes per second: a number, which may have a fraction, and `k`, `M`, `G`, `T` for powers of 1000 or `Ki`, `Mi`, `Gi`, `Ti` for
/// powers of 1024, with or without a `B`: "10M", "512k", "1.5MiB", "100000". `K` is read as `k`. None for what is not one,
/// is less than 1 or more than 10^15.
std::optional<std::uint64_t> parse_rate(std::string_view text);

}  // namespace weir::cli
