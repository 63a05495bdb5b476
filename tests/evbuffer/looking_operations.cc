// weir: what looks at buffers and evbuffers.
// SPDX-License-Identifier: MIT
#include <event2/buffer.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/evbuffer/evbuffer_rig.h"
#include "weir/buffer/cursor.h"

namespace weir::evbuffer_test {
namespace {

/// What an evbuffer found, as a buffer tells it.
bool is_same(const Found& found, const evbuffer_ptr& other) {
  return other.pos < 0 ? !found : found == static_cast<std::size_t>(other.pos);
}

evbuffer_ptr place_in(Twin& twin, std::size_t offset) {
  evbuffer_ptr place{};
  evbuffer_ptr_set(twin.other, &place, offset, EVBUFFER_PTR_SET);
  return place;
}

void copyout(EvbufferRig& rig) {
  Twin& of = rig.twin();
  const std::size_t offset = rig.below(of.text.size() + 1);
  const std::size_t asked = rig.some_count(of);
  std::string copy(asked, '\0');
  std::string other(asked, '\0');
  const evbuffer_ptr from = place_in(of, offset);
  const ev_ssize_t other_count = offset == 0 ? evbuffer_copyout(of.other, other.data(), asked)
                                             : evbuffer_copyout_from(of.other, &from, other.data(), asked);
  const std::size_t count = of.buffer.copy_to(std::as_writable_bytes(std::span(copy)), offset);
  if (of.buffer.is_front_frozen())
    return rig.check(other_count == -1 || count == 0, "the evbuffer copies from a frozen front");
  rig.check(static_cast<ev_ssize_t>(count) == other_count, "another number of bytes was copied");
  rig.check(copy == other, "other bytes were copied");
}

void pullup(EvbufferRig& rig) {
  Twin& of = rig.twin();
  const std::size_t count = rig.below(of.text.size() + 2);
  const bool is_all = rig.rarely(4);
  const std::size_t size = is_all ? of.text.size() : count;
  if (rig.shares_memory(of)) {
    if (size <= of.text.size())
      rig.check(as_text(of.buffer.contiguous(size)) == of.text.substr(0, size), "other bytes in one piece");
    return;
  }
  const unsigned char* other = evbuffer_pullup(of.other, is_all ? -1 : static_cast<ev_ssize_t>(count));
  if (size > of.text.size()) return rig.check(other == nullptr, "the evbuffer has more than there is");
  const Bytes joined = of.buffer.contiguous(size);
  rig.check(size == 0 || other != nullptr, "the evbuffer could not be pulled up");
  if (other == nullptr) return;
  rig.check(as_text(joined) == std::string_view(reinterpret_cast<const char*>(other), size),
            "other bytes in one piece");
}

/// A part of its own content, or something else.
std::string some_needle(EvbufferRig& rig, const Twin& in) {
  const std::string_view foreign = buffer_model::some_text(rig.choices(), 1 + rig.below(4));
  const std::size_t place = rig.below(in.text.size() + 1);
  const std::size_t size = 1 + rig.below(12);
  const bool is_own = rig.coin();
  return is_own && place < in.text.size() ? in.text.substr(place, size) : std::string(foreign);
}

void search(EvbufferRig& rig) {
  Twin& in = rig.twin();
  const std::string needle = some_needle(rig, in);
  const std::size_t from = rig.coin() ? rig.below(in.text.size() + 1) : 0;
  const evbuffer_ptr begin = place_in(in, from);
  const evbuffer_ptr other = evbuffer_search(in.other, needle.data(), needle.size(), from == 0 ? nullptr : &begin);
  rig.check(is_same(in.buffer.find(needle, {.from = from}), other), "found elsewhere");
  const evbuffer_ptr nothing = evbuffer_search(in.other, needle.data(), 0, from == 0 ? nullptr : &begin);
  rig.check(is_same(in.buffer.find("", {.from = from}), nothing), "nothing was found elsewhere");
}

void search_range(EvbufferRig& rig) {
  Twin& in = rig.twin();
  const std::string needle = some_needle(rig, in);
  const std::size_t from = rig.below(in.text.size() + 1);
  const std::size_t within = from + rig.below(in.text.size() - from + 1);
  const evbuffer_ptr begin = place_in(in, from);
  const evbuffer_ptr end = place_in(in, within);
  const evbuffer_ptr other = evbuffer_search_range(in.other, needle.data(), needle.size(), &begin, &end);
  rig.check(is_same(in.buffer.find(needle, {.from = from, .within = within}), other), "found elsewhere in a range");
}

void search_eol(EvbufferRig& rig) {
  constexpr std::array styles{std::pair(LineEnd::crlf, EVBUFFER_EOL_CRLF),
                              std::pair(LineEnd::crlf_strict, EVBUFFER_EOL_CRLF_STRICT),
                              std::pair(LineEnd::lf, EVBUFFER_EOL_LF), std::pair(LineEnd::nul, EVBUFFER_EOL_NUL),
                              std::pair(LineEnd::any, EVBUFFER_EOL_ANY)};
  Twin& in = rig.twin();
  const auto [style, other_style] = styles[rig.below(styles.size())];
  const std::size_t from = rig.coin() ? rig.below(in.text.size() + 1) : 0;
  evbuffer_ptr begin = place_in(in, from);
  std::size_t other_size = 0;
  const evbuffer_ptr other = evbuffer_search_eol(in.other, from == 0 ? nullptr : &begin, &other_size, other_style);
  const Found found = in.buffer.find_line_end(style, {.from = from});
  rig.check(is_same(found, other), "another end of a line");
  if (found) rig.check(found.size() == other_size, "an end of a line of another size");
}

void peek(EvbufferRig& rig) {
  Twin& of = rig.twin();
  const std::size_t offset = rig.below(of.text.size() + 1);
  const std::size_t wanted = rig.below(of.text.size() - offset + 1);
  evbuffer_ptr from = place_in(of, offset);
  std::vector<evbuffer_iovec> others(200);
  const int needed =
      evbuffer_peek(of.other, static_cast<ev_ssize_t>(wanted), &from, others.data(), static_cast<int>(others.size()));
  std::vector<iovec> entries(200);
  const std::size_t filled = of.buffer.gather(entries, offset, wanted);
  std::string other;
  for (int i = 0; i < std::min<int>(needed, static_cast<int>(others.size())) && wanted != 0; ++i)
    other.append(static_cast<const char*>(others[static_cast<std::size_t>(i)].iov_base),
                 others[static_cast<std::size_t>(i)].iov_len);
  std::string bytes;
  for (const iovec& entry : std::span(entries).first(filled))
    bytes.append(static_cast<const char*>(entry.iov_base), entry.iov_len);
  const std::size_t common = std::min({bytes.size(), other.size(), wanted});
  rig.check(bytes.size() <= wanted && (bytes.size() == wanted || filled == entries.size()), "another number of bytes");
  rig.check(bytes.substr(0, common) == other.substr(0, common), "other bytes were described");
}

/// Goes on step by step; after each, searches and copies from there.
void step(EvbufferRig& rig) {
  Twin& in = rig.twin();
  Cursor cursor(in.buffer);
  evbuffer_ptr place = place_in(in, 0);
  const std::string needle = some_needle(rig, in);
  for (std::size_t steps = rig.below(8); steps != 0; --steps) {
    const std::size_t count =
        rig.rarely(8) ? unlimited - rig.below(3) : rig.below(rig.coin() ? 10 : cursor.left() + cursor.left() / 8 + 1);
    const std::size_t position = cursor.position();
    const int answer = evbuffer_ptr_set(in.other, &place, count, EVBUFFER_PTR_ADD);
    const bool is_done = cursor.skip(count);
    rig.check(is_done == (answer == 0), "one can go so far and the other cannot");
    rig.check(cursor.position() == position + (is_done ? count : 0), "the cursor is elsewhere");
    if (!is_done || answer != 0) return;  // the evbuffer's place is lost
    rig.check(place.pos == static_cast<ev_ssize_t>(cursor.position()), "the evbuffer's place is elsewhere");

    const evbuffer_ptr other = evbuffer_search(in.other, needle.data(), needle.size(), &place);
    const Found found = cursor.find(needle);
    rig.check(found ? other.pos == static_cast<ev_ssize_t>(cursor.position() + *found) : other.pos < 0,
              "found elsewhere from a step on");
    if (in.buffer.is_front_frozen()) continue;  // evbuffer_copyout_from refuses
    std::array<char, 40> bytes{};
    std::array<char, 40> others{};
    const std::size_t size = std::min(bytes.size(), cursor.left());
    rig.check(cursor.peek(std::as_writable_bytes(std::span(bytes)).first(size)), "the cursor has fewer bytes");
    rig.check(evbuffer_copyout_from(in.other, &place, others.data(), size) == static_cast<ev_ssize_t>(size),
              "the evbuffer has fewer bytes");
    rig.check(bytes == others, "other bytes from a step on");
  }
}

constexpr std::array operations{
    Operation{"copyout", 2, copyout},
    Operation{"pullup", 2, pullup},
    Operation{"search", 3, search},
    Operation{"search_range", 2, search_range},
    Operation{"search_eol", 3, search_eol},
    Operation{"peek", 2, peek},
    Operation{"step", 3, step},
};

}  // namespace

std::span<const Operation> looking_operations() noexcept { return operations; }

}  // namespace weir::evbuffer_test
