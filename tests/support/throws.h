// weir: whether a call throws, for tests that also pass where nothing can be thrown.
// SPDX-License-Identifier: MIT
#pragma once

namespace weir::testing_support {

using CallRunner = void (*)(void* call);
bool throws_bad_alloc(CallRunner run, void* call);
bool throws_system_error(CallRunner run, void* call);
bool throws_something(CallRunner run, void* call);

/// Runs `call`; true if it throws std::bad_alloc. Takes the place of EXPECT_THROW, of `try` and of `catch`, none of which
/// compiles without exceptions:
///
///     EXPECT_TRUE(throws_bad_alloc([&] { buffer.append("y"); }));
///     EXPECT_EQ(buffer, "x");
///
///     const AllocationPlan failing(k, true);
///     if (throws_bad_alloc([&] { piece = cursor.read_buffer(3000); })) ++failed;
///
/// Allocates nothing itself. In a build without exceptions a throw ends the process, so there `call` first runs in a child
/// process: if a throw ends that, the answer is true and nothing has happened here, as if `call` had undone all it did;
/// otherwise `call` runs here too. So it must not reach beyond the process (a socket of the real kernel, a file), and what
/// it checks itself does not show where it throws: check after it.
template <class Call>
bool throws_bad_alloc(Call call) {
  return throws_bad_alloc([](void* it) { (*static_cast<Call*>(it))(); }, &call);
}

/// The same for std::system_error.
template <class Call>
bool throws_system_error(Call call) {
  return throws_system_error([](void* it) { (*static_cast<Call*>(it))(); }, &call);
}

/// False in a build without exceptions. What comes after a throw out of a callback cannot be tested there:
///
///     if (!can_throw()) GTEST_SKIP() << "needs exceptions";
///     loop.post([] { throw_something(); });
///     EXPECT_TRUE(throws_something([&] { (void)loop.run(); }));
///
/// A file that tests nothing else stands under THROWING_TESTS in its CMakeLists.txt, and may throw and catch as it likes.
bool can_throw() noexcept;

/// Throws what `throws_something` recognises, a std::exception. Requires `can_throw()`.
[[noreturn]] void throw_something();

/// Runs `call`; true if it throws what `throw_something` did.
template <class Call>
bool throws_something(Call call) {
  return throws_something([](void* it) { (*static_cast<Call*>(it))(); }, &call);
}

}  // namespace weir::testing_support
