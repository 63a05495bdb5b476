// weir: the streams' workloads on the system's calls alone, as plain as can be: the limit.
// SPDX-License-Identifier: MIT
#include <sys/epoll.h>
#include <sys/sendfile.h>

#include <array>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/stream/broadcast.h"
#include "bench/stream/fairness.h"
#include "bench/stream/file_reply.h"
#include "bench/stream/relay.h"

namespace bench {
namespace {

constexpr std::size_t bytes_per_turn = std::size_t{256} << 10;  // of one connection, as weir has it
constexpr std::size_t spliced_per_turn = std::size_t{1} << 20;

/// epoll(7), edge-triggered, with a number in each event.
class Epoll {
 public:
  ~Epoll() { close(epoll_); }

  void add(int descriptor, std::uint32_t events, std::uint32_t number) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = number;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) give_up("epoll_ctl");
  }
  template <class Visit>
  void visit_ready(Visit visit) {
    const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 0);
    for (int i = 0; i < count; ++i)
      visit(events_[static_cast<std::size_t>(i)].data.u32, events_[static_cast<std::size_t>(i)].events);
  }

 private:
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::array<epoll_event, 512> events_;
};

/// Both ways through a pipe each; edges tell when to try. A turn moves as much as one of weir's: how much comes at once decides
/// whose processor time the kernel's work on the other ends is.
class SpliceRelay {
 public:
  SpliceRelay(int left, int right) : ways_{Way(left, right), Way(right, left)} {
    epoll_.add(left, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 0);
    epoll_.add(right, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1);
  }

  void turn() {
    epoll_.visit_ready([this](std::uint32_t number, std::uint32_t) {
      ways_[number].is_ready = true;
      ways_[1 - number].is_ready = true;
    });
    for (Way& way : ways_) {
      if (way.is_ready) way.pass_on();
    }
  }

 private:
  struct Way {
    Way(int source, int sink) : from(source), to(sink) {
      if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) give_up("pipe2");
      (void)fcntl(pipe[1], F_SETPIPE_SZ, 256 << 10);
    }
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;
    ~Way() {
      close(pipe[0]);
      close(pipe[1]);
      close(from);  // each socket is the source of one way
    }

    void pass_on() {
      for (std::size_t left = spliced_per_turn; left > 0;) {
        const ssize_t got =
            splice(from, nullptr, pipe[1], nullptr, std::size_t{1} << 20, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (got > 0) held += static_cast<std::size_t>(got);
        if (held == 0) break;
        const ssize_t sent = splice(pipe[0], nullptr, to, nullptr, held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (sent > 0) held -= static_cast<std::size_t>(sent);
        if (sent <= 0 || (got <= 0 && held == 0)) break;
        left -= std::min(left, static_cast<std::size_t>(sent));
        if (left == 0) return;  // still ready
      }
      is_ready = false;
    }

    int from;
    int to;
    int pipe[2];
    std::size_t held = 0;
    bool is_ready = false;
  };

  Epoll epoll_;
  Way ways_[2];
};

class SendfileReply {
 public:
  SendfileReply(int socket, int file, std::size_t size) : socket_(socket), file_(file), size_(size) {
    epoll_.add(socket, EPOLLOUT | EPOLLET, 0);
  }
  ~SendfileReply() { close(socket_); }

  void reply() {
    static const std::string head(head_size, 'h');
    if (send(socket_, head.data(), head.size(), MSG_MORE | MSG_NOSIGNAL) != static_cast<ssize_t>(head_size))
      give_up("send");
    at_ = 0;
    send_on();
  }
  void turn() {
    epoll_.visit_ready([this](std::uint32_t, std::uint32_t) { send_on(); });
  }

 private:
  void send_on() {
    while (static_cast<std::size_t>(at_) < size_) {
      if (sendfile(socket_, file_, &at_, size_ - static_cast<std::size_t>(at_)) <= 0) return;
    }
  }

  const int socket_;
  const int file_;
  const std::size_t size_;
  off_t at_ = 0;
  Epoll epoll_;
};

class SendBroadcast {
 public:
  ~SendBroadcast() {
    for (const Target& target : targets_) close(target.socket);
  }

  void add(int socket) {
    epoll_.add(socket, EPOLLOUT | EPOLLET, static_cast<std::uint32_t>(targets_.size()));
    targets_.push_back({socket, 0});
  }
  void broadcast() {
    for (Target& target : targets_) {
      target.left = message_size;
      send_on(target);
    }
  }
  void turn() {
    epoll_.visit_ready([this](std::uint32_t number, std::uint32_t) { send_on(targets_[number]); });
  }

 private:
  struct Target {
    int socket;
    std::size_t left;
  };

  void send_on(Target& target) {
    static const std::string message(message_size, 'm');
    while (target.left != 0) {
      const ssize_t sent = send(target.socket, message.data() + message_size - target.left, target.left, MSG_NOSIGNAL);
      if (sent <= 0) return;
      target.left -= static_cast<std::size_t>(sent);
    }
  }

  std::vector<Target> targets_;
  Epoll epoll_;
};

/// Level-triggered, so that what a turn's share leaves is told again.
class EpollFairness {
 public:
  ~EpollFairness() {
    for (const Connection& connection : connections_) close(connection.socket);
  }

  void echo(int socket) { add(socket, true); }
  void swallow(int socket) { add(socket, false); }
  void turn() {
    epoll_.visit_ready([this](std::uint32_t number, std::uint32_t) { serve(connections_[number]); });
  }
  std::size_t swallowed() const { return swallowed_; }

 private:
  struct Connection {
    int socket;
    bool echoes;
  };

  void add(int socket, bool echoes) {
    epoll_.add(socket, EPOLLIN, static_cast<std::uint32_t>(connections_.size()));
    connections_.push_back({socket, echoes});
  }
  void serve(const Connection& connection) {
    static std::vector<char> bytes(std::size_t{64} << 10);
    for (std::size_t left = bytes_per_turn; left > 0;) {
      const ssize_t got = recv(connection.socket, bytes.data(), bytes.size(), 0);
      if (got <= 0) return;
      if (connection.echoes) {
        (void)send(connection.socket, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
      } else {
        swallowed_ += static_cast<std::size_t>(got);
      }
      if (static_cast<std::size_t>(got) < bytes.size()) return;
      left -= std::min(left, static_cast<std::size_t>(got));
    }
  }

  std::vector<Connection> connections_;
  std::size_t swallowed_ = 0;
  Epoll epoll_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Cases cases;
  bench::add_relay_cases<bench::SpliceRelay>(cases, "raw-splice");
  bench::add_file_cases<bench::SendfileReply>(cases, "raw-sendfile");
  bench::add_broadcast_cases<bench::SendBroadcast>(cases, "raw-send");
  bench::add_fairness_cases<bench::EpollFairness>(cases, "raw-epoll");
  return cases.run(argc, argv);
}
