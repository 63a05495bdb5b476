// weir: tests of the system calls on the real kernel: what they answer, and what they leave behind.
// SPDX-License-Identifier: MIT
#include "weir/sys/calls.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/descriptor_check.h"
#include "weir/base/report.h"
#include "weir/sys/descriptor.h"
#include "weir/sys/memory.h"
#include "weir/sys/signals.h"

namespace weir::sys {
namespace {

using namespace weir::literals;

constexpr int no_descriptor = 999'999;  // beyond any limit of the process

TEST(CallResult, of_a_value_is_true_and_gives_it) {
  const CallResult result(7);

  EXPECT_TRUE(result);
  EXPECT_EQ(result.count(), 7U);
  EXPECT_EQ(result.number(), 7);
  EXPECT_EQ(result.error_number(), 0);
  EXPECT_TRUE(result.to_result());
}

TEST(CallResult, of_nought_is_a_success) {
  EXPECT_TRUE(CallResult::success());
  EXPECT_EQ(CallResult::success().count(), 0U);
}

TEST(CallResult, of_a_negated_error_number_is_false_and_gives_the_error) {
  const CallResult result(-EPIPE);

  EXPECT_FALSE(result);
  EXPECT_EQ(result.error_number(), EPIPE);
  EXPECT_EQ(result.error(), std::errc::broken_pipe);
  EXPECT_EQ(result.to_result().error(), std::errc::broken_pipe);
  EXPECT_EQ(CallResult::failure(EPIPE).error_number(), EPIPE);
}

TEST(CallResult, carries_counts_beyond_32_bits) {
  EXPECT_EQ(CallResult(std::int64_t{1} << 40).count(), std::size_t{1} << 40);
}

TEST(CallResultDeathTest, the_count_of_a_failure_is_a_programmer_error) {
  const CallResult failed = CallResult::failure(EPIPE);

  EXPECT_DEATH((void)failed.count(), "call_result.h");
  EXPECT_DEATH((void)CallResult::success().error(), "call_result.h");
}

bool is_non_blocking_and_close_on_exec(int number) {
  return (::fcntl(number, F_GETFL) & O_NONBLOCK) != 0 && (::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0;
}

SocketName loopback(std::uint16_t port = 0) {
  SocketName name;
  name.v4 = {};
  name.v4.sin_family = AF_INET;
  name.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.v4.sin_port = htons(port);
  name.length = sizeof name.v4;
  return name;
}

/// A listening socket on a port that the system chose.
struct Listening {
  Descriptor descriptor{open_socket(AF_INET, SOCK_STREAM).number()};
  SocketName name;

  Listening() {
    EXPECT_TRUE(bind(descriptor.number(), loopback()));
    EXPECT_TRUE(listen(descriptor.number(), 8));
    EXPECT_TRUE(local_name(descriptor.number(), name));
  }
};

/// Two connected TCP sockets.
struct Connected {
  Listening listening;
  Descriptor client{open_socket(AF_INET, SOCK_STREAM).number()};
  Descriptor server;
  SocketName server_saw;

  Connected() {
    EXPECT_EQ(connect(client.number(), listening.name).error_number(), EINPROGRESS);
    CallResult accepted = accept(listening.descriptor.number(), server_saw);
    while (accepted.error_number() == EAGAIN) accepted = accept(listening.descriptor.number(), server_saw);
    EXPECT_TRUE(accepted);
    server.reset(accepted.number());
  }

  /// Waits until something can be read from `from`.
  static CallResult receive_soon(const Descriptor& from, MutableBytes into) {
    CallResult got = receive(from.number(), into);
    while (got.error_number() == EAGAIN) got = receive(from.number(), into);
    return got;
  }

  /// Resets the connection from the client's side, and waits until the server's side knows.
  void reset_by_client() {
    EXPECT_TRUE(set_option(client.number(), SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0}));
    client.reset();
    std::array<std::byte, 8> into{};
    EXPECT_EQ(receive_soon(server, into).error_number(), ECONNRESET);
  }
};

// hazard: RE12
TEST(Calls, every_descriptor_is_born_non_blocking_and_close_on_exec) {
  const Connected pair;
  const Descriptor counter(create_event_counter().number());
  const Descriptor epoll(create_epoll().number());

  EXPECT_TRUE(is_non_blocking_and_close_on_exec(pair.listening.descriptor.number()));
  EXPECT_TRUE(is_non_blocking_and_close_on_exec(pair.client.number()));
  EXPECT_TRUE(is_non_blocking_and_close_on_exec(pair.server.number()));
  EXPECT_TRUE(is_non_blocking_and_close_on_exec(counter.number()));
  EXPECT_NE(::fcntl(epoll.number(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Calls, a_connection_carries_bytes_both_ways_and_ends_in_order) {
  const Connected pair;
  std::array<std::byte, 16> into{};
  std::string text = "hello";
  const std::array<iovec, 2> pieces{{{text.data(), 2}, {text.data() + 2, 3}}};

  EXPECT_EQ(send(pair.client.number(), as_bytes("ping")).count(), 4U);
  EXPECT_EQ(Connected::receive_soon(pair.server, into).count(), 4U);
  EXPECT_EQ(send_pieces(pair.server.number(), pieces).count(), 5U);
  EXPECT_EQ(Connected::receive_soon(pair.client, into).count(), 5U);
  EXPECT_EQ(as_text(Bytes(into).first(5)), "hello");
  EXPECT_TRUE(sys::shutdown(pair.client.number(), SHUT_WR));
  EXPECT_EQ(Connected::receive_soon(pair.server, into).count(), 0U);
}

TEST(Calls, each_end_knows_both_names) {
  const Connected pair;
  SocketName client_here, client_there, server_there;

  EXPECT_TRUE(local_name(pair.client.number(), client_here));
  EXPECT_TRUE(peer_name(pair.client.number(), client_there));
  EXPECT_TRUE(peer_name(pair.server.number(), server_there));

  EXPECT_EQ(client_there.v4.sin_port, pair.listening.name.v4.sin_port);
  EXPECT_EQ(server_there.v4.sin_port, client_here.v4.sin_port);
  EXPECT_EQ(pair.server_saw.v4.sin_port, client_here.v4.sin_port);
  EXPECT_EQ(pair.server_saw.length, sizeof(sockaddr_in));
}

TEST(Calls, options_are_set_and_read_back) {
  const Listening listening;
  int value = 0;

  EXPECT_TRUE(set_option(listening.descriptor.number(), SOL_SOCKET, SO_KEEPALIVE, 1));
  EXPECT_TRUE(get_option(listening.descriptor.number(), SOL_SOCKET, SO_KEEPALIVE, value));

  EXPECT_EQ(value, 1);
}

TEST(Calls, on_a_descriptor_that_is_none_say_so) {
  SocketName name;
  int value = 0;
  std::array<std::byte, 4> into{};
  const std::array<iovec, 1> pieces{{{into.data(), into.size()}}};
  std::array<epoll_event, 1> events{};

  EXPECT_EQ(bind(no_descriptor, loopback()).error_number(), EBADF);
  EXPECT_EQ(listen(no_descriptor, 1).error_number(), EBADF);
  EXPECT_EQ(accept(no_descriptor, name).error_number(), EBADF);
  EXPECT_EQ(connect(no_descriptor, loopback(1)).error_number(), EBADF);
  EXPECT_EQ(sys::shutdown(no_descriptor, SHUT_WR).error_number(), EBADF);
  EXPECT_EQ(local_name(no_descriptor, name).error_number(), EBADF);
  EXPECT_EQ(peer_name(no_descriptor, name).error_number(), EBADF);
  EXPECT_EQ(get_option(no_descriptor, SOL_SOCKET, SO_ERROR, value).error_number(), EBADF);
  EXPECT_EQ(set_option(no_descriptor, SOL_SOCKET, SO_KEEPALIVE, 1).error_number(), EBADF);
  EXPECT_EQ(receive(no_descriptor, into).error_number(), EBADF);
  EXPECT_EQ(send(no_descriptor, into).error_number(), EBADF);
  EXPECT_EQ(send_pieces(no_descriptor, pieces).error_number(), EBADF);
  EXPECT_EQ(read(no_descriptor, into).error_number(), EBADF);
  EXPECT_EQ(write(no_descriptor, into).error_number(), EBADF);
  EXPECT_EQ(read_pieces(no_descriptor, pieces).error_number(), EBADF);
  EXPECT_EQ(write_pieces(no_descriptor, pieces).error_number(), EBADF);
  EXPECT_EQ(read_pieces_at(no_descriptor, pieces, 0).error_number(), EBADF);
  EXPECT_EQ(write_pieces_at(no_descriptor, pieces, 0).error_number(), EBADF);
  EXPECT_EQ(close(no_descriptor).error_number(), EBADF);
  EXPECT_EQ(control_epoll(no_descriptor, EPOLL_CTL_ADD, 0).error_number(), EBADF);
  EXPECT_EQ(wait_epoll(no_descriptor, events, 0ns).error_number(), EBADF);
}

TEST(Calls, that_cannot_succeed_give_the_systems_reason) {
  const Listening listening;
  const Descriptor second(open_socket(AF_INET, SOCK_STREAM).number());
  SocketName name;
  std::array<std::byte, 4> into{};

  EXPECT_EQ(open_socket(AF_INET, 4711).error_number(), EINVAL);
  EXPECT_EQ(open_socket(4711, SOCK_STREAM).error_number(), EAFNOSUPPORT);
  EXPECT_EQ(bind(second.number(), listening.name).error_number(), EADDRINUSE);
  EXPECT_EQ(accept(listening.descriptor.number(), name).error_number(), EAGAIN);
  EXPECT_EQ(accept(second.number(), name).error_number(), EINVAL);
  EXPECT_EQ(peer_name(second.number(), name).error_number(), ENOTCONN);
  EXPECT_EQ(sys::shutdown(second.number(), SHUT_WR).error_number(), ENOTCONN);
  EXPECT_EQ(receive(second.number(), into).error_number(), ENOTCONN);
  EXPECT_EQ(unlink("/nonexistent/file").error_number(), ENOENT);
}

TEST(Calls, an_event_counter_is_reported_by_epoll_and_counts) {
  const Descriptor counter(create_event_counter().number());
  const Descriptor epoll(create_epoll().number());
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 7;
  std::array<epoll_event, 4> events{};
  std::uint64_t value = 3;
  ASSERT_TRUE(control_epoll(epoll.number(), EPOLL_CTL_ADD, counter.number(), event));
  EXPECT_EQ(wait_epoll(epoll.number(), events, 0ns).count(), 0U);

  EXPECT_EQ(write(counter.number(), std::as_bytes(std::span(&value, 1))).count(), sizeof value);

  EXPECT_EQ(wait_epoll(epoll.number(), events, -1ns).count(), 1U);  // negative: without end
  EXPECT_EQ(events[0].data.u64, 7U);
  value = 0;
  EXPECT_EQ(read(counter.number(), std::as_writable_bytes(std::span(&value, 1))).count(), sizeof value);
  EXPECT_EQ(value, 3U);
  EXPECT_EQ(read(counter.number(), std::as_writable_bytes(std::span(&value, 1))).error_number(), EAGAIN);
}

TEST(Calls, a_wait_lasts_as_long_as_asked_to_the_microsecond) {
  const Descriptor epoll(create_epoll().number());
  std::array<epoll_event, 1> events{};
  const TimePoint before = monotonic_now();

  EXPECT_EQ(wait_epoll(epoll.number(), events, 1500us).count(), 0U);

  EXPECT_GE(monotonic_now() - before, 1500us);
}

TEST(Calls, a_wait_of_the_longest_length_is_accepted) {
  const Descriptor counter(create_event_counter().number());
  const Descriptor epoll(create_epoll().number());
  epoll_event event{};
  event.events = EPOLLOUT;
  std::array<epoll_event, 1> events{};
  ASSERT_TRUE(control_epoll(epoll.number(), EPOLL_CTL_ADD, counter.number(), event));

  EXPECT_EQ(wait_epoll(epoll.number(), events, Duration::max()).count(), 1U);
}

TEST(Calls, the_clock_never_goes_back) {
  TimePoint last = monotonic_now();
  for (int i = 0; i < 10'000; ++i) {
    const TimePoint next = monotonic_now();
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(Calls, a_descriptor_is_closed_once_and_release_gives_it_up) {
  Descriptor owner(create_event_counter().number());
  const int number = owner.release();
  EXPECT_NE(::fcntl(number, F_GETFD), -1);

  owner.reset(number);
  owner.reset();

  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

/// Views the parts of `text` that begin at 0 and at `second`.
std::array<iovec, 2> two_pieces(std::string& text, std::size_t second) {
  return {{{text.data(), second}, {text.data() + second, text.size() - second}}};
}

TEST(Calls, pieces_are_written_to_a_pipe_and_read_from_it_in_order) {
  std::array<int, 2> ends{};
  ASSERT_TRUE(create_pipe(ends));
  const Descriptor reader(ends[0]);
  const Descriptor writer(ends[1]);
  std::string sent = "hello, world";
  std::string got(20, '-');

  EXPECT_EQ(read_pieces(reader.number(), two_pieces(got, 3)).error_number(), EAGAIN);
  EXPECT_EQ(write_pieces(writer.number(), two_pieces(sent, 5)).count(), 12U);
  EXPECT_EQ(read_pieces(reader.number(), two_pieces(got, 3)).count(), 12U);

  EXPECT_EQ(got, "hello, world--------");
}

TEST(Calls, pieces_are_written_to_any_place_of_a_file_and_read_from_it) {
  std::string path = "/tmp/weir-calls-test-XXXXXX";
  const Descriptor file(::mkstemp(path.data()));
  ASSERT_TRUE(file);
  ASSERT_TRUE(unlink(path.c_str()));
  std::string sent = "hello";
  std::string got(8, '-');

  EXPECT_EQ(write_pieces_at(file.number(), two_pieces(sent, 2), 3).count(), 5U);
  EXPECT_EQ(write_pieces_at(file.number(), two_pieces(sent, 1), 0).count(), 5U);
  EXPECT_EQ(read_pieces_at(file.number(), two_pieces(got, 4), 1).count(), 7U);

  EXPECT_EQ(got, "ellollo-");
  EXPECT_EQ(file_size(file.number()).count(), 8U);
}

TEST(Calls, pieces_beyond_the_most_of_one_call_are_refused) {
  std::array<int, 2> ends{};
  ASSERT_TRUE(create_pipe(ends));
  const Descriptor reader(ends[0]);
  const Descriptor writer(ends[1]);
  std::string text(Kernel::most_pieces + 1, 'x');
  std::vector<iovec> pieces;
  for (char& letter : text) pieces.push_back({&letter, 1});

  EXPECT_EQ(write_pieces(writer.number(), pieces).error_number(), EINVAL);
  EXPECT_EQ(read_pieces(reader.number(), pieces).error_number(), EINVAL);
  EXPECT_EQ(write_pieces(writer.number(), std::span(pieces).first(Kernel::most_pieces)).count(), 1024U);
  EXPECT_EQ(read_pieces(reader.number(), std::span(pieces).first(Kernel::most_pieces)).count(), 1024U);
}

TEST(Calls, a_file_is_unlinked) {
  std::string path = "/tmp/weir-calls-test-XXXXXX";
  const Descriptor file(::mkstemp(path.data()));
  ASSERT_TRUE(file);

  EXPECT_TRUE(unlink(path.c_str()));

  EXPECT_EQ(::access(path.c_str(), F_OK), -1);
}

TEST(Calls, a_file_is_described_itself_and_not_what_it_links_to) {
  std::string directory = "/tmp/weir-calls-test-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/socket";
  const std::string link = directory + "/link";
  const Descriptor socket(open_socket(AF_UNIX, SOCK_STREAM).number());
  SocketName name;
  name.local.sun_family = AF_UNIX;
  path.copy(name.local.sun_path, sizeof name.local.sun_path - 1);
  ASSERT_TRUE(bind(socket.number(), name));
  ASSERT_EQ(::symlink(path.c_str(), link.c_str()), 0);
  FileIdentity of_socket, of_link, again;

  EXPECT_TRUE(describe_file(path.c_str(), of_socket));
  EXPECT_TRUE(describe_file(path.c_str(), again));
  EXPECT_TRUE(describe_file(link.c_str(), of_link));
  EXPECT_EQ(describe_file("/nonexistent/file", again).error_number(), ENOENT);

  EXPECT_TRUE(of_socket.is_socket);
  EXPECT_FALSE(of_link.is_socket);
  EXPECT_TRUE(of_socket == again);
  EXPECT_FALSE(of_socket == of_link);
  for (const std::string& file : {link, path}) EXPECT_TRUE(unlink(file.c_str()));
  ::rmdir(directory.c_str());
}

TEST(Calls, that_move_bytes_never_wait_even_on_a_descriptor_that_blocks) {
  int numbers[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, numbers), 0);
  const Descriptor left(numbers[0]);
  const Descriptor right(numbers[1]);
  std::array<std::byte, 4096> bytes{};
  const std::array<iovec, 1> pieces{{{bytes.data(), bytes.size()}}};

  EXPECT_EQ(receive(left.number(), bytes).error_number(), EAGAIN);
  CallResult sent = send(left.number(), bytes);
  while (sent) sent = send(left.number(), bytes);
  EXPECT_EQ(sent.error_number(), EAGAIN);
  CallResult gathered = send_pieces(left.number(), pieces);
  while (gathered) gathered = send_pieces(left.number(), pieces);
  EXPECT_EQ(gathered.error_number(), EAGAIN);
}

/// Exits with 0 when sending to a connection that the peer reset failed with EPIPE and nothing else happened.
[[noreturn]] void send_after_reset(bool in_pieces) {
  std::signal(SIGPIPE, SIG_DFL);
  Connected pair;
  pair.reset_by_client();
  std::array<std::byte, 4> bytes{};
  const std::array<iovec, 2> pieces{{{bytes.data(), 2}, {bytes.data() + 2, 2}}};
  for (int i = 0; i < 3; ++i) {
    const CallResult sent = in_pieces ? send_pieces(pair.server.number(), pieces) : send(pair.server.number(), bytes);
    if (sent.error_number() != EPIPE) std::_Exit(2);
  }
  std::_Exit(0);
}

// hazard: S2, RE13
TEST(CallsDeathTest, sending_after_a_reset_raises_no_sigpipe_although_its_disposition_is_the_default) {
  EXPECT_EXIT(send_after_reset(false), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(send_after_reset(true), testing::ExitedWithCode(0), "");
}

/// Exits with 0 when splicing out of a pipe to a connection that the peer reset fails with EPIPE and nothing else happened.
[[noreturn]] void splice_after_reset() {
  std::signal(SIGPIPE, SIG_DFL);
  Connected pair;
  pair.reset_by_client();
  std::array<int, 2> ends{};
  std::string text = "lost";
  if (!create_pipe(ends) || !write_pieces(ends[1], two_pieces(text, 2))) std::_Exit(2);
  (void)drain_pipe(ends[0], pair.server.number(), 1);  // may still be told of the reset
  for (int i = 0; i < 3; ++i) {
    if (drain_pipe(ends[0], pair.server.number(), 4).error_number() != EPIPE) std::_Exit(3);
  }
  std::_Exit(0);
}

// hazard: S2
TEST(CallsDeathTest, splicing_after_a_reset_raises_no_sigpipe_although_its_disposition_is_the_default) {
  EXPECT_EXIT(splice_after_reset(), testing::ExitedWithCode(0), "");
}

/// Exits with 0 when writing pieces to a pipe that nobody reads fails with EPIPE and nothing else happened.
[[noreturn]] void write_pieces_to_nobody(bool is_blocked) {
  std::signal(SIGPIPE, SIG_DFL);
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(is_blocked ? SIG_BLOCK : SIG_UNBLOCK, &pipe, nullptr);
  std::array<int, 2> ends{};
  if (!create_pipe(ends) || !close(ends[0])) std::_Exit(2);
  std::string text = "lost";
  for (int i = 0; i < 3; ++i) {
    if (write_pieces(ends[1], two_pieces(text, 2)).error_number() != EPIPE) std::_Exit(3);
  }
  sigset_t waiting;
  ::sigpending(&waiting);
  std::_Exit(sigismember(&waiting, SIGPIPE) == 0 ? 0 : 4);
}

// hazard: RE13
TEST(CallsDeathTest, writing_pieces_to_a_broken_pipe_raises_no_sigpipe_and_leaves_none_waiting) {
  EXPECT_EXIT(write_pieces_to_nobody(false), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(write_pieces_to_nobody(true), testing::ExitedWithCode(0), "");
}

/// Exits with 0 when a SIGPIPE that waited before is still there after a broken write, and SIGPIPE still blocked.
[[noreturn]] void write_pieces_while_sigpipe_waits() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  std::array<int, 2> ends{};
  if (!create_pipe(ends) || !close(ends[0])) std::_Exit(2);
  std::raise(SIGPIPE);
  std::string text = "lost";
  if (write_pieces(ends[1], two_pieces(text, 2)).error_number() != EPIPE) std::_Exit(3);
  const timespec at_once{};
  std::_Exit(::sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE ? 0 : 4);
}

TEST(CallsDeathTest, a_sigpipe_that_waited_before_a_broken_write_waits_afterwards) {
  EXPECT_EXIT(write_pieces_while_sigpipe_waits(), testing::ExitedWithCode(0), "");
}

TEST(Signals, the_action_is_set_and_the_previous_one_given_back) {
  struct sigaction ours {};
  ours.sa_handler = SIG_IGN;
  struct sigaction before {};
  struct sigaction replaced {};

  EXPECT_TRUE(set_signal_action(SIGUSR1, ours, before));
  EXPECT_TRUE(set_signal_action(SIGUSR1, before, replaced));

  EXPECT_EQ(before.sa_handler, SIG_DFL);
  EXPECT_EQ(replaced.sa_handler, SIG_IGN);
}

TEST(Signals, of_numbers_that_cannot_be_handled_are_refused) {
  struct sigaction ours {};
  ours.sa_handler = SIG_IGN;
  struct sigaction before {};

  EXPECT_EQ(set_signal_action(SIGKILL, ours, before).error_number(), EINVAL);
  EXPECT_EQ(set_signal_action(SIGSTOP, ours, before).error_number(), EINVAL);
  EXPECT_EQ(set_signal_action(0, ours, before).error_number(), EINVAL);
  EXPECT_EQ(set_signal_action(4711, ours, before).error_number(), EINVAL);
}

TEST(Passing, gives_the_receiver_a_descriptor_of_its_own_that_is_closed_on_exec) {
  std::array<int, 2> ends{};
  ASSERT_TRUE(create_socket_pair(AF_UNIX, SOCK_STREAM, ends));
  const Descriptor left(ends[0]);
  const Descriptor right(ends[1]);
  const Descriptor passed(create_event_counter().number());
  std::array<char, 1> byte{'x'};
  const iovec piece{.iov_base = byte.data(), .iov_len = 1};
  const int number = passed.number();
  PassedDescriptors received;

  ASSERT_EQ(send_with_descriptors(left.number(), {&piece, 1}, {&number, 1}).count(), 1U);
  ASSERT_EQ(receive_with_descriptors(right.number(), std::as_writable_bytes(std::span(byte)), received).count(), 1U);

  ASSERT_EQ(received.count, 1U);
  EXPECT_FALSE(received.are_missing);
  const Descriptor copy(received.numbers[0]);
  EXPECT_NE(copy.number(), number);
  EXPECT_EQ(::fcntl(copy.number(), F_GETFD), FD_CLOEXEC);
}

TEST(Passing, finds_the_descriptors_beside_what_else_the_socket_reports) {
  std::array<int, 2> ends{};
  ASSERT_TRUE(create_socket_pair(AF_UNIX, SOCK_STREAM, ends));
  const Descriptor left(ends[0]);
  const Descriptor right(ends[1]);
  ASSERT_TRUE(set_option(right.number(), SOL_SOCKET, SO_PASSCRED, 1));
  std::array<char, 1> byte{'x'};
  const iovec piece{.iov_base = byte.data(), .iov_len = 1};
  const std::vector<int> many(PassedDescriptors::most, left.number());
  PassedDescriptors received;

  ASSERT_EQ(send_with_descriptors(left.number(), {&piece, 1}, many).count(), 1U);
  ASSERT_EQ(receive_with_descriptors(right.number(), std::as_writable_bytes(std::span(byte)), received).count(), 1U);

  EXPECT_EQ(received.count, PassedDescriptors::most);
  EXPECT_FALSE(received.are_missing);
  for (const int number : received.all()) close_descriptor(number);
}

TEST(Memory, pages_are_zeroed_aligned_and_writable) {
  auto* pages = static_cast<unsigned char*>(map_pages(3 * 4096));
  ASSERT_NE(pages, nullptr);

  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pages) % 4096, 0U);
  EXPECT_EQ(pages[0], 0);
  EXPECT_EQ(pages[3 * 4096 - 1], 0);
  pages[3 * 4096 - 1] = 1;

  unmap_pages(pages, 3 * 4096);
}

TEST(Memory, that_the_system_does_not_have_is_null) { EXPECT_EQ(map_pages(std::size_t{1} << 62), nullptr); }

TEST(Memory, of_the_machine_is_known) { EXPECT_GE(physical_memory_bytes(), 64_MiB); }

TEST(Report, says_nothing_of_success_and_one_line_of_an_error) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(report(std::error_code()), 0);
  EXPECT_EQ(report(Result<int>(3)), 0);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");

  testing::internal::CaptureStderr();
  EXPECT_EQ(report(Result<int>(errc::limit)), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "error: a size limit was passed\n");
}

}  // namespace
}  // namespace weir::sys
