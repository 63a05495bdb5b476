// weir: the limit of an echo server: raw epoll, level-triggered, one 64 KiB buffer for all connections.
// SPDX-License-Identifier: MIT

// A ready connection costs one recv and one send. What the kernel does not take is kept, and only then is the
// connection watched for room instead of data, so that a peer that does not read is not read from.
// Several threads have nothing in common: each has its own epoll, and its own listener at the port.

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/echo_program.h"

namespace {

/// Bytes that the kernel has not taken yet; `data` is null while there are none.
struct Rest {
  char* data = nullptr;
  std::size_t begin = 0;
  std::size_t end = 0;
};

thread_local int epoll = -1;
thread_local std::vector<Rest> rests;  // by descriptor
thread_local char buffer[bench::read_size];

void watch(int operation, int descriptor, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  if (epoll_ctl(epoll, operation, descriptor, &event) != 0) bench::fail("epoll_ctl");
}

void accept_all(int listening) {
  for (;;) {
    const int descriptor = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (descriptor < 0 && errno == EAGAIN) return;
    if (descriptor < 0) bench::fail("accept4");
    bench::set_nodelay(descriptor);
    if (static_cast<std::size_t>(descriptor) >= rests.size()) rests.resize(static_cast<std::size_t>(descriptor) * 2);
    watch(EPOLL_CTL_ADD, descriptor, EPOLLIN);
  }
}

void close_connection(int descriptor) {
  Rest& rest = rests[static_cast<std::size_t>(descriptor)];
  std::free(rest.data);
  rest = {};
  close(descriptor);
}

void keep_rest(int descriptor, const char* data, std::size_t size) {
  char* copy = static_cast<char*>(std::malloc(size));
  if (copy == nullptr) bench::fail("malloc");
  std::memcpy(copy, data, size);
  rests[static_cast<std::size_t>(descriptor)] = {copy, 0, size};
  watch(EPOLL_CTL_MOD, descriptor, EPOLLOUT);
}

void send_rest(int descriptor) {
  Rest& rest = rests[static_cast<std::size_t>(descriptor)];
  const ssize_t sent = send(descriptor, rest.data + rest.begin, rest.end - rest.begin, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0) return close_connection(descriptor);
  rest.begin += static_cast<std::size_t>(sent);
  if (rest.begin < rest.end) return;
  std::free(rest.data);
  rest = {};
  watch(EPOLL_CTL_MOD, descriptor, EPOLLIN);
}

void echo(int descriptor) {
  const ssize_t received = recv(descriptor, buffer, sizeof buffer, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) return close_connection(descriptor);
  const auto size = static_cast<std::size_t>(received);

  ssize_t sent = send(descriptor, buffer, size, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) sent = 0;
  if (sent < 0) return close_connection(descriptor);
  const auto taken = static_cast<std::size_t>(sent);
  if (taken < size) keep_rest(descriptor, buffer + taken, size - taken);
}

void serve(int descriptor) {
  if (rests[static_cast<std::size_t>(descriptor)].data != nullptr) return send_rest(descriptor);
  echo(descriptor);
}

[[noreturn]] void run(int listening) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) bench::fail("epoll_create1");
  rests.resize(1024);
  watch(EPOLL_CTL_ADD, listening, EPOLLIN);

  epoll_event events[512];
  for (;;) {
    const int count = epoll_wait(epoll, events, 512, -1);
    if (count < 0 && errno != EINTR) bench::fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listening) {
        accept_all(listening);
      } else {
        serve(events[i].data.fd);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  bench::EchoOptions options = bench::echo_options(argc, argv);
  bench::prepare_process();
  const int listening = bench::open_listening(options.address, options.threads > 1);
  options.address = bench::bound_address(listening);
  for (unsigned i = 1; i < options.threads; ++i) {
    std::thread(run, bench::open_listening(options.address, true)).detach();
  }
  bench::announce(listening);
  run(listening);
}
