// weir: a reference to a stream, for any thread.
// SPDX-License-Identifier: MIT
#include "weir/stream/stream_ref.h"

#include "weir/stream/stream.h"

namespace weir {

bool StreamRef::post(Callback<void(Stream&)> task) const {
  if (queue_.get() == nullptr) return false;
  return queue_->push([loop = loop_, id = id_, task = std::move(task)]() mutable {
    Slot* slot = loop->find(id);
    if (slot == nullptr || slot->is_released()) return;
    static_cast<Stream*>(slot)->call_for_owner(task);
  });
}

bool StreamRef::write(TransferBuffer bytes) const {
  return post([bytes = std::move(bytes)](Stream& stream) mutable {
    if (stream.write(std::move(bytes).attach()) == Accepted::refused) stream.fail(errc::limit);
  });
}

}  // namespace weir
