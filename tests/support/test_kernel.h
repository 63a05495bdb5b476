// weir: which kernel a test runs on, and how its peers stay clear of the faults that it injects.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <string_view>
#include <utility>

#include "weir/sys/kernel.h"

namespace weir::testing_support {

/// The kernel of the running test, beneath whatever the test installs to make calls fail. Null is the real one.
inline thread_local sys::Kernel* test_kernel = nullptr;

/// True where sockets and time are simulated: see test_world.h.
inline bool is_simulated() { return test_kernel != nullptr; }

/// True where loops run on poll(2) unless they ask for something else: ctest runs the tests of the layers there too.
inline bool is_on_poll() {
  const char* wanted = std::getenv("WEIR_BACKEND");
  return wanted != nullptr && std::string_view(wanted) == "poll";
}

/// What is called while this lives reaches the test's kernel itself: it does not fail by a plan, and is not counted.
class Undisturbed {
 public:
  Undisturbed() : previous_(std::exchange(sys::installed_kernel, test_kernel)) {}
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;
  ~Undisturbed() { sys::installed_kernel = previous_; }

 private:
  sys::Kernel* previous_;
};

/// Makes the kernel that is installed now that of the test, until the end of the scope.
class AsTestKernel {
 public:
  AsTestKernel() : previous_(std::exchange(test_kernel, sys::installed_kernel)) {}
  AsTestKernel(const AsTestKernel&) = delete;
  AsTestKernel& operator=(const AsTestKernel&) = delete;
  ~AsTestKernel() { test_kernel = previous_; }

 private:
  sys::Kernel* previous_;
};

/// Puts a test on the real kernel: for what only that has, such as signals, limits of the process and other processes.
class OnRealKernel {
 public:
  OnRealKernel() = default;
  OnRealKernel(const OnRealKernel&) = delete;
  OnRealKernel& operator=(const OnRealKernel&) = delete;
  ~OnRealKernel() {
    test_kernel = test_kernel_;
    sys::installed_kernel = installed_;
  }

 private:
  sys::Kernel* test_kernel_ = std::exchange(test_kernel, nullptr);
  sys::Kernel* installed_ = std::exchange(sys::installed_kernel, nullptr);
};

}  // namespace weir::testing_support
