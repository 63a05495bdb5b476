// weir: the interface behind every system call, and which kernel this thread uses.
// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>

#include "weir/base/bytes.h"
#include "weir/base/export.h"
#include "weir/base/time.h"
#include "weir/sys/call_result.h"
#include "weir/sys/passed_descriptors.h"
#include "weir/sys/socket_name.h"

namespace weir::sys {

/// Which file a path names at the moment.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool is_socket = false;

  friend bool operator==(const FileIdentity&, const FileIdentity&) noexcept = default;
};

/// What a descriptor stands for.
enum class FileKind : std::uint8_t {
  regular,   ///< a file with contents of its own: reading and writing it never waits
  pipe,      ///< either end of a pipe, with a name or without
  socket,    ///< of any family
  terminal,  ///< the side of a pseudo-terminal on which programs run; see pty(7)
  other,     ///< a device, the master side of a pseudo-terminal, a directory, an epoll, …
};

/// A kernel as weir sees it: one function per system call. The real one is used where none is installed; others stand
/// in for it on one thread, to make calls fail (`FaultKernel`) or to replace them altogether.
///
/// Descriptors are plain numbers here; ownership is the caller's. Every descriptor made here is close-on-exec and
/// non-blocking from birth. A failing call leaves nothing behind.
class Kernel {
 public:
  static constexpr std::size_t most_pieces = 1024;  ///< of one call: IOV_MAX

  virtual ~Kernel() = default;

  virtual CallResult open_socket(int family, int type, int protocol) = 0;  // socket(2)
  /// Two connected sockets. socketpair(2)
  virtual CallResult create_socket_pair(int family, int type, std::array<int, 2>& ends) = 0;
  virtual CallResult bind(int descriptor, const SocketName& name) = 0;                           // bind(2)
  virtual CallResult listen(int descriptor, int backlog) = 0;                                    // listen(2)
  virtual CallResult accept(int descriptor, SocketName& peer) = 0;                               // accept4(2)
  virtual CallResult connect(int descriptor, const SocketName& name) = 0;                        // connect(2)
  virtual CallResult shutdown(int descriptor, int how) = 0;                                      // shutdown(2)
  virtual CallResult local_name(int descriptor, SocketName& name) = 0;                           // getsockname(2)
  virtual CallResult peer_name(int descriptor, SocketName& name) = 0;                            // getpeername(2)
  virtual CallResult get_option(int descriptor, int level, int option, MutableBytes value) = 0;  // getsockopt(2)
  virtual CallResult set_option(int descriptor, int level, int option, Bytes value) = 0;         // setsockopt(2)

  // These seven never wait, whatever the descriptor's own mode.
  virtual CallResult receive(int descriptor, MutableBytes into) = 0;  // recv(2)
  virtual CallResult send(int descriptor, Bytes from) = 0;            // send(2), never SIGPIPE
  /// `more_follows`: at once, so TCP may wait with a segment that is not full (MSG_MORE). sendmsg(2), never SIGPIPE
  virtual CallResult send_pieces(int descriptor, std::span<const iovec> pieces, bool more_follows) = 0;
  virtual CallResult send_to(int descriptor, Bytes from, const SocketName& to) = 0;  // sendto(2), never SIGPIPE
  /// One datagram. Gives its whole length, also where `into` was too small for it and the rest is lost. recvfrom(2)
  virtual CallResult receive_from(int descriptor, MutableBytes into, SocketName& from) = 0;
  /// As `send_pieces`; over a Unix socket the receiver of the first byte gets a descriptor of its own for each of `passed`, the
  /// caller keeps his. When it fails none is sent. At most `PassedDescriptors::most`, else EINVAL; without a byte, or over
  /// another kind of socket, they go nowhere. sendmsg(2) with SCM_RIGHTS, never SIGPIPE
  virtual CallResult send_with_descriptors(int descriptor, std::span<const iovec> pieces,
                                           std::span<const int> passed) = 0;
  /// As `receive`, and replaces `passed` by the descriptors that came with those bytes, close-on-exec. It stops behind bytes
  /// that came with some, as every receive does. recvmsg(2) with SCM_RIGHTS
  virtual CallResult receive_with_descriptors(int descriptor, MutableBytes into, PassedDescriptors& passed) = 0;
  virtual CallResult read(int descriptor, MutableBytes into) = 0;  // read(2)
  virtual CallResult write(int descriptor, Bytes from) = 0;        // write(2)
  /// At most `most_pieces`, else EINVAL. readv(2)
  virtual CallResult read_pieces(int descriptor, std::span<const iovec> pieces) = 0;
  virtual CallResult write_pieces(int descriptor, std::span<const iovec> pieces) = 0;  // writev(2), never SIGPIPE
  virtual CallResult close(int descriptor) = 0;                                        // close(2); never retried
  virtual CallResult unlink(const char* path) = 0;                                     // unlink(2)
  virtual CallResult describe_file(const char* path, FileIdentity& identity) = 0;      // lstat(2)

  virtual CallResult open_file(const char* path, int flags, unsigned mode) = 0;  // open(2)
  virtual CallResult file_size(int descriptor) = 0;                    // fstat(2); ESPIPE of what is no regular file
  virtual CallResult file_kind(int descriptor, FileKind& kind) = 0;    // fstat(2)
  virtual CallResult status_flags(int descriptor) = 0;                 // fcntl(2), F_GETFL
  virtual CallResult set_status_flags(int descriptor, int flags) = 0;  // fcntl(2), F_SETFL
  virtual CallResult read_at(int descriptor, MutableBytes into, std::uint64_t offset) = 0;  // pread(2)
  virtual CallResult read_pieces_at(int descriptor, std::span<const iovec> pieces,
                                    std::uint64_t offset) = 0;  // preadv(2)
  virtual CallResult write_pieces_at(int descriptor, std::span<const iovec> pieces,
                                     std::uint64_t offset) = 0;  // pwritev(2)
  /// Sends a part of a file to a socket; 0 at the end of the file. sendfile(2), never SIGPIPE
  virtual CallResult send_file(int socket, int file, std::uint64_t offset, std::size_t count) = 0;

  /// A pipe: the first end reads, the second writes. pipe2(2)
  virtual CallResult create_pipe(std::array<int, 2>& ends) = 0;
  /// Moves bytes that a socket has received into a pipe, without their passing through the program; neither waits. EAGAIN
  /// when there are none, or the pipe has no room. splice(2)
  virtual CallResult fill_pipe(int socket, int pipe, std::size_t count) = 0;
  /// Has a socket send what is in a pipe. splice(2), never SIGPIPE
  virtual CallResult drain_pipe(int pipe, int socket, std::size_t count) = 0;
  /// How much a pipe may hold, of which the system makes whole pages. fcntl(2), F_SETPIPE_SZ; gives the size
  virtual CallResult set_pipe_size(int pipe, std::size_t size) = 0;
  virtual CallResult create_event_counter() = 0;  // eventfd(2)
  virtual CallResult create_epoll() = 0;          // epoll_create1(2)
  virtual CallResult control_epoll(int epoll, int operation, int descriptor, epoll_event event) = 0;  // epoll_ctl(2)
  /// Waits until an event or the end of `timeout`; a negative timeout waits without end. epoll_pwait2(2)
  virtual CallResult wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) = 0;

  /// Fills in what each entry is ready for; gives the number of those that are anything. Waits as the one above. ppoll(2)
  virtual CallResult poll(std::span<pollfd> entries, Duration timeout) = 0;

  virtual TimePoint now() = 0;  // clock_gettime(2), monotonic
  /// False where a program has but one thread, and others would not see this kernel.
  virtual bool has_threads() const noexcept { return true; }
};

/// The kernel this thread runs on; null is the real one.
[[gnu::tls_model("initial-exec")]] WEIR_API extern constinit thread_local Kernel* installed_kernel;

/// Puts `kernel` in place of the real one on this thread, until the end of the scope. Scopes may nest.
class ScopedKernel {
 public:
  explicit ScopedKernel(Kernel& kernel) noexcept : previous_(installed_kernel) { installed_kernel = &kernel; }
  ScopedKernel(const ScopedKernel&) = delete;
  ScopedKernel& operator=(const ScopedKernel&) = delete;
  ~ScopedKernel() { installed_kernel = previous_; }

 private:
  Kernel* previous_;
};

}  // namespace weir::sys
