// weir: a move-only callable that does not allocate for captures of up to 32 bytes.
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "weir/base/expects.h"

namespace weir {

template <class Signature>
class Callback;

/// Holds any callable, by value; what it captures may be move-only.
///
///     Callback<void(int)> on_number = [sum = std::make_unique<int>(0)](int n) { *sum += n; };
///     if (on_number) on_number(4);
///
/// Invariant: captures of at most 32 bytes that move without throwing are stored inside; larger ones are allocated once.
/// Lifetime:  the callable must not be destroyed or replaced while it runs; who stores callbacks sees to that.
/// Errors:    calling an empty one is a programmer error.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  Callback() noexcept {}  // not defaulted: `Callback()` would first clear the storage
  Callback(std::nullptr_t) noexcept {}

  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Callback> &&
             std::is_invocable_r_v<R, std::remove_cvref_t<F>&, Args...>)
  Callback(F&& callable) {
    using Stored = std::remove_cvref_t<F>;
    if constexpr (std::is_constructible_v<Stored, std::nullptr_t> && requires { callable == nullptr; }) {
      if (callable == nullptr) return;  // an empty std::function, a null pointer: empty here too
    }
    if constexpr (is_inline<Stored>) {
      ::new (static_cast<void*>(storage_)) Stored(std::forward<F>(callable));
    } else {
      ::new (static_cast<void*>(storage_)) Stored*(new Stored(std::forward<F>(callable)));
    }
    table_ = &table_for<Stored>;
  }

  Callback(Callback&& other) noexcept { take(other); }

  Callback& operator=(Callback&& other) noexcept {
    if (this != &other) {
      Callback old(std::move(*this));  // destroyed last: what it captured may look at this callback
      take(other);
    }
    return *this;
  }

  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

  ~Callback() {
    if (table_ != nullptr && table_->destroy != nullptr) table_->destroy(storage_);
  }

  explicit operator bool() const noexcept { return table_ != nullptr; }

  R operator()(Args... args) {
    expects(table_ != nullptr);
    return table_->call(storage_, std::forward<Args>(args)...);
  }

 private:
  static constexpr std::size_t inline_bytes = 32;

  template <class Stored>
  static constexpr bool is_inline = sizeof(Stored) <= inline_bytes &&
                                    alignof(Stored) <= alignof(void*) && std::is_nothrow_move_constructible_v<Stored>;

  template <class Stored>
  static constexpr bool moves_as_bytes = !is_inline<Stored> || std::is_trivially_copyable_v<Stored>;

  struct Table {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;  ///< null: the bytes are copied, and nothing of them is destroyed
    void (*destroy)(void*) noexcept;              ///< null: nothing is to be done
  };

  template <class Stored>
  static Stored& stored(void* storage) {
    if constexpr (is_inline<Stored>) {
      return *std::launder(static_cast<Stored*>(storage));
    } else {
      return **std::launder(static_cast<Stored**>(storage));
    }
  }

  template <class Stored>
  static constexpr auto mover() {
    using Mover = void (*)(void*, void*) noexcept;
    if constexpr (moves_as_bytes<Stored>) {
      return Mover(nullptr);
    } else {
      return Mover([](void* from, void* to) noexcept {
        ::new (to) Stored(std::move(stored<Stored>(from)));
        std::destroy_at(&stored<Stored>(from));
      });
    }
  }

  template <class Stored>
  static constexpr auto destroyer() {
    using Destroyer = void (*)(void*) noexcept;
    if constexpr (!is_inline<Stored>) {
      return Destroyer([](void* storage) noexcept { delete &stored<Stored>(storage); });
    } else if constexpr (std::is_trivially_destructible_v<Stored>) {
      return Destroyer(nullptr);
    } else {
      return Destroyer([](void* storage) noexcept { std::destroy_at(&stored<Stored>(storage)); });
    }
  }

  template <class Stored>
  static constexpr Table table_for = {
      [](void* storage, Args&&... args) -> R {
        if constexpr (std::is_void_v<R>) {
          std::invoke(stored<Stored>(storage), std::forward<Args>(args)...);
        } else {
          return std::invoke(stored<Stored>(storage), std::forward<Args>(args)...);
        }
      },
      mover<Stored>(),
      destroyer<Stored>(),
  };

  void take(Callback& other) noexcept {
    table_ = std::exchange(other.table_, nullptr);
    if (table_ == nullptr) return;
    if (table_->move == nullptr) {
      std::memcpy(storage_, other.storage_, inline_bytes);
    } else {
      table_->move(other.storage_, storage_);
    }
  }

  alignas(void*) std::byte storage_[inline_bytes]{};  // all of it is copied, whatever is stored
  const Table* table_ = nullptr;
};

}  // namespace weir
