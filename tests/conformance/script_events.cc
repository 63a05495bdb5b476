// weir: system calls on descriptors that have names: those that are about events.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "tests/conformance/script.h"
#include "weir/sys/calls.h"

namespace weir::conformance {

void Script::add(std::string_view epoll, std::string_view name, std::uint32_t events) {
  control(epoll, EPOLL_CTL_ADD, name, events);
}

void Script::modify(std::string_view epoll, std::string_view name, std::uint32_t events) {
  control(epoll, EPOLL_CTL_MOD, name, events);
}

void Script::remove(std::string_view epoll, std::string_view name) { control(epoll, EPOLL_CTL_DEL, name, 0); }

void Script::control(std::string_view epoll, int operation, std::string_view name, std::uint32_t events) {
  const Entry* entry = find(name);
  epoll_event event{};
  event.events = events;
  event.data.u64 = entry == nullptr ? 0 : static_cast<std::uint64_t>(entry - entries_.data());
  const sys::CallResult done = sys::control_epoll(number(epoll), operation, number(name), event);
  constexpr std::array<const char*, 4> verbs{"control 0", "add", "remove", "modify"};
  const std::string verb = operation >= 0 && operation < 4 ? verbs[static_cast<std::size_t>(operation)]
                                                           : "control " + std::to_string(operation);
  const bool has_events = operation != EPOLL_CTL_DEL;
  note({verb, epoll, std::string(name) + (has_events ? ':' + events_text(events) : "")}, outcome_text(done));
}

void Script::note_events(std::string_view epoll, sys::CallResult ready, std::span<const epoll_event> events,
                         WaitOptions options) {
  std::vector<std::string> texts;
  for (const epoll_event& event : events.first(ready ? ready.count() : 0)) {
    texts.push_back(entries_.at(event.data.u64).name + ':' + events_text(event.events));
  }
  if (!options.in_order) std::sort(texts.begin(), texts.end());
  std::string outcome;
  for (const std::string& text : texts) outcome += (outcome.empty() ? "" : " ") + text;
  if (!ready) outcome = error_text(ready.error_number());
  if (ready && ready.count() == 0) outcome = "nothing";
  if (ready && options.only_count) outcome = std::to_string(ready.count()) + " in all";
  note({options.in_order ? "wait in order" : "wait", epoll}, outcome);
}

void Script::wait(std::string_view epoll, WaitOptions options) {
  std::vector<epoll_event> events(options.most);
  note_events(epoll, sys::wait_epoll(number(epoll), events, options.longest), events, options);
}

void Script::wait_for_nothing(std::string_view epoll) {
  std::vector<epoll_event> events(16);
  note_events(epoll, sys::wait_epoll(number(epoll), events, quiet_time), events, {});
}

void Script::wait_for(std::string_view epoll, Duration length) {
  std::array<epoll_event, 1> events{};
  const TimePoint before = sys::monotonic_now();
  const sys::CallResult ready = sys::wait_epoll(number(epoll), events, length);
  const bool is_early = sys::monotonic_now() - before < length;
  note({"wait", epoll, "for", std::to_string(length.count()), "ns"}, count_text(ready) + (is_early ? ", early" : ""));
}

Script::Watched Script::watch(int number, std::uint32_t events, Duration longest, bool wants_all) {
  Watched watched;
  std::array<epoll_event, 1> ready{};
  epoll_event interest{};
  interest.events = events | EPOLLET;  // wakes up when the state changes, however long some of it is there already
  if (!sys::control_epoll(watch_, EPOLL_CTL_ADD, number, interest)) return watched;
  const TimePoint limit = sys::monotonic_now() + longest;
  while (!watched.is_complete) {
    const Duration left = std::max(limit - sys::monotonic_now(), Duration::zero());
    const sys::CallResult got = sys::wait_epoll(watch_, ready, left);
    if (!got || got.count() == 0) break;
    watched.events = ready[0].events;
    watched.is_complete = !wants_all || (watched.events & events) == events;
  }
  (void)sys::control_epoll(watch_, EPOLL_CTL_DEL, number);
  return watched;
}

void Script::await(std::string_view name, std::uint32_t events, Duration longest) {
  const Watched watched = watch(number(name), events, longest, true);
  note({"await", name, events_text(events)}, (watched.is_complete ? "" : "not all: ") + events_text(watched.events));
}

void Script::look(std::string_view name) {
  note({"look", name}, events_text(watch(number(name), everything, Duration::zero(), false).events));
}

void Script::await_nothing(std::string_view name, std::uint32_t events) {
  const Watched watched = watch(number(name), events, quiet_time, false);
  note({"await nothing", name, events_text(events)}, watched.is_complete ? events_text(watched.events) : "nothing");
}

void Script::pause(Duration length) {
  std::array<epoll_event, 1> events{};
  (void)sys::wait_epoll(watch_, events, length);
}

}  // namespace weir::conformance
