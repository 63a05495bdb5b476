// weir: the loop's workloads on the system's calls alone, as plain as can be: the limit.
// SPDX-License-Identifier: MIT
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <vector>

#include "bench/loop/chained_writes.h"
#include "bench/measure/cases.h"

namespace bench {
namespace {

/// L4: epoll(7) with a pointer in each event, up to 512 of them a wait. `flags`: EPOLLET, or 0.
template <std::uint32_t flags>
class EpollPairs {
 public:
  ~EpollPairs() { close(epoll_); }

  void watch(Pair& pair) {
    pairs_.push_back(&pair);
    control(EPOLL_CTL_ADD, pair);
  }
  void renew(std::size_t index) {
    control(EPOLL_CTL_DEL, *pairs_[index]);
    control(EPOLL_CTL_ADD, *pairs_[index]);
  }
  void turn() {
    const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1);
    for (int i = 0; i < count; ++i)
      static_cast<Pair*>(events_[static_cast<std::size_t>(i)].data.ptr)->became_readable();
  }

 private:
  void control(int operation, Pair& pair) {
    epoll_event event{};
    event.events = EPOLLIN | flags;
    event.data.ptr = &pair;
    if (epoll_ctl(epoll_, operation, pair.descriptor(), &event) != 0) std::perror("epoll_ctl");
  }

  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Pair*> pairs_;
  std::array<epoll_event, 512> events_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::string subject = "raw-epoll";
  bench::Cases cases;
  bench::add_chain_cases<bench::EpollPairs<0U>>(cases, "chain", subject);
  bench::add_chain_cases<bench::EpollPairs<EPOLLET>>(cases, "chain-edge", subject);
  bench::add_renewal_cases<bench::EpollPairs<0U>>(cases, subject);
  return cases.run(argc, argv);
}
