// weir: how traces write errors, events and bytes, and how two traces differ.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/sys/call_result.h"
#include "weir/sys/kernel.h"

namespace weir::conformance {

/// One line a call: what was called, and what it answered.
using Trace = std::vector<std::string>;

inline constexpr std::uint32_t in = EPOLLIN;
inline constexpr std::uint32_t out = EPOLLOUT;
inline constexpr std::uint32_t end = EPOLLRDHUP;
inline constexpr std::uint32_t error = EPOLLERR;
inline constexpr std::uint32_t hangup = EPOLLHUP;
inline constexpr std::uint32_t edge = EPOLLET;
inline constexpr std::uint32_t oneshot = EPOLLONESHOT;
inline constexpr std::uint32_t everything = in | out | end | error | hangup;

/// `EPIPE`.
std::string error_text(int number);
/// `success`, or the error.
std::string outcome_text(sys::CallResult result, std::string_view success = "ok");
/// The count, or the error.
std::string count_text(sys::CallResult result);
/// `IN|RDHUP`.
std::string events_text(std::uint32_t events);
/// `pipe`.
std::string file_kind_text(sys::FileKind kind);
/// `RDWR|NONBLOCK`: the access, and those of the flags that weir looks at.
std::string status_flags_text(int flags);
/// `"hello"`; a long text is cut, and what cannot be printed is a dot.
std::string quoted(std::string_view text);

/// Both traces in one, line by line: `-` only the first has it, `+` only the second. Empty when they are the same.
std::string difference(const Trace& first, const Trace& second);

}  // namespace weir::conformance
