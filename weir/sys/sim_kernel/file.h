// weir: what a simulated descriptor stands for.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/epoll.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "weir/base/bytes.h"
#include "weir/base/list.h"
#include "weir/sys/call_result.h"
#include "weir/sys/kernel.h"
#include "weir/sys/socket_name.h"

namespace weir::sys {

class File;
class Socket;
class Epoll;
class UnixSocket;
class RegularFile;
class PipeReader;
class PipeWriter;
struct WatcherTag;
struct ReadyItemTag;

/// One entry of an epoll's interest list.
class EpollItem : public ListHook<WatcherTag>, public ListHook<ReadyItemTag> {
 public:
  EpollItem(Epoll& owner, File& watched, int number, epoll_event interest) noexcept
      : epoll(owner),
        file(watched),
        descriptor(number),
        event(interest) {}

  Epoll& epoll;
  File& file;
  const int descriptor;
  epoll_event event;
};

/// An open file. It is destroyed when the last of its descriptors is closed: one, unless it was sent over a Unix socket, where
/// it lives while it is under way, too.
class File {
 public:
  /// The event masks with which Linux wakes those who poll a file. 0 stands for any event.
  static constexpr std::uint32_t readable = EPOLLIN | EPOLLRDNORM;
  static constexpr std::uint32_t writable = EPOLLOUT | EPOLLWRNORM;
  static constexpr std::uint32_t anything = 0;

  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File();

  /// What poll(2) would report now. Remembers, as Linux does, that somebody waits for room when there is none.
  virtual std::uint32_t readiness() = 0;
  virtual CallResult read(MutableBytes into) = 0;
  virtual CallResult write(Bytes from) = 0;

  virtual FileKind kind() const { return FileKind::other; }
  virtual bool can_be_polled() const { return true; }
  virtual bool can_be_read() const { return true; }
  virtual bool can_be_written() const { return true; }
  /// Of the flags of fcntl(2), F_SETFL: O_NONBLOCK and O_APPEND. Nothing here ever waits, whatever it was told.
  int changeable_flags() const noexcept { return changeable_flags_; }
  void set_changeable_flags(int flags) noexcept { changeable_flags_ = flags & (O_NONBLOCK | O_APPEND); }
  virtual Socket* as_socket() { return nullptr; }
  virtual UnixSocket* as_unix_socket() { return nullptr; }
  virtual Epoll* as_epoll() { return nullptr; }
  virtual RegularFile* as_regular_file() { return nullptr; }
  virtual PipeReader* as_pipe_reader() { return nullptr; }
  virtual PipeWriter* as_pipe_writer() { return nullptr; }

  /// Tells every epoll that watches this file that some of `events` may be ready now.
  void wake(std::uint32_t events);

 private:
  friend class Epoll;

  List<EpollItem, WatcherTag> watchers_;
  int changeable_flags_ = O_NONBLOCK;  // every descriptor is made so
};

/// Files that are under way, or have just arrived.
using PassedFiles = std::vector<std::shared_ptr<File>>;

/// What sockets of every kind answer. A call that a kind does not know fails as Linux has it.
class Socket : public File {
 public:
  Socket* as_socket() final { return this; }
  FileKind kind() const final { return FileKind::socket; }
  /// Nothing asked for is nothing read, whatever the state; recvfrom(2) looks at it all the same.
  CallResult read(MutableBytes into) final { return into.empty() ? CallResult::success() : receive(into); }
  CallResult write(Bytes from) final { return send(from); }

  /// What one call sends is one message, and never sent in parts.
  virtual bool keeps_messages_apart() const { return false; }
  virtual CallResult bind(const SocketName& name) = 0;
  virtual CallResult listen(int) { return CallResult::failure(EOPNOTSUPP); }
  /// True when a connection waits to be accepted; else `error` says why there is none.
  virtual bool has_connection(int& error) {
    error = EOPNOTSUPP;
    return false;
  }
  /// Takes the connection that waits. Requires that there is one.
  virtual Socket* accept(SocketName& peer) = 0;
  virtual CallResult connect(const SocketName& name) = 0;
  virtual CallResult shutdown(int how) = 0;
  virtual CallResult local_name(SocketName& name) = 0;
  virtual CallResult peer_name(SocketName& name) = 0;
  virtual CallResult get_option(int level, int option, MutableBytes value) = 0;
  virtual CallResult set_option(int level, int option, Bytes value) = 0;
  virtual CallResult receive(MutableBytes into) = 0;
  virtual CallResult send(Bytes from) = 0;
  virtual CallResult send_to(Bytes from, const SocketName& to) = 0;
  virtual CallResult receive_from(MutableBytes into, SocketName& from) = 0;
};

}  // namespace weir::sys
