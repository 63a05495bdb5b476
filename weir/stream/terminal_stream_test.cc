// weir: tests of streams over what only the real kernel has: terminals, devices, and open files that others share.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/pipe_support.h"
#include "tests/support/test_file.h"
#include "weir/stream/stream.h"
#include "weir/sys/calls.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;

/// On the kernel of the machine, also where the other tests are simulated.
class RealPipe : public testing::Test {
 protected:
  OnRealKernel real_;
};
using TerminalStream = RealPipe;

/// A pipe as programs inherit one: calls on it wait.
Pair waiting_pipe() {
  std::array<int, 2> ends{-1, -1};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {sys::Descriptor(ends[0]), sys::Descriptor(ends[1])};
}

/// What the shell, say, has of the same open file.
sys::Descriptor shared_with(const sys::Descriptor& descriptor) {
  return sys::Descriptor(::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, 0));
}

bool waits(const sys::Descriptor& descriptor) { return (::fcntl(descriptor.number(), F_GETFL) & O_NONBLOCK) == 0; }

struct Terminal {
  /// Without line editing and echo, as a remote shell has it, unless `edits`.
  explicit Terminal(bool edits = false) {
    master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_EQ(::grantpt(master.number()), 0);
    EXPECT_EQ(::unlockpt(master.number()), 0);
    slave.reset(::open(::ptsname(master.number()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_TRUE(slave);
    termios mode{};
    ::tcgetattr(slave.number(), &mode);
    mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (!edits) ::cfmakeraw(&mode);
    ::tcsetattr(slave.number(), TCSANOW, &mode);
  }

  sys::Descriptor master;
  sys::Descriptor slave;
};

void keep_from_waiting(const sys::Descriptor& descriptor) {
  ::fcntl(descriptor.number(), F_SETFL, ::fcntl(descriptor.number(), F_GETFL) | O_NONBLOCK);
}

// --- others who have the same open file ---

TEST_F(RealPipe, others_with_the_same_open_file_do_not_notice) {
  EventLoop loop;
  Pair in = waiting_pipe();
  Pair out = waiting_pipe();
  const sys::Descriptor shells_in = shared_with(in.near);
  const sys::Descriptor shells_out = shared_with(out.far);
  auto stream = adopted(loop, {.reader = std::move(in.near), .writer = std::move(out.far)});
  stream->on_data([](Stream& s) { s.write(s.input().take_all()); });

  write_to(in.far, "hello");
  settle(loop);
  keep_from_waiting(out.near);

  EXPECT_EQ(read_some(out.near), "hello");
  EXPECT_TRUE(waits(shells_in));
  EXPECT_TRUE(waits(shells_out));
}

TEST_F(RealPipe, where_a_file_cannot_be_opened_anew_its_mode_is_restored_at_every_end) {
  enum class End { destroyed, aborted, finished, failed, half_closed };
  for (const End end : {End::destroyed, End::aborted, End::finished, End::failed, End::half_closed}) {
    sys::FaultKernel kernel(sys::FaultPlan::from_nth(1, {.error = EACCES}, {sys::Call::open_file}));
    const sys::ScopedKernel installed(kernel);
    EventLoop loop;
    Pair in = waiting_pipe();
    Pair out = waiting_pipe();
    const sys::Descriptor shells_in = shared_with(in.near);
    const sys::Descriptor shells_out = shared_with(out.far);
    auto stream = adopted(loop, {.reader = std::move(in.near), .writer = std::move(out.far)});
    EXPECT_FALSE(waits(shells_in)) << "a loop must not wait in a read";
    EXPECT_FALSE(waits(shells_out));
    stream->write("x");
    settle(loop);

    if (end == End::destroyed) stream.reset();
    if (end == End::aborted) stream->abort();
    if (end == End::finished) stream->finish();
    if (end == End::failed) out.near.reset(), stream->write("y");
    if (end == End::half_closed) stream->finish_writing();
    settle(loop);

    EXPECT_TRUE(waits(shells_out)) << static_cast<int>(end);
    EXPECT_EQ(waits(shells_in), end != End::half_closed) << static_cast<int>(end);
  }
}

TEST_F(RealPipe, a_mode_that_others_have_chosen_is_left_as_it_is) {
  EventLoop loop;
  Pair in = pipe_pair();
  const sys::Descriptor theirs = shared_with(in.near);

  adopted(loop, {.reader = std::move(in.near)}).reset();
  settle(loop);

  EXPECT_FALSE(waits(theirs));
}

// hazard: S2
TEST_F(RealPipe, a_pipe_that_nobody_reads_raises_no_signal) {
  for (const bool in_pieces : {false, true}) {
    EventLoop loop;  // SIGPIPE has its default action here: it would end the test
    Pair out = waiting_pipe();
    auto stream = adopted(loop, {.writer = std::move(out.far)});
    Record told;
    record(*stream, told);
    out.near.reset();
    stream->write("lost");
    if (in_pieces) stream->write(Slice::from_static(std::string_view("lost too")));
    settle(loop);

    EXPECT_EQ(told.error, std::errc::broken_pipe);
    EXPECT_EQ(told.closed, 1);
  }
}

TEST_F(RealPipe, the_null_device_is_empty_and_takes_everything) {
  EventLoop loop;
  sys::Descriptor reader(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  sys::Descriptor writer(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  auto stream = adopted(loop, {.reader = std::move(reader), .writer = std::move(writer)});
  Record told;
  record(*stream, told, false);
  stream->write(pattern(1'000'000));
  settle(loop);

  EXPECT_EQ(told.closed, 1);
  EXPECT_EQ(told.data, "");
  EXPECT_FALSE(told.error);
}

TEST_F(RealPipe, a_full_device_is_an_error) {
  EventLoop loop;
  auto stream = adopted(loop, {.writer = sys::Descriptor(::open("/dev/full", O_WRONLY | O_CLOEXEC))});
  Record told;
  record(*stream, told);
  stream->write("x");
  settle(loop);

  EXPECT_EQ(told.error, std::errc::no_space_on_device);
}

TEST_F(RealPipe, a_directory_is_an_error) {
  EventLoop loop;
  auto stream = adopted(loop, {.reader = sys::Descriptor(::open("/tmp", O_RDONLY | O_CLOEXEC))});
  Record told;
  record(*stream, told);
  settle(loop);

  EXPECT_EQ(told.error, std::errc::is_a_directory);
}

/// What a child does that has `input` as its standard input and a pipe as its standard output; its output.
template <class Body>
std::string output_of_child(const sys::Descriptor& input, Body body) {
  Pair out = waiting_pipe();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(input.number(), 0);
    ::dup2(out.far.number(), 1);
    ::_exit(body());
  }
  out.far.reset();
  std::string output;
  std::array<char, 4096> part;
  for (ssize_t got = 0; (got = ::read(out.near.number(), part.data(), part.size())) > 0;) {
    output.append(part.data(), static_cast<std::size_t>(got));
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return output;
}

/// Copies standard input to standard output; 0 when all went well.
int copy_standard() {
  EventLoop loop;
  auto ends = PipeEnds::standard();
  if (!ends) return 2;
  auto stream = Stream::adopt_pipe(loop, *std::move(ends));
  if (!stream) return 3;
  int result = 4;
  (*stream)->on_data([](Stream& s) { s.write(s.input().take_all()); });
  (*stream)->on_closed([&](Stream&, std::error_code error) { result = error ? 5 : 0; });
  if (!loop.run()) return 6;
  return result;
}

// hazard: E18
TEST_F(RealPipe, standard_input_may_be_a_file_a_pipe_or_nothing) {
  const std::string text = pattern(200'000);
  const TestFile file(text);
  const sys::Descriptor at_start = file.open();
  EXPECT_TRUE(output_of_child(at_start, copy_standard) == text);

  Pair pipe = waiting_pipe();
  ASSERT_EQ(write_to(pipe.far, pattern(50'000)), 50'000U);
  pipe.far.reset();
  EXPECT_TRUE(output_of_child(pipe.near, copy_standard) == pattern(50'000));

  const sys::Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(output_of_child(nothing, copy_standard), "");
}

TEST_F(RealPipe, in_the_child_of_a_fork_files_and_pipes_go_on) {
  const TestFile file(pattern(500'000));
  const sys::Descriptor input = file.open();
  EventLoop loop;
  Pair pipe = pipe_pair();
  auto files = adopted(loop, {.reader = file.open()});
  auto pipes = adopted(loop, {.writer = std::move(pipe.far)});
  files->on_data([&](Stream& s) { pipes->write(s.input().take_all()); });
  files->on_end([&](Stream&) { pipes->finish(); });
  files->pause();

  const std::string output = output_of_child(input, [&] {
    if (!loop.after_fork()) return 2;
    files->resume();
    std::string arrived;
    while (arrived.size() < 500'000) {
      if (!loop.poll()) return 3;
      arrived += read_some(pipe.near);
    }
    return arrived == pattern(500'000) ? 0 : 4;
  });

  EXPECT_EQ(output, "");
}

// --- terminals ---

TEST_F(TerminalStream, lines_come_from_a_terminal_and_go_to_it) {
  EventLoop loop;
  Terminal terminal(true);
  auto stream = Stream::adopt_pipe(loop, std::move(terminal.slave));
  ASSERT_TRUE(stream);
  keep_from_waiting(terminal.master);
  Record told;
  record(**stream, told);

  write_to(terminal.master, "one\ntw");
  settle(loop);
  EXPECT_EQ(told.data, "one\n");
  write_to(terminal.master, "o\n\x04");  // the end of input, as typed: Control-D
  settle(loop);
  (*stream)->write("three");
  settle(loop);

  EXPECT_EQ(told.data, "one\ntwo\n");
  EXPECT_EQ(told.order.back(), 'e');
  EXPECT_EQ(read_some(terminal.master), "three");
}

TEST_F(TerminalStream, a_hang_up_is_an_end_on_either_side) {
  for (const bool of_master : {false, true}) {
    EventLoop loop;
    Terminal terminal;
    auto stream = Stream::adopt_pipe(loop, std::move(of_master ? terminal.master : terminal.slave));
    ASSERT_TRUE(stream);
    Record told;
    record(**stream, told, false);
    sys::Descriptor& other = of_master ? terminal.slave : terminal.master;
    write_to(other, "before");
    settle(loop);
    other.reset();
    settle(loop);

    EXPECT_EQ(told.data, "before") << of_master;
    EXPECT_EQ(told.closed, 1) << of_master;
    EXPECT_FALSE(told.error) << of_master << told.error.message();
  }
}

TEST_F(TerminalStream, a_terminal_stays_as_the_shell_has_it) {
  EventLoop loop;
  Terminal terminal;
  const sys::Descriptor shells = shared_with(terminal.slave);
  const sys::Descriptor others = shared_with(terminal.master);
  auto slave = Stream::adopt_pipe(loop, std::move(terminal.slave));
  auto master = Stream::adopt_pipe(loop, std::move(terminal.master));
  ASSERT_TRUE(slave);
  ASSERT_TRUE(master);

  EXPECT_TRUE(waits(shells));
  EXPECT_FALSE(waits(others)) << "to open a master again would make another terminal";
  master->reset();
  settle(loop);
  EXPECT_TRUE(waits(others));
}

TEST_F(TerminalStream, long_transfers_go_both_ways_at_the_pace_of_the_reader) {
  EventLoop loop;
  Terminal terminal;
  auto slave = Stream::adopt_pipe(loop, std::move(terminal.slave));
  auto master = Stream::adopt_pipe(loop, std::move(terminal.master));
  ASSERT_TRUE(slave);
  ASSERT_TRUE(master);
  const std::string text = pattern(200'000);
  Record to_slave;
  Record to_master;
  record(**slave, to_slave);
  record(**master, to_master);

  (*slave)->write(text);
  (*master)->write(text);
  EXPECT_TRUE(
      spin_until(loop, [&] { return to_slave.data.size() >= text.size() && to_master.data.size() >= text.size(); }))
      << to_slave.data.size() << " and " << to_master.data.size();

  EXPECT_TRUE(to_slave.data == text);
  EXPECT_TRUE(to_master.data == text);
}

}  // namespace
}  // namespace weir
