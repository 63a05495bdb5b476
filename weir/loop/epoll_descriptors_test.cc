// weir: tests of slots and their descriptors on epoll: reuse of numbers, ownership, failures of registration.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/loop_fixture.h"
#include "weir/loop/timer.h"
#include "weir/sys/fault_kernel.h"

namespace weir {
namespace {

using namespace weir::literals;
using namespace weir::testing_support;
using sys::Call;
using sys::FaultKernel;
using sys::FaultPlan;
using sys::ScopedKernel;

/// Moves `descriptor` to `number`, which must be free.
sys::Descriptor moved_to(int number, sys::Descriptor descriptor) {
  sys::Descriptor moved(::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, number));
  EXPECT_EQ(moved.number(), number);
  return moved;
}

/// Two slots whose events come in one batch; whichever is served first hands the other's number to somebody else.
class StaleEvents : public testing::Test {
 protected:
  template <class Replace>
  void run(Replace replace) {
    Pair a = unix_pair();
    Pair b = unix_pair();
    auto first = ByteProbe::reading(loop_, std::move(a.near));
    auto second = ByteProbe::reading(loop_, std::move(b.near));
    const auto take_over = [&](Handle<ByteProbe>& other) {
      if (other == nullptr) return;
      const int number = other->descriptor();
      other.reset();
      replace(number);
    };
    first->on_received = [&](ByteProbe&) { take_over(second); };
    second->on_received = [&](ByteProbe&) { take_over(first); };
    EXPECT_EQ(write_some(a.far, "for a"), 5U);
    EXPECT_EQ(write_some(b.far, "for b"), 5U);
    ASSERT_TRUE(loop_.run_once());
    EXPECT_TRUE((first == nullptr) != (second == nullptr));
    first.reset();
    second.reset();
  }

  const OnRealKernel real_;  // numbers are given again by dup(2)
  EventLoop loop_;
};

// hazard: E1, RE3
TEST_F(StaleEvents, of_a_closed_slot_do_not_reach_the_stream_that_got_its_number) {
  Pair c = unix_pair();
  Handle<ByteProbe> heir;
  run([&](int number) { heir = ByteProbe::reading(loop_, moved_to(number, std::move(c.near))); });

  EXPECT_EQ(loop_.counters().stale_events, 1U);
  EXPECT_EQ(heir->deliveries, 0U);
  EXPECT_EQ(write_some(c.far, "for c"), 5U);
  ASSERT_TRUE(loop_.run_once());
  EXPECT_EQ(heir->text, "for c");
  EXPECT_FALSE(heir->has_ended());
}

// hazard: E1
TEST_F(StaleEvents, of_a_closed_slot_do_not_pass_for_a_connection_made) {
  const ListeningSocket busy(0);
  std::vector<sys::Descriptor> waiting = busy.fill();
  Handle<ConnectProbe> heir;
  run([&](int number) { heir = ConnectProbe::waiting(loop_, moved_to(number, std::move(waiting.back()))); });

  EXPECT_EQ(loop_.counters().stale_events, 1U);
  EXPECT_FALSE(heir->outcome);
}

TEST_F(StaleEvents, of_a_slot_that_was_only_detached_are_dropped_too) {
  Pair a = unix_pair();
  Pair b = unix_pair();
  auto first = ByteProbe::reading(loop_, std::move(a.near));
  auto second = ByteProbe::reading(loop_, std::move(b.near));
  first->on_received = [&](ByteProbe&) { second->close(); };
  second->on_received = [&](ByteProbe&) { first->close(); };
  EXPECT_EQ(write_some(a.far, "x") + write_some(b.far, "x"), 2U);

  ASSERT_TRUE(loop_.run_once());

  EXPECT_EQ(first->deliveries + second->deliveries, 1U);
  EXPECT_EQ(loop_.counters().stale_events, 1U);
}

// hazard: E2
TEST(EpollDescriptors, a_duplicate_that_stays_open_does_not_keep_a_closed_slots_events_coming) {
  const OnRealKernel real;
  EventLoop loop;
  Pair pair = unix_pair();
  const sys::Descriptor duplicate(::fcntl(pair.near.number(), F_DUPFD_CLOEXEC, 0));
  auto probe = ByteProbe::reading(loop, std::move(pair.near));
  run_for(loop, 20ms);
  probe.reset();

  Timer timer(loop, [](Timer&) {});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(write_some(pair.far, "x"), 1U);
    timer.start(1ms);
    ASSERT_TRUE(loop.run());
  }

  EXPECT_EQ(loop.counters().stale_events, 0U);
}

// hazard: RE6, RE7
TEST(EpollDescriptors, two_hundred_thousand_slots_follow_each_other_on_one_descriptor) {
  EventLoop loop;
  Pair pair = unix_pair();
  std::size_t received = 0;
  for (int i = 0; i < 200'000; ++i) {
    auto probe = ByteProbe::unattached(loop);
    ASSERT_TRUE(probe->attach(std::move(pair.near)));
    if (i % 1000 == 0) {
      probe->start();
      ASSERT_EQ(write_some(pair.far, "x"), 1U);
      ASSERT_TRUE(loop.run_once());
      received += probe->text.size();
    }
    pair.near = loop.slots_backend().detach(*probe);
    ASSERT_TRUE(pair.near);
  }

  EXPECT_EQ(received, 200U);
  EXPECT_EQ(*loop.poll(), RunEnd::empty);
}

class EmptySlot final : public Slot {
 public:
  explicit EmptySlot(EventLoop& loop) : Slot(loop) {}
  void destroy() noexcept { release(); }
};

// hazard: RE6
TEST(SlotTable, finds_each_of_more_slots_than_sixteen_bits_can_number_and_none_that_is_gone) {
  EventLoop loop;
  std::vector<Handle<EmptySlot>> slots;
  std::vector<SlotId> ids;
  for (int i = 0; i < 70'000; ++i) {
    slots.emplace_back(new EmptySlot(loop));
    ids.push_back(slots.back()->id());
  }
  for (std::size_t i = 0; i < slots.size(); ++i) ASSERT_EQ(loop.find(ids[i]), slots[i].get());
  for (std::size_t i = 0; i < slots.size(); i += 2) slots[i].reset();
  std::vector<Handle<EmptySlot>> heirs;
  for (std::size_t i = 0; i < slots.size(); i += 2) heirs.emplace_back(new EmptySlot(loop));

  for (std::size_t i = 0; i < slots.size(); ++i) ASSERT_EQ(loop.find(ids[i]), slots[i].get());
  for (const auto& heir : heirs) {
    ASSERT_LT(heir->id().index, 70'000U);
    ASSERT_EQ(loop.find(heir->id()), heir.get());
  }
  EXPECT_EQ(loop.find({.index = 70'000, .generation = 0}), nullptr);
  EXPECT_EQ(loop.find(SlotId{}), nullptr);
}

// hazard: RE9
TEST(SlotTable, goes_on_when_the_generations_of_a_place_wrap_around) {
  EventLoop loop;
  const Handle<EmptySlot> slot(new EmptySlot(loop));
  SlotTable table(~std::uint32_t{0} - 1);

  std::vector<SlotId> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(table.add(*slot));
    EXPECT_EQ(table.find(ids.back()), slot.get());
    table.remove(ids.back());
    for (const SlotId id : ids) EXPECT_EQ(table.find(id), nullptr);
  }

  EXPECT_EQ(ids[2].generation, 0U);
  EXPECT_EQ(ids[3].generation, 1U);
}

TEST(SlotId, survives_packing) {
  const SlotId id{.index = 0x89ABCDEF, .generation = 0x01234567};

  EXPECT_EQ(SlotId::unpacked(id.packed()), id);
}

/// Exits with 0 when a slot on descriptor 0 receives, sends and is closed like any other.
[[noreturn]] void use_descriptor_zero() {
  const OnRealKernel real;
  ::close(0);
  {
    EventLoop loop;  // takes 0 for its own
    const sys::Descriptor elsewhere(::fcntl(0, F_DUPFD_CLOEXEC, 100));
  }
  EventLoop* loop = nullptr;
  {
    const sys::Descriptor holder(::open("/dev/null", O_RDONLY));
    if (holder.number() != 0) std::_Exit(2);
    loop = new EventLoop;
  }
  Pair pair = unix_pair();
  if (pair.near.number() != 0) std::_Exit(3);
  auto probe = ByteProbe::reading(*loop, std::move(pair.near));
  probe->send("from zero");
  (void)write_some(pair.far, "to zero");
  if (!loop->run_until([&] { return !probe->text.empty(); })) std::_Exit(4);
  if (probe->text != "to zero" || read_some(pair.far) != "from zero") std::_Exit(5);
  probe.reset();
  if (::fcntl(0, F_GETFD) != -1) std::_Exit(6);
  if (*loop->poll() != RunEnd::empty) std::_Exit(7);
  delete loop;
  std::_Exit(0);
}

// hazard: RE8
TEST(EpollDescriptorsDeathTest, zero_is_a_descriptor_like_any_other) {
  EXPECT_EXIT(use_descriptor_zero(), testing::ExitedWithCode(0), "");
}

// hazard: E18
TEST(EpollDescriptors, a_registration_that_fails_is_reported_to_that_slot_only_and_closes_the_descriptor) {
  FaultKernel kernel;
  const ScopedKernel installed(kernel);
  EventLoop loop(EventLoop::Options{.backend = BackendChoice::epoll});
  Pair healthy = unix_pair();
  auto bystander = ByteProbe::reading(loop, std::move(healthy.near));
  for (const int error : {ENOSPC, ENOMEM, EEXIST, EPERM}) {
    Pair pair = unix_pair();
    const int number = pair.near.number();
    auto probe = ByteProbe::unattached(loop);
    kernel.set_plan(FaultPlan::nth(1, {.error = error}, {Call::control_epoll}));

    const Result<void> attached = probe->attach(std::move(pair.near));

    ASSERT_FALSE(attached);
    EXPECT_EQ(attached.error(), system_error(error));
    int type = 0;
    EXPECT_EQ(sys::get_option(number, SOL_SOCKET, SO_TYPE, type).error_number(), EBADF);
    EXPECT_FALSE(probe->is_attached());
    Pair other = unix_pair();
    EXPECT_TRUE(probe->attach(std::move(other.near)));  // as before: it can be used
  }
  EXPECT_EQ(write_some(healthy.far, "x"), 1U);
  ASSERT_TRUE(loop.run_until([&] { return bystander->text == "x"; }));
}

// hazard: E12
TEST(EpollDescriptors, each_is_closed_exactly_once_however_often_its_slot_is_closed) {
  FaultKernel kernel;
  const ScopedKernel installed(kernel);
  {
    EventLoop loop;
    const std::uint64_t before = kernel.calls(Call::close);
    Pair pair = unix_pair();
    auto probe = ByteProbe::reading(loop, std::move(pair.near));
    probe->close();
    EXPECT_EQ(kernel.calls(Call::close) - before, 1U);
    Pair innocent = unix_pair();  // takes the number

    probe->close();
    probe.reset();

    EXPECT_EQ(kernel.calls(Call::close) - before, 1U);
    EXPECT_EQ(write_some(innocent.far, "x"), 1U);
    EXPECT_EQ(read_some(innocent.near), "x");
  }
}

TEST(EpollDescriptors, a_failing_close_is_not_tried_again) {
  FaultKernel kernel;
  const ScopedKernel installed(kernel);
  EventLoop loop;
  Pair pair = unix_pair();
  auto probe = ByteProbe::reading(loop, std::move(pair.near));
  const std::uint64_t before = kernel.calls(Call::close);
  kernel.set_plan(FaultPlan::from_nth(1, {.error = EINTR}, {Call::close}));

  probe.reset();

  EXPECT_EQ(kernel.calls(Call::close) - before, 1U);
  kernel.set_plan({});
}

TEST(Slot, released_while_held_is_freed_when_the_last_hold_ends) {
  struct Watched final : Slot {
    Watched(EventLoop& loop, bool& is_gone) : Slot(loop), is_gone_(is_gone) {}
    ~Watched() override { is_gone_ = true; }
    void destroy() noexcept { release(); }
    bool& is_gone_;
  };
  EventLoop loop;
  bool is_gone = false;
  auto* slot = new Watched(loop, is_gone);
  const SlotId id = slot->id();
  {
    const SlotHold outer(*slot);
    {
      const SlotHold inner(*slot);
      slot->destroy();
      EXPECT_TRUE(slot->is_released());
    }
    EXPECT_FALSE(is_gone);
    EXPECT_EQ(loop.find(id), slot);
  }
  EXPECT_TRUE(is_gone);
  EXPECT_EQ(loop.find(id), nullptr);
}

}  // namespace
}  // namespace weir
