// weir: a buffer, libevent's evbuffer, and the text that both should hold.
// SPDX-License-Identifier: MIT
#pragma once

#include <event2/buffer.h>
#include <event2/event.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "tests/buffer_model/rig.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/buffer_observer.h"

namespace weir::evbuffer_test {

/// What was told of changes, in all.
struct Deltas {
  std::size_t added = 0;
  std::size_t removed = 0;

  bool operator==(const Deltas&) const = default;
};

/// What was told last to those who are told once for many changes, and how often in all.
struct Gathered {
  std::size_t times = 0;
  std::size_t original_size = 0;
  Deltas deltas;

  bool operator==(const Gathered&) const = default;
};

/// The same content three times. What is done to one is done to all.
class Twin final : private BufferObserver {
 public:
  Twin();
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;
  ~Twin();

  /// From now on changes are counted on both sides. Without, the buffer takes its fast paths.
  void follow();

  /// The same, but told once for all that happened between two calls of `tell`: by a ChangeScope, and by callbacks that are
  /// deferred to a turn of `loop`, which must outlive this.
  void follow_deferred(event_base* loop);
  void tell();

  /// Empty if all three agree; else what is different.
  std::string difference() const;

  Buffer buffer;
  evbuffer* other;
  std::string text;
  unsigned refers_to = 0;  ///< a bit for each twin whose evbuffer this one's shares memory with

 private:
  void changed(Buffer&, const BufferChange& change) noexcept override;
  static void other_changed(evbuffer* other, const evbuffer_cb_info* info, void* it);

  std::string other_text() const;

  bool is_followed_ = false;
  event_base* loop_ = nullptr;  ///< null: told at once
  std::unique_ptr<ChangeScope> scope_;
  Deltas told_;
  Deltas other_told_;
  Gathered gathered_;
  Gathered other_gathered_;
};

}  // namespace weir::evbuffer_test
