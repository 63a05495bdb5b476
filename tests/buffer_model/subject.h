// weir: a buffer under test, with what it should hold and those who follow it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/buffer_model/content.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/buffer_observer.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/search.h"

namespace weir::buffer_model {

/// What was told of a buffer in all.
struct Totals {
  std::size_t added = 0;
  std::size_t removed = 0;

  bool operator==(const Totals&) const = default;
};

struct Subject;

/// An observer. Some of them append to the buffer when they hear of a change.
class Follower final : public BufferObserver {
 public:
  Follower(Subject& subject, ObserverTiming timing, bool reacts);

  void changed(Buffer& buffer, const BufferChange& change) noexcept override;

  /// Empty if it was told all that it should have been by now.
  std::string trouble() const;

 private:
  Subject& subject_;
  ObserverTiming timing_;
  bool reacts_;
  Totals before_;           ///< what had happened when it began to follow
  Totals told_;             ///< since then
  std::size_t known_size_;  ///< of the buffer, by what it was told
  const char* trouble_ = nullptr;
};

/// What a buffer's operation needs to be allowed.
enum class Need : std::uint8_t { nothing, front, back, both };

struct Subject {
  /// What followers, and memory that comes back, append.
  static constexpr std::string_view reaction = "(reaction)";

  explicit Subject(Pool& pool) : buffer(pool) {}

  bool is_frozen(Need need) const noexcept {
    const bool needs_front = need == Need::front || need == Need::both;
    const bool needs_back = need == Need::back || need == Need::both;
    return (needs_front && buffer.is_front_frozen()) || (needs_back && buffer.is_back_frozen());
  }

  /// Records that so much should have been told by now.
  void changes(std::size_t added, std::size_t removed) noexcept {
    totals.added += added;
    totals.removed += removed;
  }

  /// Appends to the buffer, at most once between two calls of `settle`, in the midst of whatever is being done.
  void react() noexcept;
  /// Takes over into the content what was appended so.
  void settle();
  /// Bytes that wait for `settle`.
  std::size_t unsettled() const noexcept { return has_reacted ? reaction.size() : 0; }

  Buffer buffer;
  Content content;
  SearchPosition position;
  Totals totals;               ///< of what the operations should have told
  Totals totals_before_scope;  ///< as `totals` was when the scope began
  bool has_reacted = false;
  bool scope_counts = false;  ///< there were followers when the scope began
  std::unique_ptr<ChangeScope> scope;
  std::vector<std::unique_ptr<Follower>> followers;
};

}  // namespace weir::buffer_model
