// weir: the limit of a proxy: raw epoll, and splice(2) both ways through pipes of the kernel's.
// SPDX-License-Identifier: MIT

// Edge-triggered for both sockets of a connection; each event tries both ways until the kernel has no more or takes no more.
// An end is passed on once its way is empty; when both have ended, or one has failed, both are closed.

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/echo_program.h"

namespace {

constexpr std::size_t at_once = std::size_t{1} << 20;
constexpr int pipe_size = 256 << 10;

int epoll = -1;
sockaddr_in target{};

/// Bytes on their way from one socket to the other.
struct Way {
  int from = -1;
  int to = -1;
  int pipe[2] = {-1, -1};
  std::size_t held = 0;
  bool has_ended = false;
  bool is_done = false;

  void open(int source, int sink) {
    from = source;
    to = sink;
    if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) bench::fail("pipe2");
    (void)fcntl(pipe[1], F_SETPIPE_SZ, pipe_size);
  }

  /// False when the connection has failed.
  bool pass_on() {
    while (!is_done) {
      if (!has_ended) {
        const ssize_t got = splice(from, nullptr, pipe[1], nullptr, at_once, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (got < 0 && errno != EAGAIN && errno != EINTR) return errno == ENOTCONN;  // it still connects
        if (got > 0) held += static_cast<std::size_t>(got);
        if (got == 0) has_ended = true;
        if (got < 0 && held == 0) return true;
      }
      if (held != 0) {
        const ssize_t sent = splice(pipe[0], nullptr, to, nullptr, held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (sent < 0) return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
        held -= static_cast<std::size_t>(sent);
      }
      if (has_ended && held == 0) {
        shutdown(to, SHUT_WR);
        is_done = true;
      }
    }
    return true;
  }

  void close_pipe() const {
    close(pipe[0]);
    close(pipe[1]);
  }
};

struct Connection {
  Way forth;
  Way back;
};

void watch(int descriptor, std::uint32_t events, void* data) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = data;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) bench::fail("epoll_ctl");
}

void accept_all(int listening) {
  for (;;) {
    const int client = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server < 0) bench::fail("socket");
    for (const int descriptor : {client, server}) bench::set_nodelay(descriptor);
    if (connect(server, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0 && errno != EINPROGRESS)
      bench::fail("connect");
    auto* connection = new Connection;
    connection->forth.open(client, server);
    connection->back.open(server, client);
    watch(client, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection);
    watch(server, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection);
  }
}

/// Both events of a connection may be in one batch: it is freed when the batch is over.
Connection* serve(Connection* connection) {
  if (connection->forth.from < 0) return nullptr;
  const bool is_fine = connection->forth.pass_on() && connection->back.pass_on();
  if (is_fine && !(connection->forth.is_done && connection->back.is_done)) return nullptr;
  close(connection->forth.from);
  close(connection->back.from);
  connection->forth.close_pipe();
  connection->back.close_pipe();
  connection->forth.from = -1;
  return connection;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 || std::strcmp(argv[1], "--listen") != 0 || std::strcmp(argv[3], "--to") != 0) {
    std::fprintf(stderr, "usage: %s --listen A.B.C.D:PORT --to A.B.C.D:PORT\n", argv[0]);
    return 2;
  }
  bench::prepare_process();
  target = bench::parse_address(argv[4], argv[0]);
  const int listening = bench::open_listening(bench::parse_address(argv[2], argv[0]));
  epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(listening, EPOLLIN, nullptr);
  bench::announce(listening);
  for (;;) {
    epoll_event events[512];
    const int count = epoll_wait(epoll, events, 512, -1);
    Connection* ended[512];
    int ended_count = 0;
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if (connection == nullptr) {
        accept_all(listening);
      } else if (Connection* over = serve(connection)) {
        ended[ended_count++] = over;
      }
    }
    for (int i = 0; i < ended_count; ++i) delete ended[i];
  }
}
