// weir: a buffer, libevent's evbuffer, and the text that both should hold.
// SPDX-License-Identifier: MIT
#pragma once

#include <event2/buffer.h>

#include <cstddef>
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

/// The same content three times. What is done to one is done to all.
class Twin final : private BufferObserver {
 public:
  Twin();
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;
  ~Twin();

  /// From now on changes are counted on both sides. Without, the buffer takes its fast paths.
  void follow();

  /// Empty if all three agree; else what is different.
  std::string difference() const;

  Buffer buffer;
  evbuffer* other;
  std::string text;
  unsigned refers_to = 0;  ///< a bit for each twin whose evbuffer this one's shares memory with

 private:
  void changed(Buffer&, const BufferChange& change) noexcept override;
  static void other_changed(evbuffer* other, const evbuffer_cb_info* info, void* twin);

  std::string other_text() const;

  bool is_followed_ = false;
  Deltas told_;
  Deltas other_told_;
};

}  // namespace weir::evbuffer_test
