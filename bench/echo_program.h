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
  std::fprintf(stderr, "usage: %s --listen A.B.C.D:PORT [--threads N]\n", program);
  std::exit(2);
}

struct EchoOptions {
  sockaddr_in address{};
  unsigned threads = 1;
};

/// Port 0 lets the kernel choose. Ends the program when the text is no address.
inline sockaddr_in parse_address(const std::string& text, const char* program) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) wrong_usage(program);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) wrong_usage(program);
  char* end = nullptr;
  const unsigned long port = std::strtoul(text.c_str() + colon + 1, &end, 10);
  if (*end != '\0' || port > 65535) wrong_usage(program);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

/// What follows `--listen`, and `--threads`. Ends the program when the command line is another one.
inline EchoOptions echo_options(int argc, char** argv) {
  if ((argc != 3 && argc != 5) || std::strcmp(argv[1], "--listen") != 0) wrong_usage(argv[0]);
  EchoOptions options{.address = parse_address(argv[2], argv[0])};
  if (argc == 3) return options;
  const unsigned long threads = std::strtoul(argv[4], nullptr, 10);
  if (std::strcmp(argv[3], "--threads") != 0 || threads < 1 || threads > 64) wrong_usage(argv[0]);
  options.threads = static_cast<unsigned>(threads);
  return options;
}

/// The address of a program with one thread.
inline sockaddr_in listen_address(int argc, char** argv) {
  const EchoOptions options = echo_options(argc, argv);
  if (options.threads != 1) wrong_usage(argv[0]);
  return options.address;
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

/// A non-blocking listening socket; of several at one port where that is shared.
inline int open_listening(const sockaddr_in& address, bool is_shared = false) {
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listening < 0) fail("socket");
  const int on = 1;
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (is_shared) setsockopt(listening, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(listening, backlog) != 0) fail("listen");
  return listening;
}

/// With the port that the kernel chose.
inline sockaddr_in bound_address(int listening) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  return address;
}

/// Prints the line that tells the runner where to connect.
inline void announce(int listening) {
  const sockaddr_in address = bound_address(listening);
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
