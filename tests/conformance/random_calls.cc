// weir: scripts drawn by chance: bytes, files and events.
// SPDX-License-Identifier: MIT
#include <array>
#include <chrono>

#include "tests/conformance/random_drawing.h"

namespace weir::conformance {

// --- bytes ---

void Drawing::send() {
  const std::string name = (one_in(8) ? pick_socket() : pick_connected()).name;
  call("send", &Script::send, name, draw_text());
}

void Drawing::send_to() {
  const Thing& socket = pick_socket();
  const Thing& target = pick([](const Thing& thing) { return !thing.host.empty() || !thing.path.empty(); });
  if (is_connected_udp6(socket)) return;
  const std::string address = address_of(socket, target);
  call("send_to", &Script::send_to, socket.name, draw_text(), address);
}

void Drawing::send_pieces() {
  const std::string name = pick_connected().name;
  program_.push_back({"send_pieces(" + line_of(name) + ", {\"one\", \"\", \"two\"})", [name](Script& s) {
                        s.send_pieces(name, {"one", "", "two"});
                      }});
}

/// Fills an end, looks at it while it is full, and empties it: how much fits, and when there is room again while some of it
/// is still there, is the kernel's business.
void Drawing::fill() {
  const Thing& thing = pick([](const Thing& one) { return !one.peer.empty(); });
  if (thing.peer.empty() || !thing.is_open()) return;
  const auto call_if_known = [this](const char* name, auto method, const std::string& of) {
    program_.push_back({std::string(name) + '(' + line_of(of) + ')', [method, of](Script& s) {
                          if (s.knows(of)) (s.*method)(of);
                        }});
  };
  const std::string peer = thing.peer;
  const std::string name = thing.name;
  call_if_known("fill", &Script::fill, name);
  if (one_in(2)) call("look", &Script::look, name);
  if (one_in(2)) wait();
  if (one_in(2)) call("write", &Script::write, name, "a");
  call_if_known("discard", &Script::discard, peer);
}

void Drawing::receive() {
  const std::string name = (one_in(8) ? pick_socket() : pick_connected()).name;
  call("receive", &Script::receive, name, one_of<std::size_t>({64, 64, 64, 64, 1, 3, 0}));
}

void Drawing::receive_from() {
  call("receive_from", &Script::receive_from, pick_socket().name, one_of<std::size_t>({64, 64, 64, 3, 0}));
}

void Drawing::write() {
  const bool is_to_pipe = one_in(2);
  const Thing& thing = is_to_pipe ? pick_sort(Sort::writer) : pick_any();
  call("write", &Script::write, thing.name, draw_text());
}

void Drawing::read() {
  const bool is_from_pipe = one_in(2);
  const Thing& thing = is_from_pipe ? pick_sort(Sort::reader) : pick_any();
  call("read", &Script::read, thing.name, one_of<std::size_t>({64, 64, 3, 0}));
}

void Drawing::count() {
  const std::string name = pick_sort(Sort::counter).name;
  if (one_in(2))
    call("write_number", &Script::write_number, name, one_of<std::size_t>({1, 1, 5, 0}));
  else
    call("read_number", &Script::read_number, name);
}

// --- files ---

void Drawing::use_file() {
  const Thing& file = pick_sort(Sort::file);
  const std::string name = file.name;
  if (one_in(3))
    call("file_size", &Script::file_size, name);
  else if (one_in(2))
    call("read_at", &Script::read_at, name, one_of<std::size_t>({0, 2, 99}), std::size_t{8});
  else
    send_file(file);
}

/// Not into a pipe or a file, which the simulated kernel does not know; nor where both descriptors are wrong ones, of which
/// either kernel tells of another.
void Drawing::send_file(const Thing& file) {
  const Thing& socket = pick_socket();
  if (&socket == &nothing_ || !socket.is_socket() || file.sort != Sort::file || !file.is_open()) return;
  call("send_file", &Script::send_file, socket.name, file.name, one_of<std::size_t>({0, 2, 99}),
       one_of<std::size_t>({64, 3, 0}));
}

void Drawing::use_path() {
  const char* path = one_of({"one", "two"});
  if (one_in(2))
    call("unlink", &Script::unlink, path);
  else if (one_in(2))
    call("describe_file", &Script::describe_file, path);
  else
    call("compare_files", &Script::compare_files, path, one_of({"one", "two"}));
}

// --- events ---

Named<std::uint32_t> Drawing::draw_events() {
  constexpr std::array<std::pair<std::uint32_t, const char*>, 5> names{
      {{in, "in"}, {out, "out"}, {end, "end"}, {edge, "edge"}, {oneshot, "oneshot"}}};
  constexpr std::array<unsigned, 5> rarity{2, 2, 2, 2, 5};
  Named<std::uint32_t> events{0, ""};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == 0 ? one_in(4) : !one_in(rarity[i])) continue;
    events.value |= names[i].first;
    events.line += (events.line.empty() ? "" : " | ") + std::string(names[i].second);
  }
  if (events.value == 0) events.line = "0";
  return events;
}

void Drawing::look() { call("look", &Script::look, pick_any().name); }

void Drawing::watch() {
  const std::string epoll = pick_sort(Sort::epoll).name;
  const Thing& thing = pick([](const Thing& one) { return one.sort != Sort::file; });
  call("add", &Script::add, epoll, thing.name, draw_events());
}

void Drawing::control() {
  const std::string epoll = pick_sort(Sort::epoll).name;
  const std::string name = pick_any().name;
  if (one_in(3))
    call("remove", &Script::remove, epoll, name);
  else
    call("modify", &Script::modify, epoll, name, draw_events());
}

void Drawing::wait() {
  using Options = Named<WaitOptions>;
  const std::size_t most = one_of<std::size_t>({16, 16, 16, 1, 2});
  const WaitOptions options{.most = most, .in_order = true, .longest = Duration::zero()};
  const std::string line = "{.most = " + std::to_string(most) + ", .in_order = true, .longest = Duration::zero()}";
  call("wait", &Script::wait, pick_sort(Sort::epoll).name, Options{options, line});
}

}  // namespace weir::conformance
