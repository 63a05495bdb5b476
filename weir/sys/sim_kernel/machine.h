// weir: one simulated machine: its descriptors, addresses, ports and files.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weir/sys/fault_plan.h"
#include "weir/sys/sim_kernel/file.h"
#include "weir/sys/sim_kernel/in_flight.h"
#include "weir/sys/sim_kernel/network.h"
#include "weir/sys/sim_kernel/ports.h"

namespace weir::sys {

class UnixSocket;

struct MachineOptions {
  std::size_t descriptor_limit = 20'000;      ///< numbers from here on are refused: EMFILE
  std::size_t send_buffer = 256 * 1024;       ///< of each socket: bytes that wait for the peer's acknowledgement
  std::size_t receive_buffer = 128 * 1024;    ///< of each socket: bytes that wait for the program
  PortRange ephemeral_ports{32'768, 60'999};  ///< what connections and port 0 are given
  int largest_backlog = 4096;                 ///< net.core.somaxconn
  std::size_t largest_buffer = 212'992;       ///< net.core.rmem_max and wmem_max: what a program may ask for
};

/// A name in the file tree: a regular file, or the place of a Unix socket.
struct FileNode {
  std::shared_ptr<std::string> contents;  ///< null for a socket
  UnixSocket* socket = nullptr;           ///< bound here, and open
  std::uint64_t inode = 0;
};

/// What belongs to one machine. Its descriptors carry its number, so that a call finds the machine by its argument.
class Machine {
 public:
  static constexpr int numbers_per_machine = 1 << 20;
  /// A machine uses this many numbers at a time, and others after a crash: so what the crashed programs still hold finds
  /// nothing of the new ones', until a machine has crashed eight times.
  static constexpr int numbers_per_start = 1 << 17;

  Machine(Network& network, int number, std::string name, const MachineOptions& options);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  int number() const noexcept { return number_; }
  const std::string& name() const noexcept { return name_; }
  Network& network() noexcept { return network_; }
  MachineOptions& options() noexcept { return options_; }
  InternetAddress address(bool is_v4) const noexcept { return is_v4 ? v4_ : v6_; }

  // --- descriptors ---

  /// True when another descriptor may be opened.
  bool has_room() noexcept;
  /// Gives the file the lowest free number. Fails with EMFILE.
  CallResult install(std::shared_ptr<File> file);
  /// Null when the number is none of this machine's open ones.
  File* find(int descriptor) const noexcept;
  /// The same, for a descriptor to be passed on.
  std::shared_ptr<File> share(int descriptor) const noexcept;
  bool close(int descriptor);
  std::size_t open_descriptors() const noexcept { return open_; }
  /// The number as the machine itself would show it.
  static int own_number(int descriptor) noexcept { return descriptor % numbers_per_start; }

  /// Those that are under way in Unix sockets.
  InFlight in_flight;

  // --- faults ---

  FaultPlan faults;
  std::array<std::uint64_t, call_count> calls{};  ///< how often each was made

  // --- power ---

  bool is_on() const noexcept { return is_on_; }
  /// As if the plug were pulled: nothing more is sent, nobody is told.
  void crash();
  /// Starts again with nothing open. What still arrives for the old connections is answered with resets.
  void restart() { is_on_ = true; }
  /// How often it was crashed: what began before does not live on.
  int crashes() const noexcept { return crashes_; }

  // --- ports and files ---

  /// Makes a file, or replaces the contents of one: those who have it open see that.
  void set_file(const std::string& path, std::string contents);

  Ports tcp_ports;
  Ports udp_ports;
  std::map<std::string, FileNode> files;
  std::map<std::string, UnixSocket*> abstract_names;
  std::uint64_t next_inode = 1;

 private:
  /// The number of its descriptor 0 since the last start.
  int first_number() const noexcept {
    constexpr int starts = numbers_per_machine / numbers_per_start;
    return number_ * numbers_per_machine + crashes_ % starts * numbers_per_start;
  }

  Network& network_;
  int number_;
  std::string name_;
  MachineOptions options_;
  InternetAddress v4_;
  InternetAddress v6_;
  std::vector<std::shared_ptr<File>> files_;  // by descriptor; the first three places stand for the standard streams
  std::size_t first_free_ = 3;                // no free place is below
  std::size_t open_ = 0;
  bool is_on_ = true;
  int crashes_ = 0;
};

}  // namespace weir::sys
