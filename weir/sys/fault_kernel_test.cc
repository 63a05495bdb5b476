// weir: tests of the kernel that fails on purpose.
// SPDX-License-Identifier: MIT
#include "weir/sys/fault_kernel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "tests/support/descriptor_check.h"
#include "weir/sys/calls.h"
#include "weir/sys/descriptor.h"

namespace weir::sys {
namespace {

using namespace weir::literals;

/// A pair of connected sockets and a kernel that may fail, on this thread for the length of a test.
class FaultKernelTest : public testing::Test {
 protected:
  FaultKernelTest() {
    int numbers[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, numbers), 0);
    left_.reset(numbers[0]);
    right_.reset(numbers[1]);
  }

  /// The error numbers of `count` sends of one byte each.
  std::vector<int> send_often(std::size_t count) {
    std::vector<int> errors;
    for (std::size_t i = 0; i < count; ++i) errors.push_back(send(left_.number(), as_bytes("x")).error_number());
    return errors;
  }

  /// Registers the left socket as the loop does and takes the events that come with that.
  Descriptor watch_left() {
    Descriptor epoll(create_epoll().number());
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = 42;
    EXPECT_TRUE(control_epoll(epoll.number(), EPOLL_CTL_ADD, left_.number(), event));
    (void)wait(epoll);
    return epoll;
  }

  /// The flags that one wait of no length reports for the left socket; 0 for none.
  std::uint32_t wait(const Descriptor& epoll) {
    std::array<epoll_event, 4> events{};
    const CallResult count = wait_epoll(epoll.number(), events, 0ns);
    EXPECT_TRUE(count);
    if (!count || count.count() == 0) return 0;
    EXPECT_EQ(count.count(), 1U);
    EXPECT_EQ(events[0].data.u64, 42U);
    return events[0].events;
  }

  FaultKernel kernel_;
  ScopedKernel installed_{kernel_};
  Descriptor left_;
  Descriptor right_;
};

TEST_F(FaultKernelTest, without_a_plan_every_call_goes_through_and_is_counted) {
  std::array<std::byte, 8> into{};

  EXPECT_EQ(send(left_.number(), as_bytes("four")).count(), 4U);
  EXPECT_EQ(receive(right_.number(), into).count(), 4U);

  EXPECT_EQ(kernel_.calls(Call::send), 1U);
  EXPECT_EQ(kernel_.calls(Call::receive), 1U);
  EXPECT_EQ(kernel_.all_calls(), 2U);
  EXPECT_EQ(kernel_.injected(), 0U);
}

TEST_F(FaultKernelTest, nth_fails_one_call_only) {
  kernel_.set_plan(FaultPlan::nth(3, {.error = ENOBUFS}, {Call::send}));

  EXPECT_EQ(send_often(5), (std::vector{0, 0, ENOBUFS, 0, 0}));
  EXPECT_EQ(kernel_.injected(), 1U);
}

TEST_F(FaultKernelTest, nth_counts_only_the_calls_it_is_about) {
  kernel_.set_plan(FaultPlan::nth(2, {.error = ENOBUFS}, {Call::send}));
  std::array<std::byte, 8> into{};

  EXPECT_TRUE(send(left_.number(), as_bytes("x")));
  EXPECT_TRUE(receive(right_.number(), into));
  EXPECT_EQ(send(left_.number(), as_bytes("x")).error_number(), ENOBUFS);
}

TEST_F(FaultKernelTest, nth_of_no_call_in_particular_counts_them_all) {
  kernel_.set_plan(FaultPlan::nth(2, {.error = EIO}));
  std::array<std::byte, 8> into{};

  EXPECT_TRUE(send(left_.number(), as_bytes("x")));
  EXPECT_EQ(receive(right_.number(), into).error_number(), EIO);
  EXPECT_TRUE(receive(right_.number(), into));
}

TEST_F(FaultKernelTest, from_nth_fails_that_call_and_all_later_ones) {
  kernel_.set_plan(FaultPlan::from_nth(3, {.error = EPIPE}, {Call::send}));

  EXPECT_EQ(send_often(5), (std::vector{0, 0, EPIPE, EPIPE, EPIPE}));
}

TEST_F(FaultKernelTest, the_same_seed_gives_the_same_faults_and_another_seed_others) {
  const auto errors_with = [&](std::uint64_t seed) {
    kernel_.set_plan(FaultPlan::random(seed, 0.3, {.error = EINTR}, {Call::send}));
    return send_often(100);
  };

  const std::vector<int> first = errors_with(7);
  const std::vector<int> again = errors_with(7);
  const std::vector<int> other = errors_with(8);

  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
  const auto struck = std::count(first.begin(), first.end(), EINTR);
  EXPECT_GT(struck, 10);
  EXPECT_LT(struck, 60);
}

TEST_F(FaultKernelTest, a_chance_of_nought_strikes_never_and_of_one_always) {
  kernel_.set_plan(FaultPlan::random(1, 0.0, {.error = EINTR}, {Call::send}));
  EXPECT_EQ(send_often(20), std::vector<int>(20, 0));

  kernel_.set_plan(FaultPlan::random(1, 1.0, {.error = EINTR}, {Call::send}));
  EXPECT_EQ(send_often(20), std::vector<int>(20, EINTR));
}

TEST_F(FaultKernelTest, of_a_script_the_first_rule_that_strikes_decides_and_every_rule_counts) {
  kernel_.set_plan(FaultPlan::script({
      {.calls = {Call::send}, .from = 2, .to = 3, .fault = {.error = EAGAIN}},
      {.calls = {Call::send, Call::receive}, .from = 3, .to = 4, .fault = {.error = ECONNRESET}},
  }));

  EXPECT_EQ(send_often(5), (std::vector{0, EAGAIN, EAGAIN, ECONNRESET, 0}));
}

TEST_F(FaultKernelTest, plans_add_up) {
  FaultPlan plan = FaultPlan::nth(1, {.error = EINTR}, {Call::send});
  plan += FaultPlan::nth(3, {.error = EPIPE}, {Call::send});
  kernel_.set_plan(plan);

  EXPECT_EQ(send_often(4), (std::vector{EINTR, 0, EPIPE, 0}));
}

TEST_F(FaultKernelTest, a_short_count_moves_what_it_says_and_loses_nothing) {
  kernel_.set_plan(FaultPlan::from_nth(1, {.at_most = 3}));
  std::array<std::byte, 16> into{};
  std::string text = "abcdefgh";
  std::array<iovec, 3> pieces{{{text.data(), 1}, {text.data() + 1, 4}, {text.data() + 5, 3}}};

  EXPECT_EQ(send(left_.number(), as_bytes(text)).count(), 3U);
  EXPECT_EQ(send_pieces(left_.number(), pieces).count(), 3U);  // ends inside the second piece
  EXPECT_EQ(receive(right_.number(), into).count(), 3U);
  kernel_.set_plan({});
  EXPECT_EQ(receive(right_.number(), into).count(), 3U);

  EXPECT_EQ(as_text(Bytes(into).first(3)), "abc");
}

TEST_F(FaultKernelTest, a_short_count_passes_all_descriptors_with_its_bytes_and_none_with_the_rest) {
  kernel_.set_plan(FaultPlan::from_nth(1, {.at_most = 3}));
  std::string text = "hello";
  const iovec piece{.iov_base = text.data(), .iov_len = text.size()};
  const int number = left_.number();
  std::array<std::byte, 8> into{};
  PassedDescriptors received;

  EXPECT_EQ(send_with_descriptors(left_.number(), {&piece, 1}, {&number, 1}).count(), 3U);
  EXPECT_EQ(send(left_.number(), as_bytes("lo")).count(), 2U);
  EXPECT_EQ(receive_with_descriptors(right_.number(), std::span(into).first(2), received).count(), 2U);

  ASSERT_EQ(received.count, 1U);
  close_descriptor(received.numbers[0]);
  EXPECT_EQ(receive_with_descriptors(right_.number(), into, received).count(), 3U);
  EXPECT_EQ(received.count, 0U);
}

TEST_F(FaultKernelTest, descriptors_whose_call_was_made_to_fail_are_not_on_their_way) {
  kernel_.set_plan(FaultPlan::nth(1, {.error = EINTR}, {Call::send_with_descriptors}) +=
                   FaultPlan::nth(1, {.error = EAGAIN}, {Call::receive_with_descriptors}));
  std::string text = "x";
  const iovec piece{.iov_base = text.data(), .iov_len = text.size()};
  const int number = left_.number();
  std::array<std::byte, 8> into{};
  PassedDescriptors received{};
  received.count = 7;

  EXPECT_EQ(send_with_descriptors(left_.number(), {&piece, 1}, {&number, 1}).error_number(), EINTR);
  EXPECT_EQ(receive_with_descriptors(right_.number(), into, received).error_number(), EAGAIN);
  EXPECT_EQ(received.count, 0U);
  EXPECT_EQ(receive_with_descriptors(right_.number(), into, received).error_number(), EAGAIN);
}

TEST_F(FaultKernelTest, pieces_read_and_written_are_cut_short_inside_a_piece) {
  kernel_.set_plan(FaultPlan::from_nth(1, {.at_most = 3}));
  std::string text = "abcdefgh";
  std::array<iovec, 3> pieces{{{text.data(), 1}, {text.data() + 1, 4}, {text.data() + 5, 3}}};
  std::string got(8, '-');
  std::array<iovec, 2> room{{{got.data(), 2}, {got.data() + 2, 6}}};

  EXPECT_EQ(write_pieces(left_.number(), pieces).count(), 3U);
  EXPECT_EQ(write_pieces(left_.number(), pieces).count(), 3U);
  EXPECT_EQ(read_pieces(right_.number(), room).count(), 3U);

  EXPECT_EQ(got, "abc-----");
  kernel_.set_plan({});
  EXPECT_EQ(read_pieces(right_.number(), room).count(), 3U);
}

TEST_F(FaultKernelTest, pieces_at_a_place_of_a_file_are_cut_short_too) {
  std::string path = "/tmp/weir-fault-test-XXXXXX";
  const Descriptor file(::mkstemp(path.data()));
  ASSERT_TRUE(unlink(path.c_str()));
  kernel_.set_plan(FaultPlan::from_nth(1, {.at_most = 5}));
  std::string text = "abcdefgh";
  std::array<iovec, 2> pieces{{{text.data(), 3}, {text.data() + 3, 5}}};

  EXPECT_EQ(write_pieces_at(file.number(), pieces, 2).count(), 5U);
  EXPECT_EQ(file_size(file.number()).count(), 7U);
  EXPECT_EQ(read_pieces_at(file.number(), pieces, 0).count(), 5U);

  EXPECT_EQ(text, std::string("\0\0abcfgh", 8));
}

TEST_F(FaultKernelTest, a_short_count_of_nought_still_moves_a_byte_since_nought_would_mean_the_end) {
  kernel_.set_plan(FaultPlan::from_nth(1, {.at_most = 0}));
  std::array<std::byte, 16> into{};

  EXPECT_EQ(send(left_.number(), as_bytes("ab")).count(), 1U);
  EXPECT_EQ(receive(right_.number(), into).count(), 1U);
}

TEST_F(FaultKernelTest, an_injected_eagain_of_receive_is_followed_by_a_new_event) {
  const Descriptor epoll = watch_left();
  kernel_.set_plan(FaultPlan::nth(1, {.error = EAGAIN}, {Call::receive}));
  std::array<std::byte, 16> into{};
  ASSERT_TRUE(send(right_.number(), as_bytes("data")));
  ASSERT_NE(wait(epoll) & EPOLLIN, 0U);

  EXPECT_EQ(receive(left_.number(), into).error_number(), EAGAIN);

  EXPECT_NE(wait(epoll) & EPOLLIN, 0U);
  EXPECT_EQ(receive(left_.number(), into).count(), 4U);
  EXPECT_EQ(wait(epoll) & EPOLLIN, 0U);
}

TEST_F(FaultKernelTest, an_injected_eagain_of_send_is_followed_by_an_event_for_room) {
  const Descriptor epoll = watch_left();
  kernel_.set_plan(FaultPlan::nth(1, {.error = EAGAIN}, {Call::send}));

  EXPECT_EQ(send(left_.number(), as_bytes("x")).error_number(), EAGAIN);

  EXPECT_EQ(wait(epoll), static_cast<std::uint32_t>(EPOLLOUT));
  EXPECT_EQ(wait(epoll), 0U);
}

TEST_F(FaultKernelTest, a_receive_that_was_cut_short_is_followed_by_a_new_event) {
  const Descriptor epoll = watch_left();
  kernel_.set_plan(FaultPlan::nth(1, {.at_most = 1}, {Call::receive}));
  std::array<std::byte, 16> into{};
  ASSERT_TRUE(send(right_.number(), as_bytes("data")));
  (void)wait(epoll);

  EXPECT_EQ(receive(left_.number(), into).count(), 1U);

  EXPECT_NE(wait(epoll) & EPOLLIN, 0U);
}

TEST_F(FaultKernelTest, a_limit_that_cut_nothing_owes_no_event) {
  const Descriptor epoll = watch_left();
  kernel_.set_plan(FaultPlan::from_nth(1, {.at_most = 8}));
  std::array<std::byte, 16> into{};

  EXPECT_EQ(receive(left_.number(), into).error_number(), EAGAIN);  // nothing there at all
  EXPECT_EQ(wait(epoll), 0U);

  EXPECT_EQ(send(left_.number(), as_bytes("1234")).count(), 4U);  // less than the limit
  EXPECT_EQ(wait(epoll), 0U);
}

TEST_F(FaultKernelTest, an_injected_error_of_close_closes_all_the_same) {
  kernel_.set_plan(FaultPlan::nth(1, {.error = EIO}, {Call::close}));
  const int number = left_.release();

  EXPECT_EQ(close(number).error_number(), EIO);

  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(FaultKernelTest, a_closed_descriptor_is_owed_nothing) {
  const Descriptor epoll = watch_left();
  kernel_.set_plan(FaultPlan::nth(1, {.error = EAGAIN}, {Call::send}));
  EXPECT_EQ(send(left_.number(), as_bytes("x")).error_number(), EAGAIN);

  left_.reset();

  EXPECT_EQ(wait(epoll), 0U);
}

TEST_F(FaultKernelTest, a_descriptor_taken_off_its_epoll_is_owed_nothing) {
  const Descriptor epoll = watch_left();
  kernel_.set_plan(FaultPlan::nth(1, {.error = EAGAIN}, {Call::send}));
  EXPECT_EQ(send(left_.number(), as_bytes("x")).error_number(), EAGAIN);

  EXPECT_TRUE(control_epoll(epoll.number(), EPOLL_CTL_DEL, left_.number()));

  EXPECT_EQ(wait(epoll), 0U);
}

TEST_F(FaultKernelTest, the_trace_tells_the_calls_in_order) {
  kernel_.set_plan(FaultPlan::nth(2, {.error = EPIPE}, {Call::send}));
  const std::string left = std::to_string(left_.number());

  send_often(3);

  EXPECT_EQ(kernel_.trace(), "send on " + left + ": ok\nsend on " + left + ": error " + std::to_string(EPIPE) +
                                 " (injected)\nsend on " + left + ": ok\n");
}

TEST_F(FaultKernelTest, the_trace_keeps_the_last_256_calls) {
  kernel_.set_plan(FaultPlan::nth(1, {.error = EPIPE}, {Call::send}));
  send_often(256);
  EXPECT_NE(kernel_.trace().find("(injected)"), std::string::npos);

  send_often(1);

  const std::string trace = kernel_.trace();
  EXPECT_EQ(std::count(trace.begin(), trace.end(), '\n'), 256);
  EXPECT_EQ(trace.find("(injected)"), std::string::npos);
}

TEST_F(FaultKernelTest, kernels_stand_on_each_other_and_the_plan_of_the_upper_one_comes_first) {
  FaultKernel upper(FaultPlan::nth(1, {.error = EINTR}, {Call::send}), &kernel_);
  kernel_.set_plan(FaultPlan::nth(1, {.error = EPIPE}, {Call::send}));
  {
    const ScopedKernel nested(upper);
    EXPECT_EQ(send_often(3), (std::vector{EINTR, EPIPE, 0}));
  }
  EXPECT_EQ(kernel_.calls(Call::send), 2U);
  EXPECT_EQ(send_often(1), std::vector{0});
  EXPECT_EQ(upper.calls(Call::send), 3U);
}

TEST_F(FaultKernelTest, every_call_can_be_made_to_fail) {
  SocketName name;
  FileIdentity identity;
  FileKind kind = FileKind::other;
  int value = 0;
  std::array<std::byte, 4> into{};
  std::array<iovec, 1> pieces{{{into.data(), into.size()}}};
  std::array<epoll_event, 1> events{};
  std::array<int, 2> ends{};
  PassedDescriptors passed;
  const int fd = left_.number();
  const auto result_of = [&](Call call) {
    switch (call) {
      case Call::open_socket: return open_socket(AF_INET, SOCK_STREAM);
      case Call::create_socket_pair: return create_socket_pair(AF_UNIX, SOCK_STREAM, ends);
      case Call::bind: return bind(fd, name);
      case Call::listen: return listen(fd, 1);
      case Call::accept: return accept(fd, name);
      case Call::connect: return connect(fd, name);
      case Call::shutdown: return sys::shutdown(fd, SHUT_WR);
      case Call::local_name: return local_name(fd, name);
      case Call::peer_name: return peer_name(fd, name);
      case Call::get_option: return get_option(fd, SOL_SOCKET, SO_ERROR, value);
      case Call::set_option: return set_option(fd, SOL_SOCKET, SO_KEEPALIVE, value);
      case Call::receive: return receive(fd, into);
      case Call::send: return send(fd, into);
      case Call::send_pieces: return send_pieces(fd, pieces);
      case Call::send_to: return send_to(fd, into, name);
      case Call::receive_from: return receive_from(fd, into, name);
      case Call::send_with_descriptors: return send_with_descriptors(fd, pieces, std::span(&fd, 1));
      case Call::receive_with_descriptors: return receive_with_descriptors(fd, into, passed);
      case Call::read: return read(fd, into);
      case Call::write: return write(fd, into);
      case Call::read_pieces: return read_pieces(fd, pieces);
      case Call::write_pieces: return write_pieces(fd, pieces);
      case Call::close: return close(fd);
      case Call::unlink: return unlink("/nonexistent/file");
      case Call::describe_file: return describe_file("/", identity);
      case Call::open_file: return open_file("/", O_RDONLY);
      case Call::file_size: return file_size(fd);
      case Call::file_kind: return file_kind(fd, kind);
      case Call::status_flags: return status_flags(fd);
      case Call::set_status_flags: return set_status_flags(fd, 0);
      case Call::read_at: return read_at(fd, into, 0);
      case Call::read_pieces_at: return read_pieces_at(fd, pieces, 0);
      case Call::write_pieces_at: return write_pieces_at(fd, pieces, 0);
      case Call::send_file: return send_file(fd, fd, 0, 1);
      case Call::fill_pipe: return fill_pipe(fd, fd, 1);
      case Call::drain_pipe: return drain_pipe(fd, fd, 1);
      case Call::set_pipe_size: return set_pipe_size(fd, 4096);
      case Call::create_pipe: return create_pipe(ends);
      case Call::create_event_counter: return create_event_counter();
      case Call::create_epoll: return create_epoll();
      case Call::control_epoll: return control_epoll(fd, EPOLL_CTL_ADD, fd);
      case Call::wait_epoll: return wait_epoll(fd, events, 0ns);
      case Call::poll: return poll({}, 0ns);
    }
    return CallResult::success();
  };
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < call_count; ++i) {
    const auto call = static_cast<Call>(i);
    if (call == Call::close) continue;  // tested above: it closes all the same
    kernel_.set_plan(FaultPlan::from_nth(1, {.error = EUCLEAN}, {call}));

    EXPECT_EQ(result_of(call).error_number(), EUCLEAN) << name_of(call);
    EXPECT_EQ(kernel_.calls(call), 1U) << name_of(call);
    names.insert(name_of(call));
  }
  EXPECT_EQ(names.size(), call_count - 1);
  EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace weir::sys
