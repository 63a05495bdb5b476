// weir: system calls on descriptors that have names: making them, connections, names, options and files.
// SPDX-License-Identifier: MIT
#include "tests/conformance/script.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "weir/sys/calls.h"

namespace weir::conformance {
namespace {

constexpr int no_descriptor = 999'999;  // beyond any limit of the process

std::string file_flags_text(int flags) {
  std::string text = (flags & O_ACCMODE) == O_RDONLY ? "RDONLY" : (flags & O_ACCMODE) == O_WRONLY ? "WRONLY" : "RDWR";
  if ((flags & O_CREAT) != 0) text += "|CREAT";
  if ((flags & O_EXCL) != 0) text += "|EXCL";
  if ((flags & O_TRUNC) != 0) text += "|TRUNC";
  if ((flags & O_APPEND) != 0) text += "|APPEND";
  return text;
}

std::string shutdown_text(int how) {
  constexpr std::array<const char*, 3> names{"RD", "WR", "RDWR"};
  return how >= 0 && how < 3 ? names[static_cast<std::size_t>(how)] : std::to_string(how);
}

}  // namespace

Script::Script(Places places) : addresses_(std::move(places)), watch_(sys::create_epoll().number()) {}

Script::~Script() {
  lift_limit();
  for (const Entry& entry : entries_) {
    if (entry.is_open) (void)sys::close(entry.number);
  }
  (void)sys::close(watch_);
}

void Script::note(std::initializer_list<std::string_view> call, std::string_view outcome) {
  std::string line;
  for (const std::string_view word : call) line.append(word).append(" ");
  trace_.push_back(line.append("-> ").append(outcome));
}

void Script::note_made(std::initializer_list<std::string_view> call, sys::CallResult made, std::string_view name,
                       bool is_socket) {
  if (made) keep(name, made.number(), is_socket);
  note(call, outcome_text(made));
}

void Script::keep(std::string_view name, int number, bool is_socket) {
  const Entry fresh{std::string(name), number, true, is_socket};
  if (Entry* entry = find(name); entry != nullptr) {
    *entry = fresh;
  } else {
    entries_.push_back(fresh);
  }
}

Script::Entry* Script::find(std::string_view name) {
  for (Entry& entry : entries_) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

int Script::number(std::string_view name) {
  const Entry* entry = find(name);
  return entry == nullptr ? no_descriptor : entry->number;
}

void Script::learn_port(std::string_view name) {
  sys::SocketName local;
  if (sys::local_name(number(name), local)) addresses_.learn(local, name);
}

void Script::socket(std::string_view name, const Kind& kind) {
  note_made({"socket", name, kind.name}, sys::open_socket(kind.family, kind.type), name, true);
}

void Script::socket_pair(std::string_view left, std::string_view right, const Kind& kind) {
  std::array<int, 2> ends{};
  const sys::CallResult made = sys::create_socket_pair(kind.family, kind.type, ends);
  if (made) keep(left, ends[0], true);
  if (made) keep(right, ends[1], true);
  note({"socket pair", left, right, kind.name}, outcome_text(made));
}

void Script::pipe(std::string_view reader, std::string_view writer) {
  std::array<int, 2> ends{};
  const sys::CallResult made = sys::create_pipe(ends);
  if (made) keep(reader, ends[0], false);
  if (made) keep(writer, ends[1], false);
  note({"pipe", reader, writer}, outcome_text(made));
}

void Script::counter(std::string_view name) { note_made({"counter", name}, sys::create_event_counter(), name, false); }

void Script::epoll(std::string_view name) { note_made({"epoll", name}, sys::create_epoll(), name, false); }

void Script::open(std::string_view name, std::string_view path, int flags) {
  const sys::CallResult opened = sys::open_file(addresses_.path(path).c_str(), flags, 0600);
  note_made({"open", name, path, file_flags_text(flags)}, opened, name, false);
}

void Script::close(std::string_view name) {
  note({"close", name}, outcome_text(sys::close(number(name))));
  if (Entry* entry = find(name); entry != nullptr) entry->is_open = false;
}

bool Script::make_listener(std::string_view name, int backlog, const char* address) {
  const sys::SocketName local = addresses_.parse(address);
  const sys::CallResult made = sys::open_socket(local.any.sa_family, SOCK_STREAM);
  if (!made) return false;
  keep(name, made.number(), true);
  if (!sys::bind(made.number(), local) || !sys::listen(made.number(), backlog)) return false;
  learn_port(name);
  return true;
}

void Script::tcp_listener(std::string_view name, int backlog, const char* address) {
  const bool is_made = make_listener(name, backlog, address);
  note({"tcp listener", name, address, "backlog", std::to_string(backlog)}, is_made ? "ok" : "failed");
}

void Script::tcp_pair(std::string_view left, std::string_view right, const char* address) {
  // The listener has the name of the accepted end, until that replaces it: they share the port.
  const bool is_listening = make_listener(right, 1, address);
  const int listener = number(right);
  sys::SocketName name;
  (void)sys::local_name(listener, name);
  const sys::CallResult made = sys::open_socket(name.any.sa_family, SOCK_STREAM);
  if (made) keep(left, made.number(), true);
  (void)sys::connect(number(left), name);
  learn_port(left);
  const bool is_connected =
      watch(number(left), out, patience, true).is_complete && watch(listener, in, patience, true).is_complete;
  const sys::CallResult accepted = sys::accept(listener, name);
  if (accepted) keep(right, accepted.number(), true);
  (void)sys::close(listener);
  note({"tcp pair", left, right}, is_listening && is_connected && accepted ? "ok" : "failed");
}

void Script::compare_numbers(std::string_view older, std::string_view newer) {
  const bool are_same = number(older) == number(newer);
  note({"number of", newer}, are_same ? "that of " + std::string(older) : "another than " + std::string(older));
}

bool Script::bind(std::string_view name, std::string_view address) {
  const sys::SocketName wanted = addresses_.parse(address);
  const sys::CallResult bound = sys::bind(number(name), wanted);
  if (bound && address.ends_with(":0")) learn_port(name);
  is_disturbed_ |= !bound && bound.error() == std::errc::address_in_use && addresses_.is_strangers(wanted);
  note({"bind", name, address}, outcome_text(bound));
  return static_cast<bool>(bound);
}

void Script::listen(std::string_view name, int backlog) {
  note({"listen", name, std::to_string(backlog)}, outcome_text(sys::listen(number(name), backlog)));
}

void Script::accept(std::string_view listener, std::string_view name) {
  sys::SocketName peer;
  note_made({"accept", listener, name}, sys::accept(number(listener), peer), name, true);
}

void Script::accept_naming_peer(std::string_view listener, std::string_view name) {
  sys::SocketName peer;
  const sys::CallResult accepted = sys::accept(number(listener), peer);
  if (accepted) keep(name, accepted.number(), true);
  note({"accept", listener, name}, outcome_text(accepted, accepted ? "from " + addresses_.print(peer) : ""));
}

void Script::connect(std::string_view name, std::string_view address) {
  note({"connect", name, address}, outcome_text(sys::connect(number(name), addresses_.parse(address))));
}

void Script::shutdown(std::string_view name, int how) {
  note({"shutdown", name, shutdown_text(how)}, outcome_text(sys::shutdown(number(name), how)));
}

void Script::local_name(std::string_view name) {
  sys::SocketName local;
  const sys::CallResult got = sys::local_name(number(name), local);
  if (got && !addresses_.knows(local)) addresses_.learn(local, name);
  note({"local name", name}, outcome_text(got, got ? addresses_.print(local) : ""));
}

void Script::peer_name(std::string_view name) {
  sys::SocketName peer;
  const sys::CallResult got = sys::peer_name(number(name), peer);
  note({"peer name", name}, outcome_text(got, got ? addresses_.print(peer) : ""));
}

void Script::set(std::string_view name, const Option& option, int value) {
  const sys::CallResult done = sys::set_option(number(name), option.level, option.number, value);
  note({"set", name, option.name, std::to_string(value)}, outcome_text(done));
}

void Script::get(std::string_view name, const Option& option) {
  int value = 0;
  const sys::CallResult got = sys::get_option(number(name), option.level, option.number, value);
  note({"get", name, option.name}, outcome_text(got, std::to_string(value)));
}

void Script::set_linger(std::string_view name, bool is_on, int seconds) {
  const linger value{.l_onoff = is_on ? 1 : 0, .l_linger = seconds};
  const sys::CallResult done = sys::set_option(number(name), SOL_SOCKET, SO_LINGER, value);
  note({"set", name, "SO_LINGER", is_on ? "on" : "off", std::to_string(seconds)}, outcome_text(done));
}

void Script::get_linger(std::string_view name) {
  linger value{};
  const sys::CallResult got = sys::get_option(number(name), SOL_SOCKET, SO_LINGER, value);
  const std::string text = (value.l_onoff != 0 ? "on " : "off ") + std::to_string(value.l_linger);
  note({"get", name, "SO_LINGER"}, outcome_text(got, text));
}

void Script::take_error(std::string_view name) {
  int value = 0;
  const sys::CallResult got = sys::get_option(number(name), SOL_SOCKET, SO_ERROR, value);
  note({"take error", name}, outcome_text(got, value == 0 ? "none" : error_text(value)));
}

void Script::file_size(std::string_view name) { note({"file size", name}, count_text(sys::file_size(number(name)))); }

void Script::file_kind(std::string_view name) {
  sys::FileKind kind{};
  const sys::CallResult got = sys::file_kind(number(name), kind);
  note({"file kind", name}, outcome_text(got, file_kind_text(kind)));
}

void Script::status_flags(std::string_view name) {
  const sys::CallResult got = sys::status_flags(number(name));
  note({"status flags", name}, outcome_text(got, got ? status_flags_text(got.number()) : std::string()));
}

void Script::set_status_flags(std::string_view name, int flags) {
  note({"set status flags", name, status_flags_text(flags)}, outcome_text(sys::set_status_flags(number(name), flags)));
}

void Script::unlink(std::string_view path) {
  note({"unlink", path}, outcome_text(sys::unlink(addresses_.path(path).c_str())));
}

void Script::describe_file(std::string_view path) {
  sys::FileIdentity identity;
  const sys::CallResult got = sys::describe_file(addresses_.path(path).c_str(), identity);
  note({"describe", path}, outcome_text(got, identity.is_socket ? "a socket" : "no socket"));
}

void Script::compare_files(std::string_view path, std::string_view other) {
  sys::FileIdentity first;
  sys::FileIdentity second;
  const bool are_there = sys::describe_file(addresses_.path(path).c_str(), first) &&
                         sys::describe_file(addresses_.path(other).c_str(), second);
  note({"compare", path, other}, !are_there ? "not both there" : first == second ? "the same" : "different");
}

}  // namespace weir::conformance
