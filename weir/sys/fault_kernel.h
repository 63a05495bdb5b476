// weir: a kernel that fails on purpose, by a plan.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "weir/sys/kernel.h"

namespace weir::sys {

/// Every call that a plan can reach.
enum class Call : std::uint8_t {
  open_socket,
  bind,
  listen,
  accept,
  connect,
  shutdown,
  local_name,
  peer_name,
  get_option,
  set_option,
  receive,
  send,
  send_pieces,
  read,
  write,
  close,
  unlink,
  describe_file,
  create_event_counter,
  create_epoll,
  control_epoll,
  wait_epoll,
};
inline constexpr std::size_t call_count = static_cast<std::size_t>(Call::wait_epoll) + 1;

std::string_view name_of(Call call);

/// What happens in place of a call, or to it.
struct Fault {
  int error = 0;                    ///< fail with this errno number; 0 lets the call through
  std::size_t at_most = unlimited;  ///< let a transfer move at most this many bytes (a short count)
};

/// One line of a plan: which calls it looks at, when it strikes, and with what.
struct FaultRule {
  std::vector<Call> calls{};  ///< empty: every call
  std::uint64_t from = 1;     ///< the first matching call that is struck, counted from 1
  std::uint64_t to = from;    ///< the last one; `FaultPlan::forever` for all that follow
  double probability = 1.0;   ///< the chance that a call in that range is struck
  Fault fault{};
  std::uint64_t seen = 0;  ///< matching calls so far
};

/// When to fail, and how. The first rule that strikes decides.
///
///     FaultKernel kernel(FaultPlan::nth(3, {.error = ENOBUFS}, {Call::send}));
///     ScopedKernel installed(kernel);
///     … the third send of this thread fails …
class FaultPlan {
 public:
  static constexpr std::uint64_t forever = ~std::uint64_t{0};

  FaultPlan() = default;

  /// Fails the k-th matching call only; k counts from 1.
  static FaultPlan nth(std::uint64_t k, Fault fault, std::initializer_list<Call> calls = {});
  /// Fails the k-th matching call and every later one.
  static FaultPlan from_nth(std::uint64_t k, Fault fault, std::initializer_list<Call> calls = {});
  /// Fails matching calls by chance; the same seed and the same calls give the same faults.
  static FaultPlan random(std::uint64_t seed, double probability, Fault fault, std::initializer_list<Call> calls = {});
  /// Any rules, in order of precedence.
  static FaultPlan script(std::vector<FaultRule> rules, std::uint64_t seed = 1);

  /// Adds the rules of `other` behind those of this plan.
  FaultPlan& operator+=(const FaultPlan& other);

  /// Decides on one call.
  Fault decide(Call call);

 private:
  double draw();

  std::vector<FaultRule> rules_;
  std::uint64_t random_state_ = 1;
};

/// Passes calls to another kernel, unless the plan says otherwise, and keeps count of them.
///
/// An injected EAGAIN or short count is honest: the kernel below still holds data or room, so the next wait reports the
/// descriptor as ready again, as Linux would on a new edge.
/// Threads: one.
class FaultKernel final : public Kernel {
 public:
  /// One decision of the recent past.
  struct TraceEntry {
    Call call;
    int descriptor;
    int error;  ///< what the caller got: an errno number, or 0
    bool injected;
  };

  /// `below` is the kernel that carries out what is let through; it must outlive this one.
  explicit FaultKernel(FaultPlan plan = {}, Kernel* below = nullptr);

  void set_plan(FaultPlan plan) { plan_ = std::move(plan); }

  /// How often `call` was made.
  std::uint64_t calls(Call call) const { return counts_[static_cast<std::size_t>(call)]; }
  /// How many calls of any kind were made.
  std::uint64_t all_calls() const;
  /// How many calls the plan changed.
  std::uint64_t injected() const { return injected_; }

  /// The last decisions (at most 256), oldest first, one line each.
  std::string trace() const;

  CallResult open_socket(int family, int type, int protocol) override;
  CallResult bind(int descriptor, const SocketName& name) override;
  CallResult listen(int descriptor, int backlog) override;
  CallResult accept(int descriptor, SocketName& peer) override;
  CallResult connect(int descriptor, const SocketName& name) override;
  CallResult shutdown(int descriptor, int how) override;
  CallResult local_name(int descriptor, SocketName& name) override;
  CallResult peer_name(int descriptor, SocketName& name) override;
  CallResult get_option(int descriptor, int level, int option, MutableBytes value) override;
  CallResult set_option(int descriptor, int level, int option, Bytes value) override;
  CallResult receive(int descriptor, MutableBytes into) override;
  CallResult send(int descriptor, Bytes from) override;
  CallResult send_pieces(int descriptor, std::span<const iovec> pieces) override;
  CallResult read(int descriptor, MutableBytes into) override;
  CallResult write(int descriptor, Bytes from) override;
  CallResult close(int descriptor) override;
  CallResult unlink(const char* path) override;
  CallResult describe_file(const char* path, FileIdentity& identity) override;
  CallResult create_event_counter() override;
  CallResult create_epoll() override;
  CallResult control_epoll(int epoll, int operation, int descriptor, epoll_event event) override;
  CallResult wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) override;
  TimePoint now() override { return below_->now(); }

 private:
  struct Registration {
    int epoll;
    epoll_event event;
    std::uint32_t owed = 0;  ///< readiness to report again after an injected EAGAIN
  };

  template <class Through>
  CallResult pass(Call call, int descriptor, Through through);
  CallResult record(Call call, int descriptor, CallResult result, bool injected);
  void owe_readiness(Call call, int descriptor);
  std::size_t pay_readiness(int epoll, std::span<epoll_event> events);

  FaultPlan plan_;
  Kernel* below_;
  std::array<std::uint64_t, call_count> counts_{};
  std::uint64_t injected_ = 0;
  std::map<int, Registration> registrations_;
  std::size_t owing_ = 0;
  std::vector<TraceEntry> trace_;
  std::size_t trace_next_ = 0;
};

}  // namespace weir::sys
