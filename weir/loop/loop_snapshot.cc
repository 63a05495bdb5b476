// weir: the objects of a loop at one moment, as a value that can be printed.
// SPDX-License-Identifier: MIT
#include "weir/loop/loop_snapshot.h"

#include <initializer_list>

#include "weir/loop/event_loop.h"
#include "weir/loop/io_slot.h"

namespace weir {
namespace {

/// "12.3 s", and "-0.1 s" for what is over.
std::string in_seconds(Duration duration) {
  constexpr Duration tenth = std::chrono::milliseconds(100);
  const auto tenths = duration / tenth - (duration % tenth < Duration::zero() ? 1 : 0);
  const auto size = static_cast<std::uint64_t>(tenths < 0 ? -tenths : tenths);
  return (tenths < 0 ? "-" : "") + std::to_string(size / 10) + '.' + std::to_string(size % 10) + " s";
}

}  // namespace

LoopSnapshot EventLoop::snapshot() const {
  LoopSnapshot snapshot{.taken = clock(), .backend = backend()};
  snapshot.objects.reserve(slots_.size());
  slots_.for_each([&](Slot& slot) {
    ObjectState state;
    slot.describe(state);
    if (state.kind == ObjectKind::internal) return;
    state.name = slot.name();
    if (const IoSlot* io = slot.as_io_slot()) state.priority = io->priority();
    state.age = (present_birth() - slots_.birth_of(slot.id())) * birth_unit;
    snapshot.objects.push_back(std::move(state));
  });
  return snapshot;
}

std::string LoopSnapshot::to_string() const {
  std::string text = std::to_string(objects.size()) + " objects, on ";
  text += backend;
  text += '\n';
  for (const ObjectState& object : objects) text += weir::to_string(object, taken) + '\n';
  return text;
}

std::string to_string(const ObjectState& object, TimePoint now) {
  std::string text(name_of(object.kind));
  if (!object.name.empty()) text += " \"" + object.name + '"';
  if (object.descriptor >= 0) text += "  fd " + std::to_string(object.descriptor);
  text += "  ";
  text += object.phase;
  if (object.kind == ObjectKind::stream) {
    text += "  in " + std::to_string(object.input_bytes) + "  out " + std::to_string(object.output_bytes);
    if (object.suspended.is_any()) text += "  not reading: " + to_string(object.suspended);
    if (object.is_stalled) text += "  stalled";
    if (object.writing_suspended.is_any()) text += "  not writing: " + to_string(object.writing_suspended);
  }
  if (object.priority != 0) text += "  priority " + std::to_string(object.priority);
  text += "  age " + in_seconds(object.age);
  if (object.idle) text += "  idle " + in_seconds(*object.idle);
  if (object.deadline == TimePoint::max()) return text;
  text += object.kind == ObjectKind::timer ? "  fires in " : "  limit in ";
  return text + in_seconds(object.deadline - now);
}

namespace {

struct Reason {
  bool is_so;
  std::string_view name;
};

std::string list_of(std::initializer_list<Reason> reasons) {
  std::string text;
  for (const Reason& reason : reasons) {
    if (!reason.is_so) continue;
    if (!text.empty()) text += ", ";
    text += reason.name;
  }
  return text;
}

}  // namespace

std::string to_string(const ReadingSuspended& suspended) {
  return list_of({{suspended.by_user, "user"},
                  {suspended.input_full, "input full"},
                  {suspended.output_full, "output full"},
                  {suspended.rate, "rate"},
                  {suspended.connecting, "connecting"},
                  {suspended.ended, "ended"},
                  {suspended.memory, "memory"},
                  {suspended.held, "held"}});
}

std::string to_string(const WritingSuspended& suspended) {
  return list_of({{suspended.by_user, "user"},
                  {suspended.rate, "rate"},
                  {suspended.connecting, "connecting"},
                  {suspended.held, "held"}});
}

}  // namespace weir
