// weir: a schedule of troubles for a simulated network: how it is drawn.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cerrno>

#include "weir/sim/schedule.h"

namespace weir::sim {
namespace {

using namespace weir::literals;
using Kind = Mishap::Kind;

/// Sorts of trouble, each of which a run has or has not.
enum class Sort : std::uint8_t {
  partition,
  one_way_partition,
  reset,
  slow_link,
  lossy_link,
  small_chunks,
  few_descriptors,
  pause,
  failing_calls,
  short_counts,
};
constexpr std::size_t sort_count = static_cast<std::size_t>(Sort::short_counts) + 1;

/// Calls that fail while programs run, those that are made most more often. Left out are those that only make loops, for
/// without a loop nothing runs; and setting options: a reset that cannot be asked for looks like an end.
constexpr std::array failing = {Call::receive,    Call::receive,     Call::receive,       Call::send,
                                Call::send,       Call::send_pieces, Call::accept,        Call::accept,
                                Call::connect,    Call::open_socket, Call::shutdown,      Call::close,
                                Call::local_name, Call::get_option,  Call::control_epoll, Call::wait_epoll};
constexpr std::array transfers = {Call::receive, Call::send, Call::send_pieces};

/// Of any size between the two, small ones as likely as large ones.
std::uint64_t of_any_size(Random& random, std::uint64_t least, std::uint64_t most) {
  std::uint64_t limit = std::max<std::uint64_t>(least, 1);
  int doublings = 0;
  while (limit < most) {
    limit *= 2;
    ++doublings;
  }
  const std::uint64_t top = std::max<std::uint64_t>(least, 1)
                            << random.below(static_cast<std::uint64_t>(doublings) + 1);
  return random.between(least, std::clamp(top, least, most));
}

std::chrono::milliseconds milliseconds(Random& random, std::uint64_t least, std::uint64_t most) {
  return std::chrono::milliseconds(of_any_size(random, least, most));
}

/// A chance in whole thousandths.
double chance(Random& random, std::uint64_t least, std::uint64_t most) {
  return static_cast<double>(of_any_size(random, least, most)) / 1000.0;
}

Link slow_link(Random& random) {
  Link link;
  link.latency = milliseconds(random, 1, 500);
  if (random.chance(0.5)) link.jitter = milliseconds(random, 1, 200);
  if (random.chance(0.5)) link.bytes_per_second = of_any_size(random, 20'000, 10'000'000);
  return link;
}

Link small_chunks(Random& random) {
  Link link;
  link.chunk = of_any_size(random, 500, 16'384);
  link.has_random_chunks = random.chance(0.5);
  return link;
}

FaultRule failing_calls(Random& random) {
  const Call call = failing[random.below(failing.size())];
  const std::span<const int> errors = errors_of(call);
  return {.calls = {call},
          .to = FaultPlan::forever,
          .probability = chance(random, 5, 500),
          .fault = {.error = errors[random.below(errors.size())]}};
}

FaultRule short_counts(Random& random) {
  return {.calls = {transfers[random.below(transfers.size())]},
          .to = FaultPlan::forever,
          .probability = chance(random, 10, 900),
          .fault = {.at_most = of_any_size(random, 1, 4096)}};
}

Mishap one(Sort sort, Random& random, const DrawOptions& options) {
  const std::vector<std::string>& hosts = options.hosts;
  Mishap mishap;
  const auto whole = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(options.chaos).count());
  const auto least = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(options.shortest).count());
  const std::chrono::milliseconds length = milliseconds(random, least, std::max(least, whole));
  mishap.length = length;
  mishap.begin =
      std::chrono::milliseconds(random.between(0, whole - std::min(whole, static_cast<std::uint64_t>(length.count()))));
  const std::uint64_t first = random.below(hosts.size());
  mishap.host = hosts[first];
  if (sort <= Sort::small_chunks && hosts.size() > 1) {
    mishap.other = hosts[(first + 1 + random.below(hosts.size() - 1)) % hosts.size()];
  }
  switch (sort) {
    case Sort::partition: mishap.kind = Kind::partition; break;
    case Sort::one_way_partition: mishap.kind = Kind::one_way_partition; break;
    case Sort::reset:
      mishap.kind = Kind::reset;
      mishap.length = {};
      break;
    case Sort::slow_link:
      mishap.kind = Kind::bad_link;
      mishap.link = slow_link(random);
      break;
    case Sort::lossy_link:
      mishap.kind = Kind::bad_link;
      mishap.link.loss = chance(random, 1, 500);
      break;
    case Sort::small_chunks:
      mishap.kind = Kind::bad_link;
      mishap.link = small_chunks(random);
      break;
    case Sort::few_descriptors:
      mishap.kind = Kind::few_descriptors;
      mishap.limit = of_any_size(random, 5, 20);
      break;
    case Sort::pause: mishap.kind = Kind::pause; break;
    case Sort::failing_calls:
      mishap.kind = Kind::failing_calls;
      mishap.rule = failing_calls(random);
      break;
    case Sort::short_counts:
      mishap.kind = Kind::failing_calls;
      mishap.rule = short_counts(random);
      break;
  }
  return mishap;
}

}  // namespace

Schedule Schedule::draw(Random& random, const DrawOptions& options) {
  expects(!options.hosts.empty());
  if (random.below(8) == 0) return {};
  std::vector<Sort> sorts;  // each as often as it is likely
  for (std::size_t sort = 0; sort < sort_count; ++sort) {
    if (random.chance(0.5)) sorts.insert(sorts.end(), random.between(1, 3), static_cast<Sort>(sort));
  }
  if (sorts.empty()) return {};
  std::vector<Mishap> mishaps;
  for (std::uint64_t left = of_any_size(random, 1, options.most); left > 0; --left) {
    mishaps.push_back(one(sorts[random.below(sorts.size())], random, options));
  }
  std::stable_sort(mishaps.begin(), mishaps.end(),
                   [](const Mishap& left, const Mishap& right) { return left.begin < right.begin; });
  return Schedule(std::move(mishaps));
}

std::span<const int> errors_of(Call call) {
  static constexpr std::array opening = {EMFILE, ENFILE, ENOMEM};
  static constexpr std::array binding = {EADDRINUSE, EACCES};
  static constexpr std::array listening = {EADDRINUSE};
  static constexpr std::array accepting = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED,
                                           EPROTO, EPERM,  EINTR,   EAGAIN, EBADF};
  static constexpr std::array connecting = {ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH, EAGAIN, ETIMEDOUT};
  static constexpr std::array shutting = {ENOTCONN, ENOBUFS};
  static constexpr std::array asking = {ENOBUFS, EINVAL};
  static constexpr std::array receiving = {EAGAIN, EINTR, ECONNRESET, ETIMEDOUT, ENOMEM};
  static constexpr std::array sending = {EAGAIN, EINTR, EPIPE, ECONNRESET, ENOBUFS};
  static constexpr std::array passing = {EAGAIN, EINTR, EPIPE, ECONNRESET, ENOBUFS, ETOOMANYREFS};
  static constexpr std::array waking = {EAGAIN, EINTR};
  static constexpr std::array closing = {EINTR, EIO};
  static constexpr std::array finding = {ENOENT, EACCES};
  static constexpr std::array controlling = {ENOMEM, ENOSPC, EEXIST, ENOENT, EPERM};
  static constexpr std::array waiting = {EINTR, EINVAL};
  switch (call) {
    case Call::open_socket:
    case Call::create_socket_pair:
    case Call::create_pipe:
    case Call::open_file:
    case Call::create_event_counter:
    case Call::create_epoll: return opening;
    case Call::bind: return binding;
    case Call::listen: return listening;
    case Call::accept: return accepting;
    case Call::connect: return connecting;
    case Call::shutdown: return shutting;
    case Call::local_name:
    case Call::peer_name:
    case Call::get_option:
    case Call::set_option: return asking;
    case Call::receive:
    case Call::receive_from:
    case Call::receive_with_descriptors:
    case Call::fill_pipe:
    case Call::read_at:
    case Call::read_pieces_at: return receiving;
    case Call::send:
    case Call::send_pieces:
    case Call::send_to:
    case Call::send_file:
    case Call::drain_pipe:
    case Call::write_pieces_at: return sending;
    case Call::send_with_descriptors: return passing;
    case Call::read:
    case Call::write:
    case Call::read_pieces:
    case Call::write_pieces: return waking;
    case Call::close: return closing;
    case Call::file_size:
    case Call::file_kind:
    case Call::status_flags:
    case Call::set_status_flags:
    case Call::set_pipe_size:
    case Call::unlink:
    case Call::describe_file: return finding;
    case Call::control_epoll: return controlling;
    case Call::wait_epoll:
    case Call::poll: return waiting;
  }
  return {};
}

}  // namespace weir::sim
