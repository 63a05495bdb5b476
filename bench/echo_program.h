// weir: the command line, limits and ending that every echo program of the benchmarks has in common.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

/// What one read takes at most: the same in every echo program.
inline constexpr std::size_t read_size = 65536;
inline constexpr int backlog = 4096;

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

[[noreturn]] inline void wrong_usage(const char* program) {
  std::fprintf(stderr, "usage: %s --listen A.B.C.D:PORT\n", program);
  std::exit(2);
}

/// The address after `--listen`; port 0 lets the kernel choose. Ends the program when the command line is another one.
inline sockaddr_in listen_address(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "--listen") != 0) wrong_usage(argv[0]);
  const std::string text = argv[2];
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) wrong_usage(argv[0]);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) wrong_usage(argv[0]);
  char* end = nullptr;
  const unsigned long port = std::strtoul(text.c_str() + colon + 1, &end, 10);
  if (*end != '\0' || port > 65535) wrong_usage(argv[0]);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

/// Lifts the descriptor limit to the hard limit; SIGTERM and SIGINT end the program with 0, a broken pipe does nothing.
inline void prepare_process() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, [](int) { _exit(0); });
  std::signal(SIGINT, [](int) { _exit(0); });
}

/// A non-blocking listening socket.
inline int open_listening(const sockaddr_in& address) {
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listening < 0) fail("socket");
  const int on = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(listening, backlog) != 0) fail("listen");
  return listening;
}

/// Prints the line that tells the runner where to connect.
inline void announce(int listening) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  char host[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  std::printf("listening on %s:%d\n", host, ntohs(address.sin_port));
  std::fflush(stdout);
}

inline void set_nodelay(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace bench
