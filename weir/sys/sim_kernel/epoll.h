// weir: epoll(7) of the simulated kernel.
// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <span>
#include <utility>

#include "weir/sys/sim_kernel/file.h"

namespace weir::sys {

/// An interest list and a ready list, worked as Linux works them (fs/eventpoll.c): a wake-up that concerns an entry puts it
/// on the ready list; only the wait looks at what is really ready; a level-triggered entry that was reported goes back to
/// the end of the list, an edge-triggered one leaves it until the next wake-up.
class Epoll final : public File {
 public:
  Epoll() noexcept { set_changeable_flags(0); }  // the one descriptor that is not made non-blocking
  ~Epoll() override;

  /// epoll_ctl(2), with descriptor and file already looked up.
  CallResult control(int operation, int descriptor, File& file, epoll_event event);
  /// Fills `events` with what is ready; the number of them.
  std::size_t collect(std::span<epoll_event> events);
  /// True when `collect` would find something.
  bool has_ready();

  std::uint32_t readiness() override { return has_ready() ? readable : 0; }
  CallResult read(MutableBytes) override { return CallResult::failure(EINVAL); }
  CallResult write(Bytes) override { return CallResult::failure(EINVAL); }
  Epoll* as_epoll() override { return this; }

 private:
  friend class File;

  void file_woke(EpollItem& item, std::uint32_t events);
  void file_gone(EpollItem& item);
  void check(EpollItem& item);
  /// True when this epoll watches `other`, itself or through others.
  bool watches(const Epoll& other) const;

  std::map<std::pair<int, const File*>, std::unique_ptr<EpollItem>>
      items_;  // the number alone may be a later file's too
  List<EpollItem, ReadyItemTag> ready_;
};

}  // namespace weir::sys
