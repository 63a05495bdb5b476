// weir: a simulated host, with the loops that run on it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "weir/base/export.h"
#include "weir/buffer/pool.h"
#include "weir/loop/event_loop.h"
#include "weir/net/address.h"
#include "weir/sys/fault_plan.h"

namespace weir::sim {

class World;

struct HostOptions {
  std::size_t descriptor_limit = 20'000;        ///< one more descriptor is refused with EMFILE
  std::size_t pool_budget = 256 * 1024 * 1024;  ///< bytes of buffers that all loops of the host may hold together
  std::size_t send_buffer = 256 * 1024;         ///< of each socket, unless it sets its own (SO_SNDBUF)
  std::size_t receive_buffer = 128 * 1024;      ///< of each socket; a TCP peer may fill half of it (SO_RCVBUF)
  std::size_t largest_buffer = 212'992;         ///< of those that sockets set (net.core.rmem_max, wmem_max)
  std::uint16_t first_ephemeral_port = 32'768;  ///< what outgoing connections and port 0 are given …
  std::uint16_t last_ephemeral_port = 60'999;   ///< … to this one, included
};

/// One machine of a World: addresses, descriptors, ports, files, a buffer pool, and loops.
///
///     weir::sim::Host& server = world.add_host("server");
///     auto listening = server.run([&] { return weir::Server::listen(server.loop(), {.address = "0.0.0.0:7777"}); });
///
/// Whatever opens a socket does it on the host whose `run` is on the stack; callbacks of a host's loops run on that host by
/// themselves. What is open stays its host's, from wherever it is used.
///
/// Lifetime: the World's. Streams, servers and timers must be destroyed before it, as before any loop.
/// Threads:  the World's one. A program with several threads has a loop for each: `add_loop`.
class WEIR_API Host {
 public:
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host();

  const std::string& name() const noexcept;
  /// Its address as other hosts see it: 10.0.0.1 and up in the order of creation. On itself it is also 127.0.0.1.
  Address address(std::uint16_t port) const;
  /// fd00::1 and up; on itself also ::1.
  Address address_v6(std::uint16_t port) const;

  /// The host's first loop, made when first asked for. The World runs it, whenever it runs; once `stop()` was called on it,
  /// no more, as a program's `run()` would have returned. Requires that the host is not crashed.
  EventLoop& loop();
  /// Another loop, for what would be a thread of its own: loops of a host take turns in an order that chance decides.
  EventLoop& add_loop();
  /// The pool of all its loops.
  Pool& pool() noexcept;

  /// Calls `program` on this host and gives what it returns.
  template <class Program>
  decltype(auto) run(Program program) {
    const Entered entered(*this);
    return program();
  }

  // --- limits and troubles; all may be changed at any time ---

  void set_descriptor_limit(std::size_t limit);
  /// Makes system calls of this host fail by a plan; an empty plan ends that. Delays and short counts are honest: what was
  /// put off is reported as ready again.
  ///
  ///     server.set_faults(FaultPlan::nth(3, {.error = ENOBUFS}, {Call::send}));
  void set_faults(sys::FaultPlan plan);
  /// How often its programs made a call. The k of a plan counts from when the plan was set.
  std::uint64_t calls(sys::Call call) const noexcept;

  /// Stops the host's programs, as SIGSTOP does: its kernel goes on accepting, receiving and acknowledging.
  void pause();
  void resume();
  /// Pulls the plug: every descriptor is gone and nobody is told. Programs of the host run no more; what is left of them
  /// may be destroyed at any time.
  void crash();
  /// Switches it on again, with nothing open. `loop()` is then a new one. Peers that send to connections from before the
  /// crash are reset.
  void restart();

  /// Puts a file on the host, or replaces its contents; programs open it by this path.
  void set_file(std::string_view path, std::string contents);

  /// How many descriptors are open, two for each loop included.
  std::size_t open_descriptors() const noexcept;

  /// The state behind it, for the library.
  class State;
  State& state() noexcept { return *state_; }

 private:
  friend class World;

  /// Makes the host the current one, until the end of the scope.
  class WEIR_API Entered {
   public:
    explicit Entered(Host& host) noexcept;
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    ~Entered();

   private:
    Host& host_;
    void* previous_;
  };

  explicit Host(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace weir::sim
