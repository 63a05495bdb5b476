// weir: the kernel of this machine.
// SPDX-License-Identifier: MIT
#include "weir/sys/real_kernel.h"

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace

constinit thread_local Kernel* installed_kernel = nullptr;

CallResult RealKernel::open_socket(int family, int type, int protocol) {
  return from_libc(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
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

CallResult RealKernel::send_pieces(int descriptor, std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg(2) reads it only
  message.msg_iovlen = pieces.size();
  return from_libc(::sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

CallResult RealKernel::read(int descriptor, MutableBytes into) {
  return from_libc(::read(descriptor, into.data(), into.size()));
}

CallResult RealKernel::write(int descriptor, Bytes from) {
  return from_libc(::write(descriptor, from.data(), from.size()));
}

CallResult RealKernel::close(int descriptor) { return from_libc(::close(descriptor)); }

CallResult RealKernel::unlink(const char* path) { return from_libc(::unlink(path)); }

CallResult RealKernel::describe_file(const char* path, FileIdentity& identity) {
  struct stat file {};
  const CallResult result = from_libc(::lstat(path, &file));
  if (result) identity = {file.st_dev, file.st_ino, S_ISSOCK(file.st_mode)};
  return result;
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

TimePoint RealKernel::now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace weir::sys
