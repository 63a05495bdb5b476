// weir: tests of the base layer.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/callback.h"
#include "weir/base/error.h"
#include "weir/base/list.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/base/unique_descriptor.h"

namespace weir {
namespace {

using namespace weir::literals;

TEST(Result, is_true_when_it_holds_a_value) {
  Result<int> good = 7;
  Result<int> bad = errc::eof;

  EXPECT_TRUE(good);
  EXPECT_EQ(*good, 7);
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error(), errc::eof);
}

TEST(Result, of_nothing_succeeds_by_default_and_carries_an_error_otherwise) {
  Result<void> good;
  Result<void> bad = system_error(ECONNRESET);

  EXPECT_TRUE(good);
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error(), std::errc::connection_reset);
}

TEST(Result, moves_a_move_only_value_out) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);

  std::unique_ptr<int> value = *std::move(result);

  EXPECT_EQ(*value, 3);
}

TEST(ResultDeathTest, reading_the_value_of_a_failure_is_a_programmer_error) {
  Result<int> bad = errc::limit;

  EXPECT_DEATH((void)*bad, "result.h");
}

TEST(Error, every_time_limit_equals_the_standard_timed_out) {
  for (const errc code : {errc::connect_timed_out, errc::read_timed_out, errc::write_timed_out, errc::idle_timed_out,
                          errc::deadline_passed}) {
    EXPECT_EQ(make_error_code(code), std::errc::timed_out);
  }
  EXPECT_NE(make_error_code(errc::limit), std::errc::timed_out);
}

TEST(Error, every_code_has_a_message_of_its_own) {
  std::vector<std::string> seen;
  for (int value = 1; value <= static_cast<int>(errc::unavailable); ++value) {
    const std::string message = weir_category().message(value);
    EXPECT_EQ(message.find("unknown"), std::string::npos) << value;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), message), 0) << message;
    seen.push_back(message);
  }
  EXPECT_NE(weir_category().message(4711).find("4711"), std::string::npos);
}

struct CountedMoves {
  int* alive;
  explicit CountedMoves(int& counter) : alive(&counter) { ++*alive; }
  CountedMoves(CountedMoves&& other) noexcept : alive(other.alive) { ++*alive; }
  CountedMoves(const CountedMoves&) = delete;
  ~CountedMoves() { --*alive; }
};

template <std::size_t Padding>
void captured_state_is_destroyed_exactly_once() {
  int alive = 0;
  {
    Callback<int()> callback = [counted = CountedMoves(alive), padding = std::array<char, Padding>{}] {
      return *counted.alive + static_cast<int>(padding.size()) * 0;
    };
    EXPECT_EQ(callback(), 1);
    Callback<int()> moved = std::move(callback);
    EXPECT_FALSE(callback);  // NOLINT(bugprone-use-after-move): a moved-from callback is empty, and that is the claim
    EXPECT_EQ(moved(), 1);
    moved = [] { return 5; };
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(moved(), 5);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Callback, destroys_inline_captures_exactly_once) { captured_state_is_destroyed_exactly_once<1>(); }
TEST(Callback, destroys_large_captures_exactly_once) { captured_state_is_destroyed_exactly_once<100>(); }

TEST(Callback, passes_move_only_arguments_through) {
  Callback<int(std::unique_ptr<int>)> callback = [](std::unique_ptr<int> value) { return *value; };

  EXPECT_EQ(callback(std::make_unique<int>(9)), 9);
}

TEST(Callback, old_captures_may_look_at_the_callback_that_replaced_them) {
  struct Probe {
    Callback<void()>* target;
    bool* saw_new;
    Probe(Callback<void()>* t, bool* s) : target(t), saw_new(s) {}
    Probe(Probe&& other) noexcept : target(std::exchange(other.target, nullptr)), saw_new(other.saw_new) {}
    ~Probe() {
      if (target != nullptr) *saw_new = static_cast<bool>(*target);
    }
  };
  bool saw_new = false;
  Callback<void()> callback;
  callback = [probe = Probe(&callback, &saw_new)] { (void)probe; };

  callback = [] {};

  EXPECT_TRUE(saw_new);
}

TEST(Callback, made_of_an_empty_function_or_a_null_pointer_is_empty) {
  const Callback<int(int)> of_function = std::function<int(int)>();
  const Callback<int(int)> of_pointer = static_cast<int (*)(int)>(nullptr);
  Callback<int(int)> of_full_function = std::function<int(int)>([](int n) { return n + 1; });

  EXPECT_FALSE(of_function);
  EXPECT_FALSE(of_pointer);
  ASSERT_TRUE(of_full_function);
  EXPECT_EQ(of_full_function(1), 2);
}

struct Member : ListHook<> {
  explicit Member(int n) : number(n) {}
  int number;
};

std::vector<int> numbers(List<Member>& list) {
  std::vector<int> result;
  list.for_each([&](Member& member) { result.push_back(member.number); });
  return result;
}

TEST(List, keeps_order_over_push_splice_and_unlink) {
  Member a(1), b(2), c(3), d(4);
  List<Member> first, second;
  first.push_back(a);
  first.push_back(b);
  second.push_back(d);
  second.push_front(c);

  first.splice_back(second);
  EXPECT_EQ(numbers(first), (std::vector{1, 2, 3, 4}));
  EXPECT_TRUE(second.is_empty());

  b.unlink();
  EXPECT_EQ(numbers(first), (std::vector{1, 3, 4}));
  EXPECT_FALSE(b.is_linked());
}

TEST(List, a_destroyed_member_leaves_and_a_destroyed_list_lets_go) {
  Member survivor(1);
  {
    List<Member> list;
    list.push_back(survivor);
    {
      Member passing(2);
      list.push_back(passing);
    }
    EXPECT_EQ(numbers(list), std::vector{1});
  }
  EXPECT_FALSE(survivor.is_linked());
}

TEST(Bytes, integers_are_stored_in_the_order_asked_for) {
  std::array<std::byte, 8> memory{};

  store_big_endian<std::uint32_t>(memory, 0x01020304);
  EXPECT_EQ(memory[0], std::byte{1});
  EXPECT_EQ(load_big_endian<std::uint32_t>(memory), 0x01020304U);
  EXPECT_EQ(load_little_endian<std::uint32_t>(memory), 0x04030201U);

  store_little_endian<std::int64_t>(memory, -2);
  EXPECT_EQ(memory[0], std::byte{0xFE});
  EXPECT_EQ(load_little_endian<std::int64_t>(memory), -2);
}

TEST(BytesDeathTest, a_load_past_the_end_is_a_programmer_error) {
  std::array<std::byte, 3> memory{};

  EXPECT_DEATH((void)load_big_endian<std::uint32_t>(memory), "bytes.h");
}

TEST(Time, adding_a_huge_length_saturates) {
  const TimePoint now{std::chrono::hours(1)};

  EXPECT_EQ(add_saturated(now, Duration::max()), TimePoint::max());
  EXPECT_EQ(add_saturated(now, 5s) - now, 5s);
}

int closes = 0;
int last_closed = -1;
void count_close(int number) {
  ++closes;
  last_closed = number;
}

// hazard: RE8
TEST(UniqueDescriptor, zero_is_a_descriptor_and_is_closed_once) {
  closes = 0;
  {
    UniqueDescriptor<count_close> zero(0);
    UniqueDescriptor<count_close> none;
    EXPECT_TRUE(zero);
    EXPECT_FALSE(none);
    UniqueDescriptor<count_close> moved = std::move(zero);
    EXPECT_TRUE(moved);
  }
  EXPECT_EQ(closes, 1);
  EXPECT_EQ(last_closed, 0);
}

}  // namespace
}  // namespace weir
