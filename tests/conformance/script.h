// weir: system calls on descriptors that have names, each written down with what it answered.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/conformance/address_book.h"
#include "tests/conformance/trace_text.h"
#include "weir/base/time.h"
#include "weir/sys/call_result.h"

namespace weir::conformance {

/// What `socket` opens.
struct Kind {
  const char* name;
  int family;
  int type;
};
inline constexpr Kind tcp4{"tcp4", AF_INET, SOCK_STREAM};
inline constexpr Kind tcp6{"tcp6", AF_INET6, SOCK_STREAM};
inline constexpr Kind udp4{"udp4", AF_INET, SOCK_DGRAM};
inline constexpr Kind udp6{"udp6", AF_INET6, SOCK_DGRAM};
inline constexpr Kind unix_stream{"unix", AF_UNIX, SOCK_STREAM};

/// A socket option.
struct Option {
  const char* name;
  int level;
  int number;
};

/// Long enough for whatever is on its way; the script goes on as soon as it is there.
inline constexpr Duration patience = std::chrono::seconds(2);
/// How long nothing has to happen before a script believes that nothing will.
inline constexpr Duration quiet_time = std::chrono::milliseconds(20);
/// How long a full TCP socket has to stay full: longer than an acknowledgement may be held back.
inline constexpr Duration acknowledgement_time = std::chrono::milliseconds(250);

struct WaitOptions {
  std::size_t most = 16;  ///< the size of the array given to epoll
  bool in_order = false;  ///< writes the events as they came, else by name
  bool only_count = false;
  Duration longest = patience;
};

/// Performs system calls on whichever kernel this thread uses and writes a line for each into a trace. Two kernels that
/// behave alike give the same trace: what a kernel is free to choose does not show in it.
///
///     script.socket("a", unix_stream);               // socket a unix stream -> ok
///     script.connect("a", "unix:/missing");          // connect a unix:/missing -> ENOENT
///     script.add("e", "a", in);                      // add e a:IN -> ok
///     script.wait("e");                              // wait e -> a:OUT|HUP
///
/// A name that was never opened stands for a descriptor that is none. What is open at the end is closed without a word.
/// What one end of an internet connection does reaches the other one soon, not at once: `await` it before looking.
/// Adjacent strings as parameters are meant: a script reads like its trace.
class Script {
 public:
  explicit Script(Places places);
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script();

  const Trace& trace() const { return trace_; }
  /// Whether a port that the script asked for was held by a stranger, so that the trace says little of the kernel.
  bool is_disturbed() const { return is_disturbed_; }
  /// True when there was a descriptor of this name.
  bool knows(std::string_view name) { return find(name) != nullptr; }

  // Making and closing.
  void socket(std::string_view name, const Kind& kind);
  void socket_pair(std::string_view left, std::string_view right, const Kind& kind = unix_stream);
  void pipe(std::string_view reader, std::string_view writer);
  void counter(std::string_view name);
  void epoll(std::string_view name);
  void open(std::string_view name, std::string_view path, int flags);
  void close(std::string_view name);
  /// Sets a connection up, in one line. A listener's port has its name; `left` connects, `right` was accepted.
  void tcp_pair(std::string_view left, std::string_view right, const char* address = "127.0.0.1:0");
  /// A TCP socket that listens on a port of the system's choice, in one line.
  void tcp_listener(std::string_view name, int backlog = 8, const char* address = "127.0.0.1:0");
  /// Tells whether two descriptors, of which the older is closed, had the same number.
  void compare_numbers(std::string_view older, std::string_view newer);

  // Connections.
  bool bind(std::string_view name, std::string_view address);
  void listen(std::string_view name, int backlog = 8);
  void accept(std::string_view listener, std::string_view name);
  void accept_naming_peer(std::string_view listener, std::string_view name);
  void connect(std::string_view name, std::string_view address);
  void shutdown(std::string_view name, int how);
  void local_name(std::string_view name);
  void peer_name(std::string_view name);
  void set(std::string_view name, const Option& option, int value);
  void get(std::string_view name, const Option& option);
  void set_linger(std::string_view name, bool is_on, int seconds);
  void get_linger(std::string_view name);
  /// The error that waits at a socket: SO_ERROR.
  void take_error(std::string_view name);

  // Bytes.
  void send(std::string_view name, std::string_view text);
  void send_pieces(std::string_view name, std::initializer_list<std::string_view> pieces);
  void send_to(std::string_view name, std::string_view text, std::string_view address);
  void receive(std::string_view name, std::size_t most = 64);
  void receive_from(std::string_view name, std::size_t most = 64);
  /// Receives until it has `count` bytes, waiting for them; an end or an error ends it too.
  void receive_exactly(std::string_view name, std::size_t count);
  void read(std::string_view name, std::size_t most = 64);
  void write(std::string_view name, std::string_view text);
  /// Pieces of `sizes` bytes, read in one call.
  void read_pieces(std::string_view name, std::initializer_list<std::size_t> sizes);
  void write_pieces(std::string_view name, std::initializer_list<std::string_view> pieces);
  /// One call with so many pieces of a byte each.
  void read_many_pieces(std::string_view name, std::size_t count);
  void write_many_pieces(std::string_view name, std::size_t count);
  void write_number(std::string_view counter, std::uint64_t value);
  void read_number(std::string_view counter);
  /// Sends `count` bytes of a pattern that never repeats, in one call.
  void send_pattern(std::string_view name, std::size_t count);
  /// Sends the pattern until there is no room.
  void fill(std::string_view name);
  /// Sends the pattern until there is no room, also after a while: over TCP, what is on its way makes some at first.
  void fill_up(std::string_view name);
  /// Receives all that was sent by `from`; tells whether each byte was the right one.
  void drain(std::string_view name, std::string_view from);
  /// Reads `count` bytes of the pattern at most; tells how many, and whether each was the right one.
  void read_pattern(std::string_view name, std::size_t count);
  /// Receives what is there.
  void discard(std::string_view name);
  /// Sends and receives in turns until `count` bytes have arrived; tells whether each was the right one.
  void transfer(std::string_view from, std::string_view to, std::size_t count);

  // Passing.
  /// Sends `text`, and the descriptors of these names with its first byte.
  void pass(std::string_view socket, std::string_view text, std::initializer_list<std::string_view> names);
  void pass_many(std::string_view socket, std::string_view text, std::string_view name, std::size_t count);
  /// Receives bytes and what came with them, which gets these names; what is left has none, and is closed.
  void receive_passed(std::string_view socket, std::initializer_list<std::string_view> names, std::size_t most = 64);
  /// So many more descriptors can be opened, until the limit is lifted.
  void allow_descriptors(std::size_t count);
  void lift_limit();

  // Files.
  void file_size(std::string_view name);
  void file_kind(std::string_view name);
  /// How it was opened, and of what may be changed those that weir looks at: O_NONBLOCK and O_APPEND.
  void status_flags(std::string_view name);
  void set_status_flags(std::string_view name, int flags);
  void read_at(std::string_view name, std::uint64_t offset, std::size_t most = 64);
  void read_pieces_at(std::string_view name, std::uint64_t offset, std::initializer_list<std::size_t> sizes);
  void write_pieces_at(std::string_view name, std::uint64_t offset, std::initializer_list<std::string_view> pieces);
  void send_file(std::string_view socket, std::string_view file, std::uint64_t offset, std::size_t count);
  /// Sends a file of `count` bytes of the pattern and receives it in turns; tells whether each byte was the right one.
  void transfer_file(std::string_view from, std::string_view file, std::string_view to, std::size_t count);
  void unlink(std::string_view path);
  void describe_file(std::string_view path);
  /// Tells whether two paths name the same file.
  void compare_files(std::string_view path, std::string_view other);

  // Events.
  void add(std::string_view epoll, std::string_view name, std::uint32_t events);
  void modify(std::string_view epoll, std::string_view name, std::uint32_t events);
  void remove(std::string_view epoll, std::string_view name);
  void control(std::string_view epoll, int operation, std::string_view name, std::uint32_t events);
  /// Waits for the first event, and takes what is there then.
  void wait(std::string_view epoll, WaitOptions options = {});
  /// A wait in which nothing is to happen.
  void wait_for_nothing(std::string_view epoll);
  /// Waits `length` and tells if it was shorter.
  void wait_for(std::string_view epoll, Duration length);
  /// Waits until all of `events` show on the descriptor, with an epoll of the script's own.
  void await(std::string_view name, std::uint32_t events, Duration longest = patience);
  /// What shows on the descriptor now.
  void look(std::string_view name);
  /// A while in which none of `events` is to show.
  void await_nothing(std::string_view name, std::uint32_t events);
  /// Lets a little time pass.
  void pause(Duration length = quiet_time);

 private:
  struct Entry {
    std::string name;
    int number;
    bool is_open;
    bool is_socket;
    std::size_t sent = 0;  // of the pattern
    std::size_t received = 0;
    bool is_exact = true;  // all that was received of it
  };
  struct Watched {
    std::uint32_t events = 0;  // the last state
    bool is_complete = false;
  };

  void note(std::initializer_list<std::string_view> call, std::string_view outcome);
  /// Notes a call that made a descriptor.
  void note_made(std::initializer_list<std::string_view> call, sys::CallResult made, std::string_view name,
                 bool is_socket);
  void keep(std::string_view name, int number, bool is_socket);
  Entry* find(std::string_view name);
  int number(std::string_view name);
  void learn_port(std::string_view name);
  bool make_listener(std::string_view name, int backlog, const char* address);
  std::vector<iovec> room(std::span<const std::size_t> sizes);
  void note_bytes(std::initializer_list<std::string_view> call, sys::CallResult got);
  void note_events(std::string_view epoll, sys::CallResult ready, std::span<const epoll_event> events,
                   WaitOptions options);
  Watched watch(int number, std::uint32_t events, Duration longest, bool wants_all);
  sys::CallResult send_some(Entry& entry, std::size_t most);
  sys::CallResult receive_some(Entry& entry, std::size_t most);

  AddressBook addresses_;
  Trace trace_;
  bool is_disturbed_ = false;
  std::vector<Entry> entries_;  // an event carries the place of its entry
  std::vector<std::byte> bytes_;
  std::optional<std::size_t> old_limit_;  // while there is another
  int watch_;                             // the epoll behind `await`
};

/// One thing that Linux does, as a script.
struct Scenario {
  const char* name;
  void (*play)(Script& script);
  const char* freedom = "";  ///< what Linux leaves open here, and the trace therefore does not show
};

}  // namespace weir::conformance
