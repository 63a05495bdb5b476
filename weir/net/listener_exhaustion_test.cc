// weir: tests of listeners when descriptors run out, and when accepting fails.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "tests/support/listener_fixture.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/test_kernel.h"
#include "tests/support/test_world.h"
#include "weir/net/connector.h"
#include "weir/net/listener.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultPlan;

// hazard: E6
TEST_F(ListenerTest, out_of_descriptors_pauses_without_a_spin_and_goes_on_within_a_tenth_of_a_second) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    accepted_.clear();
    open();
    const std::vector<sys::Descriptor> connected = clients(5);
    kernel_.set_plan(FaultPlan::from_nth(1, {.error = error}, {Call::accept}));
    const std::uint64_t accepts_before = kernel_.calls(Call::accept);
    EXPECT_FALSE(run_until([&] { return !accepted_.empty(); }, 10s));
    // Ten seconds: after the first pauses of 10, 20, 40 and 80 ms one try in 100 ms.
    EXPECT_LE(kernel_.calls(Call::accept) - accepts_before, 110U) << error;
    EXPECT_GE(kernel_.calls(Call::accept) - accepts_before, 90U) << error;

    kernel_.set_plan({});
    const TimePoint freed = world().now();
    ASSERT_TRUE(run_until([&] { return accepted_.size() == 5; }));

    EXPECT_LE(world().now() - freed, 101ms) << error;
  }
}

// hazard: E6
TEST_F(ListenerTest, says_at_most_once_a_second_that_it_pauses) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  open();
  const std::vector<sys::Descriptor> connected = clients(1);
  kernel_.set_plan(FaultPlan::from_nth(1, {.error = EMFILE}, {Call::accept}));

  EXPECT_FALSE(run_until([&] { return !accepted_.empty(); }, 10s));

  EXPECT_GE(remarks_.size(), 9U);
  EXPECT_LE(remarks_.size(), 11U);
  EXPECT_NE(remarks_[0].find(listener_.address().to_string()), std::string::npos);
}

// hazard: E6
TEST_F(ListenerTest, goes_on_at_once_when_the_loop_closes_a_descriptor) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  open();
  const std::vector<sys::Descriptor> connected = clients(1);
  const ListeningSocket busy(0);
  const std::vector<sys::Descriptor> waiting = busy.fill();
  std::optional<Connector> connector = Connector::start(*loop_, Address(busy.name), {}, [](Result<Socket>) {});
  kernel_.set_plan(FaultPlan::script({{.calls = {Call::accept}, .to = 5, .fault = {.error = EMFILE}}}));
  ASSERT_FALSE(run_until([&] { return !accepted_.empty(); }, 155ms));  // five tries: the next is 100 ms away
  const TimePoint freed = world().now();

  connector.reset();

  ASSERT_TRUE(run_until([&] { return !accepted_.empty(); }));
  EXPECT_LE(world().now() - freed, 2ms);
}

// hazard: E6
TEST_F(ListenerTest, after_an_exhaustion_the_first_pause_is_short_again) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  open();
  const std::vector<sys::Descriptor> connected = clients(2);
  kernel_.set_plan(FaultPlan::script({{.calls = {Call::accept}, .to = 10, .fault = {.error = EMFILE}},
                                      {.calls = {Call::accept}, .from = 12, .fault = {.error = EMFILE}}}));
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1; }));
  const TimePoint again = world().now();

  ASSERT_TRUE(run_until([&] { return accepted_.size() == 2; }));

  EXPECT_LE(world().now() - again, 12ms);
}

/// Until the end of the scope no descriptor can be opened.
class NoDescriptorLeft {
 public:
  NoDescriptorLeft() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    set_limit(0);
  }
  NoDescriptorLeft(const NoDescriptorLeft&) = delete;
  NoDescriptorLeft& operator=(const NoDescriptorLeft&) = delete;
  ~NoDescriptorLeft() { set_limit(before_.rlim_cur); }

 private:
  void set_limit(rlim_t count) {
    if (is_simulated()) {
      world().local().set_descriptor_limit(count);
    } else {
      const rlimit limit{.rlim_cur = count, .rlim_max = before_.rlim_max};
      EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
  }

  rlimit before_{};
};

// The process itself runs out of descriptors, in truth.
// hazard: E6
TEST_F(ListenerTest, serves_those_it_has_while_the_process_has_no_descriptor_left) {
  if (testing_support::is_on_poll()) GTEST_SKIP() << "which takes no more descriptors than the process may have";
  open();
  std::vector<sys::Descriptor> connected = clients(1);
  Pair pair = unix_pair();
  auto established = ByteProbe::reading(*loop_, std::move(pair.near));
  // All of it once before: UBSan opens a pipe when it meets a type for the first time.
  EXPECT_EQ(write_some(pair.far, "first"), 5U);
  kernel_.set_plan(FaultPlan::nth(1, {.error = EMFILE}, {Call::accept}));
  ASSERT_TRUE(run_until([&] { return accepted_.size() == 1 && established->text == "first"; }));
  accepted_.clear();
  established->text.clear();
  connected = clients(2);
  auto exhausted = std::make_optional<NoDescriptorLeft>();
  const std::uint64_t accepts_before = kernel_.calls(Call::accept);
  std::size_t written = 0;

  const bool was_served = run_until([&] {
    if (established->text.size() == written) written += write_some(pair.far, "x");
    return established->text.size() >= 100;
  });
  const bool has_accepted = !accepted_.empty();
  const std::uint64_t accepts = kernel_.calls(Call::accept) - accepts_before;
  exhausted.reset();

  EXPECT_TRUE(was_served);
  EXPECT_FALSE(has_accepted);
  EXPECT_LE(accepts, 3U);
  EXPECT_TRUE(run_until([&] { return accepted_.size() == 2; }));
}

// hazard: E7
TEST_F(ListenerTest, survives_every_error_but_those_that_say_its_socket_is_none) {
  if (!is_simulated()) GTEST_SKIP() << "needs virtual time";
  for (const int error : {ECONNABORTED, EPROTO, ENOBUFS,     ENOMEM,      EPERM,      ENETDOWN,  EHOSTUNREACH,
                          EHOSTDOWN,    ENONET, ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP, ETIMEDOUT, ECONNRESET,
                          EINTR,        EAGAIN, EMFILE,      ENFILE,      EIO,        ENOSR,     EUCLEAN}) {
    for (const std::uint64_t times : {1U, 63U, 64U, 65U, 200U}) {
      accepted_.clear();
      open();
      bool has_failed = false;
      listener_.on_failed([&](std::error_code) { has_failed = true; });
      const std::vector<sys::Descriptor> connected = clients(1);
      kernel_.set_plan(FaultPlan::script({{.calls = {Call::accept}, .to = times, .fault = {.error = error}}}));

      EXPECT_TRUE(run_until([&] { return accepted_.size() == 1; }, 60s)) << error << " × " << times;

      EXPECT_FALSE(has_failed) << error;
    }
  }
}

// hazard: E7
TEST_F(ListenerTest, ends_on_an_error_that_says_its_socket_is_none_and_tells_once) {
  for (const int error : {EBADF, EINVAL, ENOTSOCK}) {
    open();
    int calls = 0;
    listener_.on_failed([&](std::error_code told) {
      ++calls;
      EXPECT_EQ(told, system_error(error));
    });
    const std::vector<sys::Descriptor> connected = clients(1);
    kernel_.set_plan(FaultPlan::nth(1, {.error = error}, {Call::accept}));

    EXPECT_EQ(*loop_->run(), RunEnd::empty);

    EXPECT_EQ(calls, 1);
    EXPECT_EQ(accepted_.size(), 0U);
  }
}

}  // namespace
}  // namespace weir
