// weir: scripts drawn by chance: what is drawn from, and the calls to choose among.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/random_script.h"

namespace weir::conformance {

enum class Sort : std::uint8_t { tcp, udp, local, reader, writer, counter, epoll, file };
enum class Stage : std::uint8_t { fresh, bound, listening, connected, closed };

/// A descriptor of the program, as far as it can be told beforehand what becomes of it.
struct Thing {
  std::string name;
  Sort sort = Sort::tcp;
  bool is_v6 = false;
  Stage stage = Stage::fresh;
  bool is_shut = false;
  std::string host = {};  ///< where it is bound, if its port has a name
  std::string port = {};  ///< and whose name that is
  std::string path = {};  ///< of a Unix socket
  std::string peer = {};  ///< of one end of a pair or of a pipe: the other

  bool is_open() const { return stage != Stage::closed; }
  bool is_socket() const { return sort == Sort::tcp || sort == Sort::udp || sort == Sort::local; }
  bool is_internet() const { return sort == Sort::tcp || sort == Sort::udp; }
};

/// An argument, and how a scenario writes it.
template <class T>
struct Named {
  T value;
  std::string line;
};

inline std::string line_of(const std::string& text) { return '"' + text + '"'; }
inline std::string line_of(const char* text) { return '"' + std::string(text) + '"'; }
inline std::string line_of(int number) { return std::to_string(number); }
inline std::string line_of(std::size_t number) { return std::to_string(number); }
inline std::string line_of(bool value) { return value ? "true" : "false"; }
template <class T>
std::string line_of(const Named<T>& named) {
  return named.line;
}

template <class T>
const T& value_of(const T& value) {
  return value;
}
template <class T>
const T& value_of(const Named<T>& named) {
  return named.value;
}

/// Draws one program. Each step adds a call or a few, on descriptors that suit it; now and then on any other.
///
/// Left out, since Linux is free to answer as it likes: full TCP queues and buffers, sizes of buffers, who of those that
/// share a port with SO_REUSEPORT is chosen, small segments that wait for an acknowledgement, and all that takes longer than
/// a moment. What else is left out stands where it would be drawn.
class Drawing {
 public:
  explicit Drawing(DrawOptions options) : random_(options.seed * 0x9E3779B97F4A7C15U), has_ipv6_(options.has_ipv6) {}

  Program draw();

 private:
  struct Step {
    unsigned weight;
    void (Drawing::*take)();
    bool makes = false;  ///< a descriptor, or some
  };

  // --- chance ---

  unsigned below(std::size_t limit) { return static_cast<unsigned>(random_() % limit); }
  bool one_in(unsigned count) { return below(count) == 0; }
  bool wants_v6() { return has_ipv6_ && one_in(3); }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return all.begin()[below(all.size())];
  }
  Named<std::uint32_t> draw_events();
  const char* draw_text() { return one_of({"a", "bc", "hello", "twelve bytes", "a", "bc", "hello", ""}); }

  // --- descriptors ---

  Thing& make(const char* letter, Sort sort);
  template <class Suits>
  Thing& pick(Suits suits) {
    std::vector<Thing*> suitable;
    const bool takes_any = one_in(16);
    const bool takes_closed = one_in(20);
    for (Thing& thing : things_) {
      if (takes_any || ((thing.is_open() || takes_closed) && suits(thing))) suitable.push_back(&thing);
    }
    return suitable.empty() ? nothing_ : *suitable[below(suitable.size())];
  }
  Thing& pick_any() {
    return pick([](const Thing&) { return true; });
  }
  Thing& pick_socket() {
    return pick([](const Thing& thing) { return thing.is_socket(); });
  }
  Thing& pick_sort(Sort sort) {
    return pick([sort](const Thing& thing) { return thing.sort == sort; });
  }
  Thing& pick_connected() {
    return pick([](const Thing& thing) { return thing.is_socket() && thing.stage == Stage::connected; });
  }
  /// What such a socket sends to an IPv4 name comes from 127.0.0.6, of all addresses.
  static bool is_connected_udp6(const Thing& thing) {
    return thing.sort == Sort::udp && thing.is_v6 && thing.stage == Stage::connected;
  }
  std::string address_of(const Thing& socket, const Thing& target);

  // --- calls ---

  /// Adds `s.name(values)`.
  template <class Result, class... Parameters, class... Values>
  void call(const char* name, Result (Script::*method)(Parameters...), Values... values) {
    std::string line;
    ((line += (line.empty() ? "" : ", ") + line_of(values)), ...);
    program_.push_back({std::string(name) + '(' + line + ')',
                        [method, ... values = std::move(values)](Script& s) { (s.*method)(value_of(values)...); }});
  }

  /// Adds that small pieces are sent at once, to the call just added: else they wait for acknowledgements, which may take
  /// their time.
  void without_delay(const std::string& name);

  void make_tcp_pair();
  void make_tcp_listener();
  void make_socket();
  void make_client();
  void make_bound_socket();
  void make_unix_pair();
  void make_unix_listener();
  void make_pipe();
  void make_counter();
  void make_epoll();
  void make_file();

  void bind();
  void listen();
  void connect();
  void accept();
  void shut_down();
  void close();
  void compare_numbers();
  void change_linger();
  void change_option();
  void read_option();
  void take_error();
  void tell_names();

  void send();
  void send_to();
  void send_pieces();
  void fill();
  void receive();
  void receive_from();
  void write();
  void read();
  void count();
  void use_file();
  void send_file(const Thing& file);
  void use_path();

  void look();
  void watch();
  void control();
  void wait();

  std::span<const Step> steps() const;

  std::mt19937_64 random_;
  bool has_ipv6_;
  Sort theme_ = Sort::tcp;  // tcp, udp, local; file: all that are no sockets; epoll: what goes together with that
  int made_ = 0;
  std::deque<Thing> things_;
  Thing nothing_{.name = "nothing"};
  Program program_;
};

}  // namespace weir::conformance
