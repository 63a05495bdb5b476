// weir: which ports of a simulated machine are in use, and by whom.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

#include "weir/base/callback.h"
#include "weir/base/list.h"
#include "weir/sys/sim_kernel/internet_name.h"
#include "weir/sys/sim_kernel/random.h"
#include "weir/sys/sim_kernel/timeline.h"

namespace weir::sys {

class Socket;
struct PortTag;

struct PortRange {
  std::uint16_t first;
  std::uint16_t last;
};

/// A port's use by one socket, or by a connection that has outlived its socket. Ends with the object.
struct PortUse : ListHook<PortTag> {
  InternetName name;
  Socket* socket = nullptr;  ///< bound here and open; null else
  bool is_v6_only = false;
  bool may_be_reused = false;  ///< SO_REUSEADDR
  bool is_shared = false;      ///< SO_REUSEPORT
  bool is_listening = false;
  bool is_connected = false;  ///< a UDP socket that hears only its peer
  bool is_chosen = false;     ///< by number, in bind(2): kept until the socket is closed
};

/// The ports of one protocol.
class Ports {
 public:
  Ports(Timeline& timeline, Random& random, const PortRange& ephemeral) noexcept
      : timeline_(timeline),
        random_(random),
        ephemeral_(ephemeral) {}

  /// Takes a port for `use`, whose name is filled in but for a port of 0: then a free one is chosen. An errno number; 0 is
  /// success. The rules are bind(2)'s of Linux: two uses of one port exclude each other unless their addresses differ and
  /// neither is a wildcard, or both may be reused and none listens, or both are shared.
  int take(PortUse& use);
  /// Takes a port of the ephemeral range for a connection to `remote`: one may serve many connections to different peers.
  int take_for(PortUse& use, const InternetName& remote);
  /// True when no other socket listens where `use` would.
  bool may_listen(const PortUse& use);
  /// Adds a use without asking: an accepted connection's.
  void add(PortUse& use) {
    Uses& uses = uses_[use.name.port];
    (use.socket != nullptr ? uses.bound : uses.accepted).push_back(use);
  }

  /// Notes a connection. False when there is one with the same names already.
  bool connect(const InternetPath& path);
  /// The connection is over. One that this machine ended first stays in TIME_WAIT for a minute (RFC 9293 section 3.6.1),
  /// in which neither its port nor its path is free; `tcp_tw_reuse` lets new connections over loopback have it after 1 s.
  void disconnect(const InternetPath& path, std::unique_ptr<PortUse> use, bool waits);

  /// The open socket that what is sent to `name` reaches: the one bound most exactly, of those that `suits` lets pass, and
  /// the latest of several; those that share the port take turns by chance. Null when there is none.
  Socket* find(const InternetName& name, Callback<bool(const PortUse&)> suits);

  void clear() noexcept;

 private:
  struct Waiting {
    TimePoint until;
    std::unique_ptr<PortUse> use;
  };

  /// Who uses a port. Those that are only connected stand apart: what arrives is looked up among the bound ones.
  struct Uses {
    List<PortUse, PortTag> bound;
    List<PortUse, PortTag> accepted;

    bool is_empty() const noexcept { return bound.is_empty() && accepted.is_empty(); }
    template <class Visit>
    void for_each(Visit visit) {
      bound.for_each(visit);
      accepted.for_each(visit);
    }
  };

  bool conflicts(const PortUse& wanted);
  bool is_free_for(PortUse& use, const InternetName& remote);
  void forget_waiting();

  Timeline& timeline_;
  Random& random_;
  const PortRange& ephemeral_;
  std::unordered_map<std::uint16_t, Uses> uses_;
  std::map<InternetPath, TimePoint> paths_;  // until when each is taken
  std::deque<Waiting> waiting_;
  std::size_t tidy_at_ = 1024;  // how many paths there are when those that are free again are forgotten
  std::uint32_t next_ephemeral_ = 0;
};

}  // namespace weir::sys
