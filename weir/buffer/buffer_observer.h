// weir: told of what is added to a buffer and removed from it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/base/export.h"

namespace weir {

class Buffer;

/// What happened to a buffer since its observer was last told. Afterwards it had `original_size + added - removed` bytes,
/// as it has now unless another observer, told before, has changed it again.
struct BufferChange {
  std::size_t original_size = 0;  ///< bytes
  std::size_t added = 0;          ///< bytes put in, at either end
  std::size_t removed = 0;        ///< bytes taken out, at either end

  bool is_empty() const noexcept { return added == 0 && removed == 0; }

  /// Counts what happened next.
  void add(const BufferChange& next) noexcept {
    if (is_empty()) original_size = next.original_size;
    added += next.added;
    removed += next.removed;
  }
};

/// When an observer is told.
enum class ObserverTiming : std::uint8_t {
  immediate,     ///< at the end of every operation that adds or removes bytes
  at_scope_end,  ///< when the outermost ChangeScope ends, once for all that happened in it; without one, as `immediate`
};

/// A link in a buffer's list of those who follow it. Internal.
class WEIR_API BufferWatcher {
 public:
  BufferWatcher(const BufferWatcher&) = delete;
  BufferWatcher& operator=(const BufferWatcher&) = delete;

 protected:
  enum class Role : std::uint8_t { immediate, at_scope_end, scope, delivery };

  explicit BufferWatcher(Role role) noexcept : role_(role) {}
  ~BufferWatcher() {
    if (buffer_ != nullptr) detach();
  }

  void attach(Buffer& buffer) noexcept;
  void detach() noexcept;

  Buffer* buffer_ = nullptr;  ///< null when it follows none, or that one is gone

 private:
  friend class Buffer;
  friend class BufferDelivery;

  BufferWatcher* next_ = nullptr;
  Role role_;
};

/// Follows one buffer.
///
///     struct Meter final : weir::BufferObserver {
///       void changed(weir::Buffer&, const weir::BufferChange& change) noexcept override { total += change.added; }
///       std::size_t total = 0;
///     };
///     buffer.add_observer(meter);
///
/// The buffer is in order when it is told, and may be used, changed or destroyed; so may any observer. What observers do to
/// the buffer while it tells is told as one change when all have heard of the first, so each hears of every byte once, in
/// the same order. One that joins while others are told, or within a scope, may first hear of a change that began before:
/// `original_size` tells. No order among observers is promised.
///
/// Cost:      while a buffer has observers, each operation takes its slow path; without, they cost nothing.
/// Lifetime:  an observer that is destroyed leaves its buffer; a buffer that is destroyed leaves its observers, without a
///            word. Moving a buffer's content leaves the observers where they are: both buffers tell.
/// Threads:   the buffer's.
class WEIR_API BufferObserver : private BufferWatcher {
 public:
  /// The buffer has changed. `change` is never empty.
  virtual void changed(Buffer& buffer, const BufferChange& change) noexcept = 0;

  /// True while it follows a buffer.
  bool is_observing() const noexcept { return buffer_ != nullptr; }

 protected:
  BufferObserver() noexcept : BufferWatcher(Role::immediate) {}
  ~BufferObserver() = default;

 private:
  friend class Buffer;
  friend class BufferDelivery;
};

/// Gathers the changes of a buffer for the observers that are told at the scope's end. Scopes may nest; the outermost
/// counts. On a buffer without observers it does nothing.
///
///     weir::ChangeScope scope(buffer);
///     parse(buffer);                       // many small steps, told once
class WEIR_API ChangeScope : private BufferWatcher {
 public:
  explicit ChangeScope(Buffer& buffer) noexcept;
  ~ChangeScope();

 private:
  friend class BufferDelivery;

  BufferChange gathered_;
};

}  // namespace weir
