// weir: L4: bytes that wander along many pairs of sockets of which few are active at a time.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/measure/cases.h"

namespace bench {

/// How far a round has come.
struct Progress {
  std::size_t to_write = 0;  ///< bytes that are still to be passed on
  std::size_t received = 0;
};

/// One pair of sockets: what is sent to it can be received from `descriptor`, and is passed on to the next pair.
class Pair {
 public:
  explicit Pair(Progress& progress) : progress_(progress) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
      std::perror("socketpair");
      std::exit(1);
    }
    descriptor_ = ends[0];
    writer_ = ends[1];
  }
  Pair(Pair&& other) noexcept = delete;
  ~Pair() {
    close(descriptor_);
    close(writer_);
  }

  int descriptor() const noexcept { return descriptor_; }
  void set_next(Pair& next) noexcept { next_ = &next; }
  void send_byte() noexcept {
    if (send(writer_, "e", 1, 0) != 1) std::perror("send");
  }

  /// What a program does when its loop tells that the descriptor is readable. It asks for more than the byte that is there,
  /// so that a short answer says that nothing is left, as one that is told once only has to know.
  void became_readable() noexcept {
    char bytes[64];
    const ssize_t count = recv(descriptor_, bytes, sizeof bytes, 0);
    for (ssize_t i = 0; i < count; ++i) {
      ++progress_.received;
      if (progress_.to_write == 0) continue;
      --progress_.to_write;
      next_->send_byte();
    }
  }

 private:
  Progress& progress_;
  Pair* next_ = nullptr;
  int descriptor_ = -1;
  int writer_ = -1;
};

/// `count` pairs in a ring, `active` of which get a byte; a thousand times one is passed on, then they run out. All pairs are
/// watched for all the time.
///
/// A Subject is made of nothing, then told `watch(Pair&)` once for each pair, in order; `turn()` makes one turn of its loop,
/// which calls `became_readable` of all that are; `renew(index)` ends the watching of a pair and begins it again.
template <class Subject>
class ChainedWrites final : public Workload {
 public:
  static constexpr std::size_t passed_on = 1000;

  ChainedWrites(std::size_t count, std::size_t active) : step_(count / active) {
    for (std::size_t i = 0; i < count; ++i) pairs_.push_back(std::make_unique<Pair>(progress_));
    for (std::size_t i = 0; i < count; ++i) pairs_[i]->set_next(*pairs_[(i + 1) % count]);
    for (const auto& pair : pairs_) subject_.watch(*pair);
  }

  static std::size_t operations(std::size_t active) { return passed_on + active; }

  void run(std::size_t rounds) override {
    const std::size_t active = pairs_.size() / step_;
    for (std::size_t round = 0; round < rounds; ++round) {
      progress_ = {.to_write = passed_on};
      for (std::size_t i = 0; i < active; ++i) pairs_[i * step_]->send_byte();
      while (progress_.received < operations(active)) subject_.turn();
    }
  }

 private:
  Progress progress_;
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::size_t step_;
  Subject subject_;  // goes first: it watches the pairs
};

/// All pairs are no more watched, and watched again, one after the other; then a turn.
template <class Subject>
class RenewedWatches final : public Workload {
 public:
  explicit RenewedWatches(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) pairs_.push_back(std::make_unique<Pair>(progress_));
    for (const auto& pair : pairs_) subject_.watch(*pair);
    pairs_[0]->set_next(*pairs_[0]);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < pairs_.size(); ++i) subject_.renew(i);
      pairs_[0]->send_byte();  // so that the turn, in which some libraries do what they put off, does not wait
      subject_.turn();
    }
  }

 private:
  Progress progress_;
  std::vector<std::unique_ptr<Pair>> pairs_;
  Subject subject_;
};

template <class Subject>
void add_chain_cases(Cases& cases, const std::string& name, const std::string& subject) {
  for (const std::size_t active : {1, 100, 1000}) {
    cases.add<ChainedWrites<Subject>>("L4", name + "/1000/active=" + std::to_string(active), subject,
                                      ChainedWrites<Subject>::operations(active), std::size_t{1000}, active);
  }
}

template <class Subject>
void add_renewal_cases(Cases& cases, const std::string& subject) {
  cases.add<RenewedWatches<Subject>>("L4", "renew/1000", subject, 1000, std::size_t{1000});
}

}  // namespace bench
