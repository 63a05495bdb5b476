// weir: a plan of which system calls fail, when and how.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/export.h"

namespace weir::sys {

/// Every call that a plan can reach.
enum class Call : std::uint8_t {
  open_socket,
  create_socket_pair,
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
  send_to,
  receive_from,
  send_with_descriptors,
  receive_with_descriptors,
  read,
  write,
  read_pieces,
  write_pieces,
  close,
  unlink,
  describe_file,
  open_file,
  file_size,
  file_kind,
  status_flags,
  set_status_flags,
  read_at,
  read_pieces_at,
  write_pieces_at,
  send_file,
  fill_pipe,
  drain_pipe,
  set_pipe_size,
  create_pipe,
  create_event_counter,
  create_epoll,
  control_epoll,
  wait_epoll,
  poll,
};
inline constexpr std::size_t call_count = static_cast<std::size_t>(Call::poll) + 1;

WEIR_API std::string_view name_of(Call call);

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
///     FaultPlan::nth(3, {.error = ENOBUFS}, {Call::send})     // the third send fails
class WEIR_API FaultPlan {
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

}  // namespace weir::sys
