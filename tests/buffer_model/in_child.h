// weir: plays sequences in child processes, so that one that ends the process is found out and made shorter too.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <type_traits>

#include "tests/buffer_model/rig.h"
#include "weir/base/error.h"

namespace weir::buffer_model {

/// An object that is the same in all processes that come from this one.
template <class T>
class Shared {
 public:
  Shared() {
    void* memory = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw_bad_alloc();
    object_ = static_cast<T*>(memory);  // zeros, which is a T
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(object_, sizeof(T)); }

  T& operator*() noexcept { return *object_; }
  T* operator->() noexcept { return object_; }

 private:
  static_assert(std::is_trivially_destructible_v<T>);

  T* object_;
};

/// Runs `call` in a child process, whose exit status is what it returns.
template <class Call>
pid_t start_child(Call call) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(call());
  return child;
}

/// How a child ended; empty: with 0.
std::string wait_for(pid_t child);

/// The shortest sequence found that fails as seed `seed` does, as text with a word on why, even if that ends the process.
std::string report_in_child(const Alphabet& alphabet, std::uint64_t seed, std::size_t length);

/// The same for a sequence. Nothing when it does not fail.
std::string report_in_child(const Alphabet& alphabet, const Sequence& sequence);

}  // namespace weir::buffer_model
