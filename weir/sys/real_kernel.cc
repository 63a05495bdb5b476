// weir: the kernel of this machine.
// SPDX-License-Identifier: MIT
#include "weir/sys/real_kernel.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

namespace weir::sys {
namespace {

/// Turns libc's convention (-1 and errno) into the kernel's own.
CallResult from_libc(std::int64_t returned) noexcept {
  return returned >= 0 ? CallResult::success(returned) : CallResult::failure(errno);
}

timespec to_timespec(Duration length) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(length);
  return {.tv_sec = seconds.count(), .tv_nsec = (length - seconds).count()};
}

/// Beyond what an int holds, a number that the kernel refuses as it would the true one.
int count_of(std::span<const iovec> pieces) noexcept {
  return static_cast<int>(std::min<std::size_t>(pieces.size(), Kernel::most_pieces + 1));
}

FileKind kind_of(const struct stat& file) noexcept {
  // The device numbers of pseudo-terminals: UNIX98_PTY_SLAVE_MAJOR in Linux's Documentation/admin-guide/devices.txt.
  constexpr unsigned first_slave = 136;
  constexpr unsigned last_slave = 143;
  if (S_ISREG(file.st_mode)) return FileKind::regular;
  if (S_ISFIFO(file.st_mode)) return FileKind::pipe;
  if (S_ISSOCK(file.st_mode)) return FileKind::socket;
  const unsigned device = major(file.st_rdev);
  return S_ISCHR(file.st_mode) && device >= first_slave && device <= last_slave ? FileKind::terminal : FileKind::other;
}

/// Holds SIGPIPE back for the length of a call that, unlike send(2), has no flag against it.
class PipeSignalHeld {
 public:
  PipeSignalHeld() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &previous_);
    if (!was_blocked()) return;  // then none can have waited
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  }
  PipeSignalHeld(const PipeSignalHeld&) = delete;
  PipeSignalHeld& operator=(const PipeSignalHeld&) = delete;
  ~PipeSignalHeld() {
    if (!was_blocked()) ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
  }

  /// Takes back the signal that the call raised for this thread. One that was there before is somebody else's.
  void discard() noexcept {
    const timespec at_once{};
    while (!was_pending_ && ::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {}
  }

 private:
  bool was_blocked() const noexcept { return sigismember(&previous_, SIGPIPE) == 1; }

  sigset_t pipe_;
  sigset_t previous_;
  bool was_pending_ = false;
};

/// Room for the descriptors of one call, and for what else a socket may have been told to report with them.
struct alignas(cmsghdr) ControlBytes {
  static constexpr std::size_t others = 256;

  std::array<std::byte, CMSG_SPACE(PassedDescriptors::most * sizeof(int)) + others>
      bytes;  // filled as far as it is used
};

/// What of `message` is descriptors.
void take_descriptors(msghdr& message, PassedDescriptors& passed) noexcept {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const std::size_t taken = std::min(count, PassedDescriptors::most - passed.count);
    std::memcpy(passed.numbers.data() + passed.count, CMSG_DATA(part), taken * sizeof(int));
    passed.count += taken;
  }
}

}  // namespace

constinit thread_local Kernel* installed_kernel = nullptr;

CallResult RealKernel::open_socket(int family, int type, int protocol) {
  return from_libc(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

CallResult RealKernel::create_socket_pair(int family, int type, std::array<int, 2>& ends) {
  return from_libc(::socketpair(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()));
}

CallResult RealKernel::bind(int descriptor, const SocketName& name) {
  return from_libc(::bind(descriptor, &name.any, name.length));
}

CallResult RealKernel::listen(int descriptor, int backlog) { return from_libc(::listen(descriptor, backlog)); }

CallResult RealKernel::accept(int descriptor, SocketName& peer) {
  peer.length = sizeof(peer.local);
  return from_libc(::accept4(descriptor, &peer.any, &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

CallResult RealKernel::connect(int descriptor, const SocketName& name) {
  return from_libc(::connect(descriptor, &name.any, name.length));
}

CallResult RealKernel::shutdown(int descriptor, int how) { return from_libc(::shutdown(descriptor, how)); }

CallResult RealKernel::local_name(int descriptor, SocketName& name) {
  name.length = sizeof(name.local);
  return from_libc(::getsockname(descriptor, &name.any, &name.length));
}

CallResult RealKernel::peer_name(int descriptor, SocketName& name) {
  name.length = sizeof(name.local);
  return from_libc(::getpeername(descriptor, &name.any, &name.length));
}

CallResult RealKernel::get_option(int descriptor, int level, int option, MutableBytes value) {
  auto length = static_cast<socklen_t>(value.size());
  return from_libc(::getsockopt(descriptor, level, option, value.data(), &length));
}

CallResult RealKernel::set_option(int descriptor, int level, int option, Bytes value) {
  return from_libc(::setsockopt(descriptor, level, option, value.data(), static_cast<socklen_t>(value.size())));
}

CallResult RealKernel::receive(int descriptor, MutableBytes into) {
  return from_libc(::recv(descriptor, into.data(), into.size(), MSG_DONTWAIT));
}

CallResult RealKernel::send(int descriptor, Bytes from) {
  return from_libc(::send(descriptor, from.data(), from.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

CallResult RealKernel::send_pieces(int descriptor, std::span<const iovec> pieces, bool more_follows) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg(2) reads it only
  message.msg_iovlen = pieces.size();
  return from_libc(::sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more_follows ? MSG_MORE : 0)));
}

CallResult RealKernel::send_to(int descriptor, Bytes from, const SocketName& to) {
  return from_libc(::sendto(descriptor, from.data(), from.size(), MSG_NOSIGNAL | MSG_DONTWAIT, &to.any, to.length));
}

CallResult RealKernel::receive_from(int descriptor, MutableBytes into, SocketName& from) {
  from.length = sizeof(from.local);
  return from_libc(::recvfrom(descriptor, into.data(), into.size(), MSG_DONTWAIT | MSG_TRUNC, &from.any, &from.length));
}

CallResult RealKernel::send_with_descriptors(int descriptor, std::span<const iovec> pieces,
                                             std::span<const int> passed) {
  if (passed.empty()) return send_pieces(descriptor, pieces, false);
  if (passed.size() > PassedDescriptors::most) return CallResult::failure(EINVAL);
  ControlBytes control;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg(2) reads it only
  message.msg_iovlen = pieces.size();
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(passed.size_bytes());
  std::memset(control.bytes.data(), 0, message.msg_controllen);
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(passed.size_bytes());
  std::memcpy(CMSG_DATA(part), passed.data(), passed.size_bytes());
  return from_libc(::sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

CallResult RealKernel::receive_with_descriptors(int descriptor, MutableBytes into, PassedDescriptors& passed) {
  passed.count = 0;
  ControlBytes control;
  iovec piece{.iov_base = into.data(), .iov_len = into.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const CallResult got = from_libc(::recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  passed.are_missing = got && (message.msg_flags & MSG_CTRUNC) != 0;
  if (got) take_descriptors(message, passed);
  return got;
}

CallResult RealKernel::read(int descriptor, MutableBytes into) {
  return from_libc(::read(descriptor, into.data(), into.size()));
}

CallResult RealKernel::write(int descriptor, Bytes from) {
  return from_libc(::write(descriptor, from.data(), from.size()));
}

CallResult RealKernel::read_pieces(int descriptor, std::span<const iovec> pieces) {
  return from_libc(::readv(descriptor, pieces.data(), count_of(pieces)));
}

CallResult RealKernel::write_pieces(int descriptor, std::span<const iovec> pieces) {
  PipeSignalHeld held;
  const CallResult written = from_libc(::writev(descriptor, pieces.data(), count_of(pieces)));
  if (written.error_number() == EPIPE) held.discard();
  return written;
}

CallResult RealKernel::close(int descriptor) { return from_libc(::close(descriptor)); }

CallResult RealKernel::unlink(const char* path) { return from_libc(::unlink(path)); }

CallResult RealKernel::describe_file(const char* path, FileIdentity& identity) {
  struct stat file {};
  const CallResult result = from_libc(::lstat(path, &file));
  if (result) identity = {file.st_dev, file.st_ino, S_ISSOCK(file.st_mode)};
  return result;
}

CallResult RealKernel::open_file(const char* path, int flags, unsigned mode) {
  return from_libc(::open(path, flags | O_NONBLOCK | O_CLOEXEC, mode));
}

CallResult RealKernel::file_size(int descriptor) {
  struct stat file {};
  const CallResult result = from_libc(::fstat(descriptor, &file));
  if (!result) return result;
  return S_ISREG(file.st_mode) ? CallResult::success(file.st_size) : CallResult::failure(ESPIPE);
}

CallResult RealKernel::file_kind(int descriptor, FileKind& kind) {
  struct stat file {};
  const CallResult result = from_libc(::fstat(descriptor, &file));
  if (result) kind = kind_of(file);
  return result;
}

CallResult RealKernel::status_flags(int descriptor) { return from_libc(::fcntl(descriptor, F_GETFL)); }

CallResult RealKernel::set_status_flags(int descriptor, int flags) {
  return from_libc(::fcntl(descriptor, F_SETFL, flags));
}

CallResult RealKernel::read_at(int descriptor, MutableBytes into, std::uint64_t offset) {
  return from_libc(::pread(descriptor, into.data(), into.size(), static_cast<off_t>(offset)));
}

CallResult RealKernel::read_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  return from_libc(::preadv(descriptor, pieces.data(), count_of(pieces), static_cast<off_t>(offset)));
}

CallResult RealKernel::write_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  return from_libc(::pwritev(descriptor, pieces.data(), count_of(pieces), static_cast<off_t>(offset)));
}

CallResult RealKernel::send_file(int socket, int file, std::uint64_t offset, std::size_t count) {
  PipeSignalHeld held;
  auto from = static_cast<off_t>(offset);
  const CallResult sent = from_libc(::sendfile(socket, file, &from, count));
  if (sent.error_number() == EPIPE) held.discard();
  return sent;
}

CallResult RealKernel::create_pipe(std::array<int, 2>& ends) {
  return from_libc(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK));
}

CallResult RealKernel::fill_pipe(int socket, int pipe, std::size_t count) {
  return from_libc(::splice(socket, nullptr, pipe, nullptr, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
}

CallResult RealKernel::drain_pipe(int pipe, int socket, std::size_t count) {
  PipeSignalHeld held;
  const CallResult sent = from_libc(::splice(pipe, nullptr, socket, nullptr, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
  if (sent.error_number() == EPIPE) held.discard();
  return sent;
}

CallResult RealKernel::set_pipe_size(int pipe, std::size_t size) {
  return from_libc(::fcntl(pipe, F_SETPIPE_SZ, static_cast<int>(std::min<std::size_t>(size, 1U << 30))));
}

CallResult RealKernel::create_event_counter() { return from_libc(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

CallResult RealKernel::create_epoll() { return from_libc(::epoll_create1(EPOLL_CLOEXEC)); }

CallResult RealKernel::control_epoll(int epoll, int operation, int descriptor, epoll_event event) {
  return from_libc(::epoll_ctl(epoll, operation, descriptor, &event));
}

CallResult RealKernel::wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) {
  const timespec limit = to_timespec(timeout);
  return from_libc(::epoll_pwait2(epoll, events.data(), static_cast<int>(events.size()),
                                  timeout < Duration::zero() ? nullptr : &limit, nullptr));
}

CallResult RealKernel::poll(std::span<pollfd> entries, Duration timeout) {
  const timespec limit = to_timespec(timeout);
  return from_libc(::ppoll(entries.data(), entries.size(), timeout < Duration::zero() ? nullptr : &limit, nullptr));
}

TimePoint RealKernel::now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace weir::sys
