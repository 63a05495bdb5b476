// weir: the model's operations that take bytes out of a buffer, or the buffer away.
// SPDX-License-Identifier: MIT
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "tests/buffer_model/machine.h"
#include "weir/buffer/transfer_buffer.h"

namespace weir::buffer_model {
namespace {

/// Some part of what is there: all, little, or any.
std::size_t some_count(Machine& m, const Content& content) {
  const std::size_t kind = m.below(6);
  const std::size_t any = m.below(content.size() + 1);
  const std::size_t few = m.below(std::min<std::size_t>(content.size(), 40) + 1);
  if (kind == 5) return content.size();
  return kind < 3 ? few : any;
}

void drop(Machine& m) {
  Subject& from = m.subject(Need::front);
  const std::size_t count = some_count(m, from.content);
  if (m.attempt([&] { from.buffer.drop(count); }, {{.subject = &from, .removed = count}})) from.content.drop(count);
}

void truncate(Machine& m) {
  Subject& from = m.subject(Need::back);
  const std::size_t count = from.content.size() - some_count(m, from.content);
  if (m.attempt([&] { from.buffer.truncate(count); }, {{.subject = &from, .removed = from.content.size() - count}}))
    from.content.truncate(count);
}

void clear(Machine& m) {
  Subject& from = m.subject(Need::both);
  if (!m.rarely(4)) return;
  m.check(m.attempt([&] { from.buffer.clear(); }, {{.subject = &from, .removed = from.content.size()}}),
          "clear failed");
  from.content = Content();
}

void take(Machine& m) {
  Subject& to = m.subject(Need::back);
  Subject& from = m.subject(Need::front);
  const std::size_t count = some_count(m, from.content);
  if (count == from.content.size()) Machine::thaw(from, Need::both);  // the whole buffer is moved
  std::optional<Buffer> taken;
  if (!m.attempt([&] { taken.emplace(from.buffer.take(count)); }, {{.subject = &from, .removed = count}})) return;
  Content expected = from.content.take(count);
  m.give(to, *std::move(taken), std::move(expected));
}

void take_and_drop(Machine& m) {
  Subject& to = m.subject(Need::back);
  Subject& from = m.subject(Need::front);
  const std::size_t count = some_count(m, from.content);
  const std::size_t dropped = std::min(m.below(10), from.content.size() - count);
  if (count == from.content.size()) Machine::thaw(from, Need::both);
  std::optional<Buffer> taken;
  if (!m.attempt([&] { taken.emplace(from.buffer.take_and_drop(count, dropped)); },
                 {{.subject = &from, .removed = count + dropped}}))
    return;
  Content expected = from.content.take(count);
  from.content.drop(dropped);
  m.give(to, *std::move(taken), std::move(expected));
}

void take_all(Machine& m) {
  Subject& to = m.subject(Need::back);
  Subject& from = m.subject(Need::both);
  std::optional<Buffer> taken;
  (void)m.attempt([&] { taken.emplace(from.buffer.take_all()); }, {{.subject = &from, .removed = from.content.size()}});
  Content expected = std::exchange(from.content, Content());
  m.give(to, *std::move(taken), std::move(expected));
}

void split(Machine& m) {
  Subject& to = m.subject(Need::back);
  Subject& from = m.subject(Need::back);
  const std::size_t count = from.content.size() - some_count(m, from.content);
  if (count == 0) Machine::thaw(from, Need::both);  // the whole buffer is moved
  std::optional<Buffer> rest;
  if (!m.attempt([&] { rest.emplace(from.buffer.split(count)); },
                 {{.subject = &from, .removed = from.content.size() - count}}))
    return;
  Content expected = from.content.split(count);
  m.give(to, *std::move(rest), std::move(expected));
}

/// To itself as well.
void append_buffer(Machine& m) {
  Subject& to = m.subject(Need::back);
  Subject& from = m.subject(Need::both);
  if (&to == &from) {
    (void)m.attempt([&] { to.buffer.append(std::move(from.buffer)); }, {{.subject = &to}});
    return;
  }
  const std::size_t count = from.content.size();
  const bool overflows = count > Buffer::max_size - to.content.size();
  if (!m.attempt([&] { to.buffer.append(std::move(from.buffer)); },
                 {{.subject = &to, .added = count}, {.subject = &from, .removed = count}}, overflows))
    return;
  to.content.append(std::exchange(from.content, Content()));
}

/// To itself as well.
void move_assign(Machine& m) {
  Subject& to = m.subject(Need::both);
  Subject& from = m.subject(Need::both);
  if (&to == &from) {
    (void)m.attempt([&] { to.buffer = std::move(from.buffer); }, {{.subject = &to}});
    return;
  }
  const std::size_t count = from.content.size();
  (void)m.attempt(
      [&] { to.buffer = std::move(from.buffer); },
      {{.subject = &to, .added = count, .removed = to.content.size()}, {.subject = &from, .removed = count}});
  to.content = std::exchange(from.content, Content());
}

/// Destroyed, with whatever it holds, and begun again.
void replace(Machine& m) {
  const std::size_t number = m.below(m.subjects().size());
  std::unique_ptr<Subject>& place = m.subjects()[number];
  if (!m.rarely(3)) return;
  std::erase_if(m.drafts(), [&](const std::unique_ptr<OpenDraft>& draft) { return draft->subject == place.get(); });
  m.settle();
  place.reset();
  place = std::make_unique<Subject>(m.pool());
}

/// As if it went to another thread, and back.
void transfer(Machine& m) {
  Subject& from = m.subject(Need::both);
  const std::size_t count = from.content.size();
  TransferBuffer parcel;
  (void)m.attempt([&] { parcel = std::move(from.buffer).detach(); }, {{.subject = &from, .removed = count}});
  Content expected = std::exchange(from.content, Content());
  m.check(parcel.size() == count && parcel.is_empty() == (count == 0), "a parcel of another size");
  Buffer back = std::move(parcel).attach();
  m.check_content(back, expected);
  const std::size_t meanwhile = from.content.size();
  (void)m.attempt([&] { from.buffer = std::move(back); }, {{.subject = &from, .added = count, .removed = meanwhile}});
  from.content = std::move(expected);
}

constexpr std::array operations{
    Operation{"drop", 6, drop},
    Operation{"truncate", 2, truncate},
    Operation{"clear", 1, clear},
    Operation{"take", 4, take},
    Operation{"take_and_drop", 2, take_and_drop},
    Operation{"take_all", 1, take_all},
    Operation{"split", 3, split},
    Operation{"append_buffer", 4, append_buffer},
    Operation{"move_assign", 1, move_assign},
    Operation{"replace", 1, replace},
    Operation{"transfer", 1, transfer},
};

}  // namespace

std::span<const Operation> removing_operations() noexcept { return operations; }

}  // namespace weir::buffer_model
