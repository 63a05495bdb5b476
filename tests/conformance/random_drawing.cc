// weir: scripts drawn by chance: descriptors, connections and options.
// SPDX-License-Identifier: MIT
#include "tests/conformance/random_drawing.h"

#include <fcntl.h>

#include "tests/conformance/options.h"

namespace weir::conformance {

Program draw_program(DrawOptions options) { return Drawing(options).draw(); }

Program Drawing::draw() {
  // TCP and UDP are not mixed: the address book tells ports by their numbers alone.
  theme_ = one_of({Sort::tcp, Sort::tcp, Sort::tcp, Sort::local, Sort::local, Sort::udp, Sort::file, Sort::epoll});
  unsigned total = 0;
  for (const Step& step : steps()) total += step.weight;
  const std::size_t length = 10 + below(50);
  const std::size_t most_things = 3 + below(12);  // few of them have much to do with each other
  while (program_.size() < length) {
    unsigned place = below(total);
    for (const Step& step : steps()) {
      if (place < step.weight) {
        if (!step.makes || things_.size() < most_things) (this->*step.take)();
        break;
      }
      place -= step.weight;
    }
  }
  return std::move(program_);
}

// --- descriptors ---

Thing& Drawing::make(const char* letter, Sort sort) {
  things_.push_back({.name = letter + std::to_string(++made_), .sort = sort});
  return things_.back();
}

void Drawing::without_delay(const std::string& name) {
  call("set", &Script::set, name, Named<Option>{no_delay, "no_delay"}, 1);
  const Operation added = std::move(program_.back());
  program_.pop_back();
  Operation& whole = program_.back();
  whole.line += ";\n       s." + added.line;
  whole.play = [first = std::move(whole.play), then = added.play](Script& s) {
    first(s);
    then(s);
  };
}

void Drawing::make_tcp_pair() {
  const bool is_v6 = wants_v6();
  Thing& left = make("a", Sort::tcp);
  Thing& right = make("b", Sort::tcp);
  for (Thing* thing : {&left, &right}) {
    thing->is_v6 = is_v6;
    thing->stage = Stage::connected;
    thing->host = is_v6 ? "[::1]" : "127.0.0.1";
    thing->port = thing->name;
  }
  call("tcp_pair", &Script::tcp_pair, left.name, right.name, is_v6 ? "[::1]:0" : "127.0.0.1:0");
  without_delay(left.name);
  without_delay(right.name);
}

void Drawing::make_tcp_listener() {
  Thing& made = make("l", Sort::tcp);
  made.is_v6 = wants_v6();
  made.stage = Stage::listening;
  const char* address = made.is_v6 ? one_of({"[::1]:0", "[::]:0"}) : one_of({"127.0.0.1:0", "0.0.0.0:0"});
  made.host = address;
  made.host.resize(made.host.size() - 2);  // without the port
  made.port = made.name;
  call("tcp_listener", &Script::tcp_listener, made.name, 8, address);
  without_delay(made.name);
}

void Drawing::make_socket() {
  const bool is_local = theme_ != Sort::tcp && theme_ != Sort::udp;
  Thing& made = make(is_local ? "s" : theme_ == Sort::udp ? "u" : "t", is_local ? Sort::local : theme_);
  made.is_v6 = !is_local && wants_v6();
  const Kind kind = is_local              ? unix_stream
                    : theme_ == Sort::udp ? (made.is_v6 ? udp6 : udp4)
                    : made.is_v6          ? tcp6
                                          : tcp4;
  call("socket", &Script::socket, made.name, Named<Kind>{kind, is_local ? "unix_stream" : kind.name});
  if (made.sort == Sort::tcp) without_delay(made.name);
  if (!is_local && one_in(4)) call("set", &Script::set, made.name, Named<Option>{reuse_address, "reuse_address"}, 1);
}

/// A fresh socket that connects to one that listens.
void Drawing::make_client() {
  make_socket();
  Thing& client = things_.back();
  const Thing& target = pick([](const Thing& thing) { return thing.stage == Stage::listening; });
  const std::string address = address_of(client, target);
  client.stage = Stage::connected;
  call("connect", &Script::connect, client.name, address);
  if (theme_ != Sort::tcp) return;
  client.host = client.is_v6 ? "[::1]" : "127.0.0.1";
  client.port = client.name;
  call("local_name", &Script::local_name, client.name);
}

void Drawing::make_bound_socket() {
  make_socket();
  Thing& made = things_.back();
  made.host = made.is_v6 ? one_of({"[::1]", "[::]"}) : one_of({"127.0.0.1", "0.0.0.0"});
  made.stage = Stage::bound;
  made.port = made.name;
  call("bind", &Script::bind, made.name, made.host + ":0");
}

void Drawing::make_unix_pair() {
  Thing& left = make("a", Sort::local);
  Thing& right = make("b", Sort::local);
  left.stage = right.stage = Stage::connected;
  left.peer = right.name;
  right.peer = left.name;
  call("socket_pair", &Script::socket_pair, left.name, right.name, Named<Kind>{unix_stream, "unix_stream"});
}

void Drawing::make_unix_listener() {
  make_socket();
  Thing& made = things_.back();
  made.path = one_of({"unix:/one", "unix:/two", "unix:@one", "unix:@two"});
  made.stage = Stage::listening;
  call("bind", &Script::bind, made.name, made.path);
  call("listen", &Script::listen, made.name, 8);
}

void Drawing::make_pipe() {
  Thing& reader = make("r", Sort::reader);
  Thing& writer = make("w", Sort::writer);
  writer.peer = reader.name;
  call("pipe", &Script::pipe, reader.name, writer.name);
}

void Drawing::make_counter() { call("counter", &Script::counter, make("c", Sort::counter).name); }

void Drawing::make_epoll() { call("epoll", &Script::epoll, make("e", Sort::epoll).name); }

void Drawing::make_file() {
  using Flags = Named<int>;
  const Flags flags = one_of<Flags>({{O_RDONLY, "O_RDONLY"},
                                     {O_RDWR | O_CREAT, "O_RDWR | O_CREAT"},
                                     {O_WRONLY | O_CREAT, "O_WRONLY | O_CREAT"},
                                     {O_RDWR | O_CREAT | O_TRUNC, "O_RDWR | O_CREAT | O_TRUNC"},
                                     {O_WRONLY | O_APPEND, "O_WRONLY | O_APPEND"},
                                     {O_RDWR | O_CREAT | O_EXCL, "O_RDWR | O_CREAT | O_EXCL"}});
  const std::string name = make("f", Sort::file).name;
  call("open", &Script::open, name, one_of({"one", "two"}), flags);
}

// --- connections ---

/// How `socket` calls the machine and the port, so that it meets where `target` is bound; or nearly so.
std::string Drawing::address_of(const Thing& socket, const Thing& target) {
  if (one_in(50)) return one_of({"unix:/one", "unix:@one"});
  // Port 0 is nobody's; a UDP socket that is connected to it answers by chance of its family.
  if (one_in(50) && theme_ != Sort::udp) return one_of({"127.0.0.1:0", "0.0.0.0:0"});
  if (!socket.is_internet()) {
    return target.path.empty() ? one_of({"unix:/one", "unix:@one"}) : target.path;
  }
  const bool is_v6 = has_ipv6_ && one_in(20) ? !socket.is_v6 : socket.is_v6;
  if (!is_v6) return (one_in(8) ? "0.0.0.0:" : "127.0.0.1:") + target.name;
  if (!target.is_v6 || one_in(8)) return "[::ffff:127.0.0.1]:" + target.name;
  return (one_in(8) ? "[::]:" : "[::1]:") + target.name;
}

void Drawing::bind() {
  Thing& socket = pick([](const Thing& thing) { return thing.is_socket() && thing.stage == Stage::fresh; });
  std::string address = one_of({"unix:/one", "unix:/two", "unix:@one", "unix:@two"});
  if (socket.is_internet() && one_in(2)) {
    socket.host = socket.is_v6 ? one_of({"[::1]", "[::]"}) : one_of({"127.0.0.1", "0.0.0.0"});
    socket.port = socket.name;
    address = socket.host + ":0";
  } else if (socket.is_internet()) {
    const Thing& other = pick([](const Thing& thing) { return !thing.host.empty(); });
    socket.port = other.port;
    address = address_of(socket, other);
  } else if (socket.stage == Stage::fresh) {
    socket.path = address;
  }
  if (socket.stage == Stage::fresh) socket.stage = Stage::bound;
  call("bind", &Script::bind, socket.name, address);
}

void Drawing::listen() {
  Thing& socket = pick([](const Thing& thing) { return thing.is_socket() && thing.stage == Stage::bound; });
  // Not one that was shut before: since Linux 6.9 what it accepts is shut too.
  if (socket.sort == Sort::tcp && socket.is_shut) return;
  if (socket.stage == Stage::bound && theme_ != Sort::udp) socket.stage = Stage::listening;
  call("listen", &Script::listen, socket.name, 8);
}

void Drawing::connect() {
  Thing& socket = one_in(2) ? pick_socket() : pick([](const Thing& thing) { return thing.stage < Stage::listening; });
  const bool is_to_listener = theme_ != Sort::udp && one_in(2);
  const Thing& target = pick([=](const Thing& thing) {
    return is_to_listener ? thing.stage == Stage::listening : !thing.host.empty() || !thing.path.empty();
  });
  // Not to itself: the simulated kernel has no simultaneous open.
  if (socket.sort == Sort::tcp && socket.port == target.port) return;
  if (is_connected_udp6(socket)) return;
  const std::string address = address_of(socket, target);
  if (socket.stage < Stage::listening) socket.stage = Stage::connected;
  call("connect", &Script::connect, socket.name, address);
}

void Drawing::accept() {
  const Thing listener = pick([](const Thing& thing) { return thing.stage == Stage::listening; });
  Thing& made = make("b", listener.sort);
  made.is_v6 = listener.is_v6;
  made.stage = Stage::connected;
  call("accept_naming_peer", &Script::accept_naming_peer, listener.name, made.name);
}

void Drawing::shut_down() {
  using How = Named<int>;
  const How how =
      one_of<How>({{SHUT_RD, "SHUT_RD"}, {SHUT_WR, "SHUT_WR"}, {SHUT_WR, "SHUT_WR"}, {SHUT_RDWR, "SHUT_RDWR"}});
  Thing& socket = one_in(4) ? pick_socket() : pick_connected();
  socket.is_shut = true;
  call("shutdown", &Script::shutdown, socket.name, how);
}

void Drawing::close() {
  Thing& thing = pick_any();
  if (thing.sort == Sort::epoll && !one_in(4)) return;
  thing.stage = Stage::closed;
  call("close", &Script::close, thing.name);
}

void Drawing::compare_numbers() {
  const std::string older = pick([](const Thing& thing) { return !thing.is_open(); }).name;
  call("compare_numbers", &Script::compare_numbers, older, pick_any().name);
}

void Drawing::change_linger() { call("set_linger", &Script::set_linger, pick_connected().name, !one_in(5), 0); }

void Drawing::change_option() {
  using Switch = Named<Option>;
  // Not SO_REUSEPORT: Linux picks one of those who share a port by a hash.
  const Switch option = one_of<Switch>({{reuse_address, "reuse_address"},
                                        {reuse_address, "reuse_address"},
                                        {reuse_address, "reuse_address"},
                                        {keep_alive, "keep_alive"},
                                        {bind_no_port, "bind_no_port"},
                                        {v6_only, "v6_only"},
                                        {type, "type"}});
  call("set", &Script::set, pick_socket().name, option, one_in(4) ? 0 : 1);
}

void Drawing::read_option() {
  using Switch = Named<Option>;
  // Not the sizes of buffers: they begin as the machine's settings have it.
  const Switch option = one_of<Switch>({{reuse_address, "reuse_address"},
                                        {keep_alive, "keep_alive"},
                                        {no_delay, "no_delay"},
                                        {v6_only, "v6_only"},
                                        {type, "type"},
                                        {domain, "domain"},
                                        {protocol, "protocol"},
                                        {accepts_connections, "accepts_connections"}});
  call("get", &Script::get, pick_socket().name, option);
}

void Drawing::take_error() { call("take_error", &Script::take_error, pick_socket().name); }

void Drawing::tell_names() {
  const std::string name = pick_socket().name;
  if (one_in(2))
    call("local_name", &Script::local_name, name);
  else
    call("peer_name", &Script::peer_name, name);
}

}  // namespace weir::conformance
