// weir: epoll(7) of the simulated kernel.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/epoll.h"

namespace weir::sys {
namespace {

/// What stays of an interest that was used up (EPOLLONESHOT): nothing that could be reported.
constexpr std::uint32_t modes = EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE | EPOLLWAKEUP;
constexpr std::uint32_t always = EPOLLERR | EPOLLHUP;

}  // namespace

File::~File() {
  watchers_.for_each([](EpollItem& item) { item.epoll.file_gone(item); });
}

void File::wake(std::uint32_t events) {
  watchers_.for_each([events](EpollItem& item) { item.epoll.file_woke(item, events); });
}

Epoll::~Epoll() = default;

CallResult Epoll::control(int operation, int descriptor, File& file, epoll_event event) {
  if (&file == this) return CallResult::failure(EINVAL);
  const auto found = items_.find({descriptor, &file});
  switch (operation) {
    case EPOLL_CTL_ADD: {
      if (found != items_.end()) return CallResult::failure(EEXIST);
      if (file.as_epoll() != nullptr && file.as_epoll()->watches(*this)) return CallResult::failure(ELOOP);
      event.events |= always;
      auto item = std::make_unique<EpollItem>(*this, file, descriptor, event);
      file.watchers_.push_front(*item);  // the latest to come is the first to be woken
      check(*item);
      items_.emplace(std::pair(descriptor, &file), std::move(item));
      return CallResult::success();
    }
    case EPOLL_CTL_MOD:
      if (found == items_.end()) return CallResult::failure(ENOENT);
      event.events |= always;
      found->second->event = event;
      check(*found->second);
      return CallResult::success();
    case EPOLL_CTL_DEL:
      if (found == items_.end()) return CallResult::failure(ENOENT);
      items_.erase(found);
      return CallResult::success();
    default: return CallResult::failure(EINVAL);
  }
}

/// An entry that is added or changed is reported if it is ready already.
void Epoll::check(EpollItem& item) {
  if ((item.file.readiness() & item.event.events) != 0) file_woke(item, File::anything);
}

bool Epoll::watches(const Epoll& other) const {
  for (const auto& [key, item] : items_) {
    Epoll* watched = item->file.as_epoll();
    if (watched != nullptr && (watched == &other || watched->watches(other))) return true;
  }
  return false;
}

void Epoll::file_woke(EpollItem& item, std::uint32_t events) {
  if ((item.event.events & ~modes) == 0) return;
  if (events != File::anything && (events & item.event.events) == 0) return;
  if (!item.ListHook<ReadyItemTag>::is_linked()) ready_.push_back(item);
  wake(readable);
}

void Epoll::file_gone(EpollItem& item) { items_.erase({item.descriptor, &item.file}); }

std::size_t Epoll::collect(std::span<epoll_event> events) {
  List<EpollItem, ReadyItemTag> candidates;
  candidates.splice_back(ready_);
  std::size_t count = 0;
  while (count < events.size()) {
    EpollItem* item = candidates.pop_front();
    if (item == nullptr) break;
    const std::uint32_t ready = item->file.readiness() & item->event.events;
    if (ready == 0) continue;
    events[count] = item->event;
    events[count++].events = ready;
    if ((item->event.events & EPOLLONESHOT) != 0) {
      item->event.events &= modes;
    } else if ((item->event.events & EPOLLET) == 0) {
      ready_.push_back(*item);
    }
  }
  candidates.splice_back(ready_);  // what did not fit comes first the next time
  ready_.splice_back(candidates);
  return count;
}

bool Epoll::has_ready() {
  while (EpollItem* item = ready_.front()) {
    if ((item->file.readiness() & item->event.events) != 0) return true;
    item->ListHook<ReadyItemTag>::unlink();
  }
  return false;
}

}  // namespace weir::sys
