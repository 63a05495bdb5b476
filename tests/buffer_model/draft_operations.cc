// weir: the model's operations on drafts, several of which may be open beside what is done to the buffer directly.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "tests/buffer_model/machine.h"

namespace weir::buffer_model {
namespace {

constexpr std::size_t most_drafts = 3;
constexpr std::size_t most_places = 12;

void forget_places(OpenDraft& draft) {
  for (OpenDraft::Place& place : draft.places) place.is_gone = true;
  draft.regions.clear();
}

void draft_begin(Machine& m) {
  Subject& of = m.subject();
  if (m.drafts().size() == most_drafts) m.drafts().erase(m.drafts().begin());
  m.drafts().push_back(std::make_unique<OpenDraft>(of));
}

/// Its destructor takes everything back.
void draft_end(Machine& m) {
  const std::size_t which = m.below(m.drafts().size());
  if (!m.drafts().empty()) m.drafts().erase(m.drafts().begin() + static_cast<std::ptrdiff_t>(which));
}

void draft_allocate(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::string_view text = m.text();
  if (draft == nullptr) return;
  MutableBytes memory;
  if (!attempt(
          m, *draft, [&] { memory = draft->draft.allocate(text.size()); }, overflows(*draft, text.size())))
    return;
  m.check(memory.size() == text.size(), "another size was allocated");
  if (m.has_failed() || text.empty()) return;
  std::copy_n(as_bytes(text).begin(), text.size(), memory.begin());
  draft->regions.push_back({memory, draft->content.size()});
  draft->content.append(text);
}

/// What was allocated earlier is written anew.
void draft_fill(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::size_t which = m.below(draft == nullptr ? 0 : draft->regions.size());
  const std::size_t length = draft == nullptr || draft->regions.empty() ? 0 : draft->regions[which].memory.size();
  const std::string_view text = m.text(std::min(length, longest_text));
  if (length == 0 || !draft->content.is_text()) return;
  const OpenDraft::Region& region = draft->regions[which];
  std::copy_n(as_bytes(text).begin(), text.size(), region.memory.begin());
  draft->content.overwrite(region.position, text);
}

void draft_append(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::string_view text = m.text();
  const std::size_t form = m.below(6);
  if (draft == nullptr) return;
  std::string adopted(text);
  const Slice slice = Slice::from_static(text);
  const std::array pieces{as_bytes(text.substr(0, text.size() / 3)), as_bytes(text.substr(text.size() / 3))};
  const bool done = attempt(
      m, *draft,
      [&] {
        switch (form) {
          case 0: return draft->draft.append(text);
          case 1: return draft->draft.append(std::move(adopted));
          case 2: return draft->draft.append(slice);
          case 3: return draft->draft.append(as_bytes(text));
          case 4: return draft->draft.append_pieces(pieces);
          default: return draft->draft.append_static(text);
        }
      },
      overflows(*draft, text.size()));
  if (done) draft->content.append(text);
}

void draft_append_foreign(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::string_view text = m.text();
  if (draft == nullptr) return;
  Lent& lent = m.lend(text);
  Callback<void()> release = m.release_of(lent);
  const bool done = attempt(
      m, *draft, [&] { draft->draft.append_foreign(lent.memory, std::move(release)); }, overflows(*draft, text.size()));
  m.check(done || lent.returned == 0, "what was not taken was released");
  if (done) {
    draft->content.append(text);
  } else {
    m.take_back(lent);
  }
}

void draft_append_slice(Machine& m) {
  OpenDraft* draft = m.draft();
  const Pinned* pinned = m.pinned();
  if (draft == nullptr || pinned == nullptr) return;
  if (attempt(
          m, *draft, [&] { draft->draft.append(pinned->slice); }, overflows(*draft, pinned->text.size())))
    draft->content.append(pinned->text);
}

/// A part of any buffer, its target included.
void draft_append_buffer(Machine& m) {
  OpenDraft* draft = m.draft();
  Subject& from = m.subject(Need::both);
  const std::size_t count = m.below(from.content.size() + 1);
  if (draft == nullptr || overflows(*draft, count)) return;
  std::optional<Buffer> taken;
  if (!m.attempt([&] { taken.emplace(from.buffer.take(count)); }, {{.subject = &from, .removed = count}})) return;
  Content expected = from.content.take(count);
  if (attempt(m, *draft, [&] { draft->draft.append(*std::move(taken)); })) {
    draft->content.append(std::move(expected));
  } else {
    m.check_content(*taken, expected);  // NOLINT(bugprone-use-after-move): promised
  }
}

/// To itself as well.
void draft_append_draft(Machine& m) {
  OpenDraft* to = m.draft();
  OpenDraft* from = m.draft();
  if (to == nullptr || overflows(*to, from->content.size())) return;
  if (!attempt(m, *to, [&] { to->draft.append(std::move(from->draft)); }) || to == from) return;
  m.check(from->draft.is_empty(), "what was moved is still there");
  if (from->content.is_empty()) return;
  to->content.append(std::exchange(from->content, Content()));
  forget_places(*from);
}

void draft_mark(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::size_t back = m.below(draft == nullptr ? 0 : draft->content.size() + 1);
  const bool is_end = m.coin();
  if (draft == nullptr) return;
  if (draft->places.size() == most_places) draft->places.erase(draft->places.begin());
  draft->places.push_back(is_end ? OpenDraft::Place{draft->draft.mark(), draft->content.size()}
                                 : OpenDraft::Place{draft->draft.mark_before_last(back), draft->content.size() - back});
}

/// Moves what lies behind `position` by `count`; what it cuts in two is not watched any more.
void shift(OpenDraft& draft, std::size_t position, std::size_t count) {
  for (OpenDraft::Place& place : draft.places) {
    if (place.position >= position) place.position += count;
  }
  std::erase_if(draft.regions, [&](const OpenDraft::Region& region) {
    return region.position < position && position < region.position + region.memory.size();
  });
  for (OpenDraft::Region& region : draft.regions) {
    if (region.position >= position) region.position += count;
  }
}

void draft_insert(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::size_t which = m.below(draft == nullptr ? 0 : draft->places.size());
  const std::string_view text = m.text();
  const bool is_slice = m.coin();
  if (draft == nullptr || draft->places.empty() || overflows(*draft, text.size())) return;
  const OpenDraft::Place place = draft->places[which];
  Buffer bytes(m.pool());
  bytes.append_static(text);
  bool is_inserted = false;
  const bool done = attempt(m, *draft, [&] {
    is_inserted = is_slice ? draft->draft.insert(place.mark, Slice::from_static(text))
                           : draft->draft.insert(place.mark, std::move(bytes));
  });
  if (!is_slice)
    m.check(bytes.size() == (done && is_inserted ? 0 : text.size()),
            "the bytes are not as promised");  // NOLINT(bugprone-use-after-move)
  if (!done) return;
  m.check(is_inserted == !place.is_gone, "a place is gone that is there, or the other way round");
  if (!is_inserted || m.has_failed()) return;
  draft->content.insert(place.position, Content(text));
  shift(*draft, place.position, text.size());
}

/// The forms that copy or share: bytes, text, a slice that is kept, a part of the file.
void draft_insert_copy(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::size_t which = m.below(draft == nullptr ? 0 : draft->places.size());
  const std::size_t form = m.below(4);
  const std::string_view text = m.text();
  const Pinned* pinned = m.pinned();
  const std::size_t offset = m.below(file_text().size() - text.size() + 1);
  if (draft == nullptr || draft->places.empty() || (form == 2 && pinned == nullptr)) return;
  const OpenDraft::Place place = draft->places[which];
  const FileRange range = m.file().range(offset, text.size());
  Content inserted(form == 2 ? std::string_view(pinned->text) : text);
  if (form == 3) {
    inserted = Content();
    inserted.append_file(offset, text.size());
  }
  const std::size_t size = inserted.size();
  if (overflows(*draft, size)) return;
  bool is_inserted = false;
  const bool done = attempt(m, *draft, [&] {
    switch (form) {
      case 0: is_inserted = draft->draft.insert(place.mark, as_bytes(text)); break;
      case 1: is_inserted = draft->draft.insert(place.mark, text); break;
      case 2: is_inserted = draft->draft.insert(place.mark, pinned->slice); break;
      default: is_inserted = draft->draft.insert(place.mark, range);
    }
  });
  if (!done) return;
  m.check(is_inserted == !place.is_gone, "a place is gone that is there, or the other way round");
  if (!is_inserted || m.has_failed() || size == 0) return;
  draft->content.insert(place.position, std::move(inserted));
  shift(*draft, place.position, size);
}

void draft_truncate(Machine& m) {
  OpenDraft* draft = m.draft();
  const std::size_t size = draft == nullptr ? 0 : draft->content.size();
  const std::size_t count = m.below(size + 2);
  if (draft == nullptr) return;
  bool is_cut = false;
  if (!attempt(m, *draft, [&] { is_cut = draft->draft.truncate(count); })) return;
  m.check(is_cut == (count <= size), "cut back to more than there is, or not at all");
  if (count >= size) return;
  draft->content.truncate(count);
  for (OpenDraft::Place& place : draft->places) place.is_gone |= count == 0 || place.position > count;
  std::erase_if(draft->regions,
                [&](const OpenDraft::Region& region) { return region.position + region.memory.size() > count; });
}

void draft_rollback(Machine& m) {
  OpenDraft* draft = m.draft();
  if (draft == nullptr) return;
  draft->draft.rollback();
  draft->content = Content();
  forget_places(*draft);
}

void draft_commit(Machine& m) {
  OpenDraft* draft = m.draft();
  if (draft == nullptr) return;
  Subject& to = *draft->subject;
  Machine::thaw(to, Need::back);
  const std::size_t count = draft->content.size();
  if (!m.attempt([&] { draft->draft.commit(); }, {{.subject = &to, .added = count}},
                 count > Buffer::max_size - to.content.size())) {
    m.check(draft->draft.size() == count, "the draft has changed");
    return;
  }
  to.content.append(std::exchange(draft->content, Content()));
  forget_places(*draft);
  m.check_content(to.buffer, to.content);
}

constexpr std::array operations{
    Operation{"draft_begin", 3, draft_begin},
    Operation{"draft_end", 1, draft_end},
    Operation{"draft_allocate", 3, draft_allocate},
    Operation{"draft_fill", 1, draft_fill},
    Operation{"draft_append", 2, draft_append},
    Operation{"draft_append_foreign", 1, draft_append_foreign},
    Operation{"draft_append_slice", 1, draft_append_slice},
    Operation{"draft_append_buffer", 1, draft_append_buffer},
    Operation{"draft_append_draft", 1, draft_append_draft},
    Operation{"draft_mark", 2, draft_mark},
    Operation{"draft_insert", 3, draft_insert},
    Operation{"draft_insert_copy", 2, draft_insert_copy},
    Operation{"draft_truncate", 2, draft_truncate},
    Operation{"draft_rollback", 1, draft_rollback},
    Operation{"draft_commit", 3, draft_commit},
};

}  // namespace

std::span<const Operation> draft_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
