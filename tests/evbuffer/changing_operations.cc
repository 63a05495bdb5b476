// weir: what changes buffers and evbuffers.
// SPDX-License-Identifier: MIT
#include <event2/buffer.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/evbuffer/evbuffer_rig.h"
#include "weir/buffer/draft.h"
#include "weir/buffer/file_range.h"
#include "weir/buffer/line_reader.h"

namespace weir::evbuffer_test {
namespace {

void add(EvbufferRig& rig) {
  Twin& to = rig.twin();
  const std::string_view text = rig.text();
  const int answer = evbuffer_add(to.other, text.data(), text.size());
  if (rig.is_refused(to.buffer.is_back_frozen(), answer)) return;
  to.buffer.append(text);
  to.text.append(text);
  rig.check(answer == 0, "evbuffer_add failed");
}

/// Several pieces at once. Not none: evbuffer_add_iovec may end the process then.
void add_iovec(EvbufferRig& rig) {
  Twin& to = rig.twin();
  std::vector<Bytes> pieces(1 + rig.below(6));
  std::vector<evbuffer_iovec> others;
  std::string expected;
  for (Bytes& piece : pieces) {
    piece = rig.rarely(4) ? Bytes() : as_bytes(rig.text());
    others.push_back({.iov_base = const_cast<std::byte*>(piece.data()), .iov_len = piece.size()});  // only read
    expected += as_text(piece);
  }
  if (expected.empty()) return;
  const std::size_t count = evbuffer_add_iovec(to.other, others.data(), static_cast<int>(others.size()));
  if (to.buffer.is_back_frozen())
    return rig.check(count == 0, "the evbuffer does at a frozen end what a buffer would not");
  to.buffer.append_pieces(pieces);
  to.text += expected;
  rig.check(count == expected.size(), "evbuffer_add_iovec has added another number of bytes");
}

/// Short ones and such as fit no room that was there.
void add_printf(EvbufferRig& rig) {
  Twin& to = rig.twin();
  const std::string_view all = rig.text();
  const std::string_view text = all.substr(0, all.find('\0'));
  const auto length = static_cast<int>(text.size());
  const auto number = static_cast<int>(rig.below(100'000)) - 50'000;
  const std::string expected = std::to_string(number) + ":" + std::string(text);
  const int answer = evbuffer_add_printf(to.other, "%d:%.*s", number, length, text.data());
  if (rig.is_refused(to.buffer.is_back_frozen(), answer)) return;
  rig.check(answer == static_cast<int>(expected.size()), "evbuffer_add_printf has written another number of bytes");
  rig.check(to.buffer.append_printf("%d:%.*s", number, length, text.data()), "append_printf failed");
  to.text += expected;
}

/// What was gathered meanwhile.
void tell(EvbufferRig& rig) { rig.tell(); }

void prepend(EvbufferRig& rig) {
  Twin& to = rig.twin();
  const std::string_view text = rig.text();
  // libevent 2.1 adds nothing at a frozen end, but does not say so.
  const int answer =
      text.empty() && to.buffer.is_front_frozen() ? -1 : evbuffer_prepend(to.other, text.data(), text.size());
  if (rig.is_refused(to.buffer.is_front_frozen(), answer)) return;
  to.buffer.prepend(text);
  to.text.insert(0, text);
  rig.check(answer == 0, "evbuffer_prepend failed");
}

void add_buffer(EvbufferRig& rig) {
  Twin& to = rig.twin();
  Twin& from = rig.twin();
  const bool is_front = rig.coin();
  const bool is_nothing = &to == &from || from.text.empty();
  const bool is_frozen =
      (is_front ? to.buffer.is_front_frozen() : to.buffer.is_back_frozen()) || from.buffer.is_front_frozen();
  if (!is_nothing && (is_frozen || from.buffer.is_back_frozen())) {
    // A buffer whose back is frozen cannot be moved from either; an evbuffer can.
    if (is_frozen) {
      (void)rig.is_refused(
          true, is_front ? evbuffer_prepend_buffer(to.other, from.other) : evbuffer_add_buffer(to.other, from.other));
    }
    return;
  }
  if (rig.would_hold_itself(to, from)) return;
  to.refers_to |= from.refers_to;
  const int answer =
      is_front ? evbuffer_prepend_buffer(to.other, from.other) : evbuffer_add_buffer(to.other, from.other);
  rig.check(answer == 0 || (is_nothing && is_frozen), "an evbuffer was not moved");
  is_front ? to.buffer.prepend(std::move(from.buffer)) : to.buffer.append(std::move(from.buffer));
  if (is_nothing) return;
  to.text.insert(is_front ? 0 : to.text.size(), from.text);
  from.text.clear();
}

void remove_buffer(EvbufferRig& rig) {
  Twin& to = rig.twin();
  Twin& from = rig.twin();
  const std::size_t asked = rig.some_count(from);
  const std::size_t count = std::min(asked, from.text.size());
  if (&to == &from) return;
  if (to.buffer.is_back_frozen() || from.buffer.is_front_frozen()) {
    if (count != 0) (void)rig.is_refused(true, evbuffer_remove_buffer(from.other, to.other, asked));
    return;
  }
  if (count == from.text.size() && from.buffer.is_back_frozen()) return;
  if (rig.would_hold_itself(to, from)) return;
  to.refers_to |= from.refers_to;
  const int moved = evbuffer_remove_buffer(from.other, to.other, asked);
  rig.check(moved == static_cast<int>(count), "another count was moved");
  to.buffer.append(from.buffer.take(count));
  to.text.append(from.text, 0, count);
  from.text.erase(0, count);
}

/// By drain, or by remove, which copies.
void remove(EvbufferRig& rig) {
  Twin& from = rig.twin();
  const std::size_t asked = rig.some_count(from);
  const bool is_copied = rig.coin();
  const std::size_t count = std::min(asked, from.text.size());
  std::string copy(asked, '\0');
  const int answer = is_copied ? evbuffer_remove(from.other, copy.data(), asked) : evbuffer_drain(from.other, asked);
  if (from.buffer.is_front_frozen()) {
    if (count != 0) rig.check(answer == -1, "the evbuffer does at a frozen end what a buffer would not");
    return;
  }
  rig.check(answer == (is_copied ? static_cast<int>(count) : 0), "another count was removed");
  rig.check(!is_copied || copy.substr(0, count) == from.text.substr(0, count), "other bytes were removed");
  from.buffer.drop(count);
  from.text.erase(0, count);
}

void add_reference(EvbufferRig& rig) {
  Twin& to = rig.twin();
  const std::string_view text = rig.text();
  if (to.buffer.is_back_frozen()) {
    (void)rig.is_refused(true, evbuffer_add_reference(to.other, text.data(), text.size(), nullptr, nullptr));
    return;
  }
  EvbufferRig::Lent& lent = rig.lend(text);
  const auto release = [](const void*, std::size_t, void* it) {
    ++static_cast<EvbufferRig::Lent*>(it)->other_released;
  };
  const int answer = evbuffer_add_reference(to.other, lent.memory.data(), lent.memory.size(), release, &lent);
  rig.check(answer == 0, "evbuffer_add_reference failed");
  to.buffer.append_foreign(lent.memory, [&lent] { ++lent.released; });
  to.text.append(text);
}

/// Where the evbuffer cannot share, it gets a copy. Also when it is empty: before the security update of Debian's package,
/// libevent 2.1.12 goes on with the chains that it has just freed then.
void add_buffer_reference(EvbufferRig& rig) {
  Twin& to = rig.twin();
  Twin& of = rig.twin();
  const std::string text = of.text;
  if (to.buffer.is_back_frozen()) return;
  if (to.text.empty() || &to == &of || rig.would_hold_itself(to, of) || (of.refers_to & rig.bit_of(to)) != 0 ||
      evbuffer_add_buffer_reference(to.other, of.other) != 0) {
    evbuffer_add(to.other, text.data(), text.size());
  } else {
    to.refers_to |= rig.bit_of(of) | of.refers_to;
  }
  to.buffer.append(of.buffer.share());
  to.text.append(text);
}

/// One extent, or two; committed whole, in part, or not at all.
void reserve_and_commit(EvbufferRig& rig) {
  Twin& to = rig.twin();
  const std::string_view text = rig.text();
  const bool is_split =
      rig.coin() && !text.empty();  // libevent 2.1 may end the process when asked for nothing in two extents
  const std::size_t used = rig.coin() ? text.size() : rig.below(text.size() + 1);
  std::array<evbuffer_iovec, 2> extents{};
  const int count =
      evbuffer_reserve_space(to.other, static_cast<ev_ssize_t>(text.size()), extents.data(), is_split ? 2 : 1);
  if (rig.is_refused(to.buffer.is_back_frozen(), count)) return;
  rig.check(count >= (text.empty() ? 0 : 1), "evbuffer_reserve_space failed");
  std::string_view rest = text.substr(0, used);
  for (evbuffer_iovec& extent : std::span(extents).first(static_cast<std::size_t>(std::max(count, 0)))) {
    extent.iov_len = std::min(extent.iov_len, rest.size());
    if (extent.iov_len != 0) std::memcpy(extent.iov_base, rest.data(), extent.iov_len);
    rest.remove_prefix(extent.iov_len);
  }
  rig.check(rest.empty(), "the evbuffer gave less room than asked for");
  rig.check(evbuffer_commit_space(to.other, extents.data(), count) == 0, "evbuffer_commit_space failed");
  if (is_split) {
    Draft draft = to.buffer.draft();
    for (std::size_t done = 0; done < text.size();) {
      const MutableBytes extent = draft.allocate_up_to(text.size() - done);
      std::copy_n(as_bytes(text.substr(done)).begin(), extent.size(), extent.begin());
      done += extent.size();
    }
    rig.check(draft.truncate(used), "a draft could not be cut back");
    draft.commit();
  } else {
    const MutableBytes room = to.buffer.prepare(text.size());
    std::copy_n(as_bytes(text).begin(), used, room.begin());
    to.buffer.commit(used);
  }
  to.text.append(text, 0, used);
}

/// Also by more than there can be.
void expand(EvbufferRig& rig) {
  Twin& of = rig.twin();
  const bool is_huge = rig.rarely(4);
  const std::size_t more = buffer_model::some_size(rig.choices());
  const std::size_t size = is_huge ? unlimited - more : more;
  const bool is_done = static_cast<bool>(of.buffer.reserve(size));
  const bool other_is_done = evbuffer_expand(of.other, size) == 0;
  rig.check(is_done == other_is_done, "one can grow so much and the other cannot");
}

void freeze(EvbufferRig& rig) {
  Twin& of = rig.twin();
  const bool is_front = rig.coin();
  evbuffer_freeze(of.other, is_front ? 1 : 0);
  is_front ? of.buffer.freeze_front() : of.buffer.freeze_back();
}

void unfreeze(EvbufferRig& rig) {
  Twin& of = rig.twin();
  evbuffer_unfreeze(of.other, 0);
  evbuffer_unfreeze(of.other, 1);
  of.buffer.unfreeze_front();
  of.buffer.unfreeze_back();
}

/// Read out at once on both sides.
void add_file(EvbufferRig& rig) {
  Twin& to = rig.twin();
  const std::size_t size = buffer_model::some_size(rig.choices());
  const std::size_t offset = rig.below(buffer_model::file_text().size() - size);
  if (to.buffer.is_back_frozen() || size == 0) return;
  evbuffer_file_segment* segment =
      evbuffer_file_segment_new(rig.file(), static_cast<ev_off_t>(offset), static_cast<ev_off_t>(size), 0);
  rig.check(segment != nullptr && evbuffer_add_file_segment(to.other, segment, 0, -1) == 0,
            "the evbuffer takes no file");
  if (segment != nullptr) evbuffer_file_segment_free(segment);
  to.buffer.append(SharedFile::borrow(rig.file()).range(offset, size));
  rig.check(static_cast<bool>(to.buffer.materialize(to.buffer.size())), "the buffer cannot read the file");
  to.text.append(buffer_model::file_text().substr(offset, size));
}

void readln(EvbufferRig& rig) {
  constexpr std::array styles{std::pair(LineEnd::crlf, EVBUFFER_EOL_CRLF),
                              std::pair(LineEnd::crlf_strict, EVBUFFER_EOL_CRLF_STRICT),
                              std::pair(LineEnd::lf, EVBUFFER_EOL_LF), std::pair(LineEnd::nul, EVBUFFER_EOL_NUL),
                              std::pair(LineEnd::any, EVBUFFER_EOL_ANY)};
  Twin& of = rig.twin();
  const auto [style, other_style] = styles[rig.below(styles.size())];
  if (of.buffer.is_front_frozen()) return;
  const auto read_other = [&of, ends = other_style]() -> std::optional<std::string> {  // clang 14 captures no binding
    std::size_t length = 0;
    char* line = evbuffer_readln(of.other, &length, ends);
    if (line == nullptr) return std::nullopt;
    std::string copy(line, length);
    std::free(line);
    return copy;
  };
  std::optional<std::string> expected = read_other();
  // Of the line ends that come first the evbuffer makes an empty line, the buffer none.
  if (style == LineEnd::any && expected && expected->empty()) expected = read_other();
  LineReader reader(style, unlimited);
  const Result<std::optional<Buffer>> line = reader.next(of.buffer);
  rig.check(line && line->has_value() == expected.has_value(), "one has a line and the other has none");
  if (line && *line && expected) rig.check(**line == *expected, "another line");
  of.text.erase(0, of.text.size() - of.buffer.size());
}

constexpr std::array operations{
    Operation{"add", 6, add},
    Operation{"add_iovec", 2, add_iovec},
    Operation{"add_printf", 2, add_printf},
    Operation{"tell", 2, tell},
    Operation{"prepend", 3, prepend},
    Operation{"add_buffer", 3, add_buffer},
    Operation{"remove_buffer", 4, remove_buffer},
    Operation{"remove", 4, remove},
    Operation{"add_reference", 3, add_reference},
    Operation{"add_buffer_reference", 2, add_buffer_reference},
    Operation{"reserve_and_commit", 3, reserve_and_commit},
    Operation{"expand", 2, expand},
    Operation{"freeze", 1, freeze},
    Operation{"unfreeze", 2, unfreeze},
    Operation{"add_file", 1, add_file},
    Operation{"readln", 3, readln},
};

}  // namespace

std::span<const Operation> changing_operations() noexcept { return operations; }

}  // namespace weir::evbuffer_test
