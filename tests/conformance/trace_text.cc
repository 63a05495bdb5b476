// weir: how traces write errors, events and bytes, and how two traces differ.
// SPDX-License-Identifier: MIT
#include "tests/conformance/trace_text.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace weir::conformance {
namespace {

constexpr std::array<std::pair<std::uint32_t, const char*>, 7> event_names{{{EPOLLIN, "IN"},
                                                                            {EPOLLOUT, "OUT"},
                                                                            {EPOLLRDHUP, "RDHUP"},
                                                                            {EPOLLERR, "ERR"},
                                                                            {EPOLLHUP, "HUP"},
                                                                            {EPOLLET, "ET"},
                                                                            {EPOLLONESHOT, "ONESHOT"}}};

/// How many lines the rests of both traces, from each pair of places on, have in common.
using CommonLines = std::vector<std::vector<std::size_t>>;

CommonLines count_common_lines(const Trace& first, const Trace& second) {
  CommonLines common(first.size() + 1, std::vector<std::size_t>(second.size() + 1));
  for (std::size_t i = first.size(); i-- > 0;) {
    for (std::size_t j = second.size(); j-- > 0;) {
      common[i][j] = first[i] == second[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  return common;
}

}  // namespace

std::string error_text(int number) {
  const char* name = ::strerrorname_np(number);
  return name != nullptr ? name : "error " + std::to_string(number);
}

std::string outcome_text(sys::CallResult result, std::string_view success) {
  return result ? std::string(success) : error_text(result.error_number());
}

std::string count_text(sys::CallResult result) {
  return outcome_text(result, result ? std::to_string(result.count()) : std::string());
}

std::string events_text(std::uint32_t events) {
  std::string text;
  for (const auto& [bit, name] : event_names) {
    if ((events & bit) == 0) continue;
    text += text.empty() ? "" : "|";
    text += name;
    events &= ~bit;
  }
  if (events != 0) text += (text.empty() ? "" : "|") + std::to_string(events);
  return text.empty() ? "none" : text;
}

std::string file_kind_text(sys::FileKind kind) {
  switch (kind) {
    case sys::FileKind::regular: return "regular";
    case sys::FileKind::pipe: return "pipe";
    case sys::FileKind::socket: return "socket";
    case sys::FileKind::terminal: return "terminal";
    case sys::FileKind::other: break;
  }
  return "other";
}

std::string status_flags_text(int flags) {
  const int access = flags & O_ACCMODE;
  std::string text = access == O_RDONLY ? "RDONLY" : access == O_WRONLY ? "WRONLY" : "RDWR";
  if ((flags & O_APPEND) != 0) text += "|APPEND";
  if ((flags & O_NONBLOCK) != 0) text += "|NONBLOCK";
  return text;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t most = 40;
  std::string shown = "\"";
  for (const char c : text.substr(0, most)) shown += c >= ' ' && c <= '~' ? c : '.';
  return shown + '"' + (text.size() <= most ? "" : "... " + std::to_string(text.size()) + " bytes");
}

std::string difference(const Trace& first, const Trace& second) {
  if (first == second) return "";
  const CommonLines common = count_common_lines(first, second);
  std::string text;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < first.size() || j < second.size()) {
    if (i < first.size() && j < second.size() && first[i] == second[j]) {
      text += "  " + first[i++] + '\n';
      ++j;
    } else if (j == second.size() || (i < first.size() && common[i + 1][j] >= common[i][j + 1])) {
      text += "- " + first[i++] + '\n';
    } else {
      text += "+ " + second[j++] + '\n';
    }
  }
  return text;
}

}  // namespace weir::conformance
