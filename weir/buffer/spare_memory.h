// weir: memory for objects of one type that each thread keeps for its next use; internal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace weir {

/// `operator new` and `delete` for a small object that comes and goes with nearly every operation. A thread keeps the
/// memory of at most `Most` objects, and gives it back when it ends; none in sanitizer builds.
template <class T, std::size_t Most>
class SpareMemory {
 public:
  /// Null when there is no memory.
  static void* take() noexcept {
    Spare* spare = state_.first;
    if (spare == nullptr) return ::operator new (sizeof(T), std::align_val_t{alignof(T)}, std::nothrow);
    state_.first = spare->next;
    --state_.count;
    return spare;
  }

  static void give(void* memory) noexcept {
    if (state_.count == state_.most) [[unlikely]] {
      if (!may_grow()) return free(memory);
    }
    state_.first = ::new (memory) Spare{state_.first};
    ++state_.count;
  }

 private:
#ifdef WEIR_SANITIZED
  static constexpr std::size_t most_kept = 0;
#else
  static constexpr std::size_t most_kept = Most;
#endif

  struct Spare {
    Spare* next;
  };

  struct State {
    Spare* first = nullptr;
    std::size_t count = 0;
    std::size_t most = 0;  ///< most_kept, from the first use to the thread's end
    bool has_ended = false;
  };

  struct End {
    End() noexcept { state_.most = most_kept; }
    ~End() {
      state_.most = 0;
      state_.has_ended = true;
      while (state_.first != nullptr) free(std::exchange(state_.first, state_.first->next));
      state_.count = 0;
    }
  };

  static void free(void* memory) noexcept { ::operator delete (memory, std::align_val_t{alignof(T)}); }

  static bool may_grow() noexcept {
    if (state_.most != 0 || state_.has_ended) return false;
    static thread_local End end;
    return state_.count < state_.most;
  }

  [[gnu::tls_model("initial-exec")]] static inline constinit thread_local State state_{};
};

}  // namespace weir
