// weir: a kernel in memory, with machines, a network between them, and its own time.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/sim_kernel.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "weir/sys/sim_kernel/epoll.h"
#include "weir/sys/sim_kernel/pipe.h"
#include "weir/sys/sim_kernel/tcp_socket.h"
#include "weir/sys/sim_kernel/udp_socket.h"
#include "weir/sys/sim_kernel/unix_socket.h"

namespace weir::sys {
namespace {

CallResult counted(std::size_t count) { return CallResult::success(static_cast<std::int64_t>(count)); }

/// A count cut by a plan is at least 1: 0 would read as an end.
template <class Span>
Span cut(Span bytes, std::size_t at_most) {
  return bytes.first(std::min(bytes.size(), std::max<std::size_t>(at_most, 1)));
}

bool gives_descriptor(Call call) {
  switch (call) {
    case Call::open_socket:
    case Call::accept:
    case Call::open_file:
    case Call::create_event_counter:
    case Call::create_epoll: return true;
    default: return false;
  }
}

std::string joined(std::span<const iovec> pieces) {
  std::string bytes;
  for (const iovec& piece : pieces) bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  return bytes;
}

std::size_t size_of(std::span<const iovec> pieces) {
  std::size_t sum = 0;
  for (const iovec& piece : pieces) sum += piece.iov_len;
  return sum;
}

/// Reads into the pieces with a single `read`, for one call takes one message.
template <class Read>
CallResult scattered(std::span<const iovec> pieces, std::size_t at_most, Read read) {
  if (pieces.size() > Kernel::most_pieces) return CallResult::failure(EINVAL);
  std::vector<std::byte> bytes(size_of(pieces));
  const CallResult result = read(cut(MutableBytes(bytes), at_most));
  Bytes left = Bytes(bytes).first(result ? result.count() : 0);
  for (const iovec& piece : pieces) {
    const Bytes part = left.first(std::min(left.size(), piece.iov_len));
    std::copy(part.begin(), part.end(), static_cast<std::byte*>(piece.iov_base));
    left = left.subspan(part.size());
  }
  return result;
}

/// The event that a program waits for after the call was put off.
std::uint32_t awaited_after(Call call) {
  switch (call) {
    case Call::send:
    case Call::send_pieces:
    case Call::send_to:
    case Call::send_with_descriptors:
    case Call::send_file:
    case Call::drain_pipe:
    case Call::write:
    case Call::write_pieces: return File::writable;
    default: return File::readable;
  }
}

}  // namespace

SimKernel::SimKernel(std::uint64_t seed) : random_(seed), network_(timeline_, random_, trace_) {
  current_ = &add_machine("local", {});
}

SimKernel::~SimKernel() {
  for (const auto& machine : machines_) machine->crash();  // sockets go while everything they refer to is there
  timeline_.clear();
}

Machine& SimKernel::add_machine(std::string name, const MachineOptions& options) {
  const int number = static_cast<int>(machines_.size()) + 1;
  machines_.push_back(std::make_unique<Machine>(network_, number, std::move(name), options));
  return *machines_.back();
}

// --- finding, failing, recording ---

Machine* SimKernel::machine_of(int descriptor) const noexcept {
  const auto number = static_cast<std::size_t>(descriptor / Machine::numbers_per_machine);
  return descriptor >= 0 && number >= 1 && number <= machines_.size() ? machines_[number - 1].get() : nullptr;
}

File* SimKernel::find(int descriptor) const noexcept {
  const Machine* machine = machine_of(descriptor);
  return machine != nullptr ? machine->find(descriptor) : nullptr;
}

CallResult SimKernel::record(Call call, Machine& machine, int subject, CallResult result, bool is_injected) {
  std::int64_t number = result ? static_cast<std::int64_t>(result.count()) : -result.error_number();
  if (number >= Machine::numbers_per_machine && gives_descriptor(call)) number %= Machine::numbers_per_start;
  trace_.add({timeline_.now(), number, machine.number(), subject, static_cast<std::uint8_t>(call), true, is_injected});
  return result;
}

/// A call that opens something on the current machine.
template <class Function>
CallResult SimKernel::on_machine(Call call, Function function) {
  Machine& machine = *current_;
  ++machine.calls[static_cast<std::size_t>(call)];
  const Fault fault = machine.faults.decide(call);
  if (fault.error != 0) return record(call, machine, -1, CallResult::failure(fault.error), true);
  return record(call, machine, -1, machine.is_on() ? function(machine) : CallResult::failure(EIO), false);
}

/// A call on a descriptor. `function` gets the file and how many bytes the plan allows. What the plan has put off or cut is
/// reported as ready again, as Linux would on a new edge.
template <class Function>
CallResult SimKernel::on_file(Call call, int descriptor, Function function) {
  Machine* machine = machine_of(descriptor);
  if (machine == nullptr) return CallResult::failure(EBADF);
  const int subject = Machine::own_number(descriptor);
  ++machine->calls[static_cast<std::size_t>(call)];
  File* file = machine->find(descriptor);
  if (file == nullptr) return record(call, *machine, subject, CallResult::failure(EBADF), false);
  const Fault fault = machine->faults.decide(call);
  if (fault.error != 0) {
    if (fault.error == EAGAIN) file->wake(awaited_after(call));
    return record(call, *machine, subject, CallResult::failure(fault.error), true);
  }
  const CallResult result = function(*file, fault.at_most);
  const bool was_cut =
      fault.at_most != unlimited && result && result.count() == std::max<std::size_t>(fault.at_most, 1);
  if (was_cut) file->wake(awaited_after(call));
  return record(call, *machine, subject, result, was_cut);
}

template <class Function>
CallResult SimKernel::on_socket(Call call, int descriptor, Function function) {
  return on_file(call, descriptor, [&](File& file, std::size_t at_most) {
    Socket* socket = file.as_socket();
    return socket != nullptr ? function(*socket, at_most) : CallResult::failure(ENOTSOCK);
  });
}

// --- time ---

bool SimKernel::step(TimePoint limit) {
  if (actors_ != nullptr && actors_->act()) return true;
  const TimePoint next = std::min(timeline_.next(), actors_ != nullptr ? actors_->next_deadline() : TimePoint::max());
  if (next <= limit && next != TimePoint::max()) {
    timeline_.move_to(next);
    return true;
  }
  if (limit != TimePoint::max()) timeline_.move_to(limit);
  return false;
}

bool SimKernel::is_ready(int epoll) {
  File* file = find(epoll);
  return file != nullptr && file->as_epoll() != nullptr && file->as_epoll()->has_ready();
}

CallResult SimKernel::wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) {
  return on_file(Call::wait_epoll, epoll, [&](File& file, std::size_t) {
    if (file.as_epoll() == nullptr || events.empty()) return CallResult::failure(EINVAL);
    return wait(epoll, *file.as_epoll(), events, timeout);
  });
}

/// Looks, and lets things happen until there is something to see. A descriptor is looked up anew each time, as Linux would
/// not: but what it stood for may have been destroyed by another program of the simulation meanwhile.
CallResult SimKernel::poll(std::span<pollfd> entries, Duration timeout) {
  return on_machine(Call::poll, [&](Machine& machine) {
    const TimePoint limit = timeout < Duration::zero() ? TimePoint::max() : add_saturated(timeline_.now(), timeout);
    const int crashes = machine.crashes();
    for (;;) {
      if (const std::size_t count = look(entries)) return counted(count);
      if (timeline_.now() >= limit) return counted(0);
      const bool has_happened = step(limit);
      if (machine.crashes() != crashes) return CallResult::failure(EBADF);
      if (!has_happened && limit == TimePoint::max()) return CallResult::failure(EDEADLK);
    }
  });
}

/// What poll(2) would fill in now.
std::size_t SimKernel::look(std::span<pollfd> entries) const {
  std::size_t count = 0;
  for (pollfd& entry : entries) {
    entry.revents = 0;
    if (entry.fd < 0) continue;
    File* file = find(entry.fd);
    const auto asked = static_cast<std::uint32_t>(static_cast<unsigned short>(entry.events)) | POLLERR | POLLHUP;
    const std::uint32_t ready = file == nullptr         ? POLLNVAL
                                : file->can_be_polled() ? file->readiness() & asked
                                                        : asked & (POLLIN | POLLOUT);
    entry.revents = static_cast<short>(ready);
    if (ready != 0) ++count;
  }
  return count;
}

CallResult SimKernel::wait(int descriptor, Epoll& epoll, std::span<epoll_event> events, Duration timeout) {
  struct Waiting {
    ~Waiting() { all.pop_back(); }
    std::vector<int>& all;
  };
  waiting_.push_back(descriptor);
  const Waiting waiting{waiting_};
  const TimePoint limit = timeout < Duration::zero() ? TimePoint::max() : add_saturated(timeline_.now(), timeout);
  const int crashes = machine_of(descriptor)->crashes();
  for (;;) {
    if (const std::size_t count = epoll.collect(events)) return counted(count);
    if (timeline_.now() >= limit) return counted(0);
    const bool has_happened = step(limit);
    if (machine_of(descriptor)->crashes() != crashes) return CallResult::failure(EBADF);  // the epoll went with it
    if (!has_happened && limit == TimePoint::max()) return CallResult::failure(EDEADLK);
  }
}

// --- opening and closing ---

CallResult SimKernel::open_socket(int family, int type, int protocol) {
  return on_machine(Call::open_socket, [&](Machine& machine) {
    const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int expected = kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    const bool is_internet = family == AF_INET || family == AF_INET6;
    if (!is_internet && family != AF_UNIX) return CallResult::failure(EAFNOSUPPORT);
    if (kind > SOCK_PACKET) return CallResult::failure(EINVAL);
    if (kind != SOCK_STREAM && (kind != SOCK_DGRAM || !is_internet)) return CallResult::failure(ESOCKTNOSUPPORT);
    if (protocol != 0 && (!is_internet || protocol != expected)) return CallResult::failure(EPROTONOSUPPORT);
    if (!is_internet) return machine.install(std::make_unique<UnixSocket>(machine));
    if (kind == SOCK_STREAM) return machine.install(std::make_unique<TcpSocket>(machine, family));
    return machine.install(std::make_unique<UdpSocket>(machine, family));
  });
}

CallResult SimKernel::install_pair(std::unique_ptr<File> first, std::unique_ptr<File> second,
                                   std::array<int, 2>& ends) {
  const CallResult one = current_->install(std::move(first));
  if (!one) return one;
  const CallResult other = current_->install(std::move(second));
  if (!other) {
    current_->close(one.number());
    return other;
  }
  ends = {one.number(), other.number()};
  return CallResult::success();
}

CallResult SimKernel::create_socket_pair(int family, int type, std::array<int, 2>& ends) {
  return on_machine(Call::create_socket_pair, [&](Machine& machine) {
    if (family != AF_UNIX) return CallResult::failure(EOPNOTSUPP);
    if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM) return CallResult::failure(ESOCKTNOSUPPORT);
    auto one = std::make_unique<UnixSocket>(machine);
    auto other = std::make_unique<UnixSocket>(machine);
    UnixSocket::join(*one, *other);
    return install_pair(std::move(one), std::move(other), ends);
  });
}

CallResult SimKernel::create_pipe(std::array<int, 2>& ends) {
  return on_machine(Call::create_pipe, [&](Machine&) {
    const auto queue = std::make_shared<PipeQueue>();
    return install_pair(std::make_unique<PipeReader>(queue), std::make_unique<PipeWriter>(queue), ends);
  });
}

CallResult SimKernel::create_event_counter() {
  return on_machine(Call::create_event_counter,
                    [](Machine& machine) { return machine.install(std::make_unique<EventCounter>()); });
}

CallResult SimKernel::create_epoll() {
  return on_machine(Call::create_epoll, [](Machine& machine) { return machine.install(std::make_unique<Epoll>()); });
}

/// Closes whatever a plan answers, as Linux does. What a crash has closed already is not an error.
CallResult SimKernel::close(int descriptor) {
  Machine* machine = machine_of(descriptor);
  if (machine == nullptr) return CallResult::failure(EBADF);
  ++machine->calls[static_cast<std::size_t>(Call::close)];
  const bool was_open = machine->close(descriptor);
  const Fault fault = machine->faults.decide(Call::close);
  const CallResult result = fault.error != 0 ? CallResult::failure(fault.error)
                            : was_open       ? CallResult::success()
                                             : CallResult::failure(EBADF);
  return record(Call::close, *machine, Machine::own_number(descriptor), result, fault.error != 0);
}

// --- sockets ---

CallResult SimKernel::bind(int descriptor, const SocketName& name) {
  return on_socket(Call::bind, descriptor, [&](Socket& socket, std::size_t) { return socket.bind(name); });
}
CallResult SimKernel::listen(int descriptor, int backlog) {
  return on_socket(Call::listen, descriptor, [&](Socket& socket, std::size_t) { return socket.listen(backlog); });
}
CallResult SimKernel::accept(int descriptor, SocketName& peer) {
  return on_socket(Call::accept, descriptor, [&](Socket& socket, std::size_t) {
    Machine& machine = *machine_of(descriptor);
    if (!machine.has_room()) return CallResult::failure(EMFILE);  // Linux takes the number before it looks at the queue
    int error = 0;
    if (!socket.has_connection(error)) return CallResult::failure(error);
    return machine.install(std::unique_ptr<File>(socket.accept(peer)));
  });
}
CallResult SimKernel::connect(int descriptor, const SocketName& name) {
  return on_socket(Call::connect, descriptor, [&](Socket& socket, std::size_t) { return socket.connect(name); });
}
CallResult SimKernel::shutdown(int descriptor, int how) {
  return on_socket(Call::shutdown, descriptor, [&](Socket& socket, std::size_t) { return socket.shutdown(how); });
}
CallResult SimKernel::local_name(int descriptor, SocketName& name) {
  return on_socket(Call::local_name, descriptor, [&](Socket& socket, std::size_t) { return socket.local_name(name); });
}
CallResult SimKernel::peer_name(int descriptor, SocketName& name) {
  return on_socket(Call::peer_name, descriptor, [&](Socket& socket, std::size_t) { return socket.peer_name(name); });
}
CallResult SimKernel::get_option(int descriptor, int level, int option, MutableBytes value) {
  return on_socket(Call::get_option, descriptor,
                   [&](Socket& socket, std::size_t) { return socket.get_option(level, option, value); });
}
CallResult SimKernel::set_option(int descriptor, int level, int option, Bytes value) {
  return on_socket(Call::set_option, descriptor,
                   [&](Socket& socket, std::size_t) { return socket.set_option(level, option, value); });
}

// --- bytes ---

CallResult SimKernel::receive(int descriptor, MutableBytes into) {
  return on_socket(Call::receive, descriptor,
                   [&](Socket& socket, std::size_t at_most) { return socket.receive(cut(into, at_most)); });
}
CallResult SimKernel::send(int descriptor, Bytes from) {
  return on_socket(Call::send, descriptor,
                   [&](Socket& socket, std::size_t at_most) { return socket.send(cut(from, at_most)); });
}
CallResult SimKernel::send_pieces(int descriptor, std::span<const iovec> pieces, bool) {
  return on_socket(Call::send_pieces, descriptor, [&](Socket& socket, std::size_t at_most) {
    const std::string bytes = joined(pieces);  // one call, one message, one segment
    return socket.send(socket.keeps_messages_apart() ? as_bytes(bytes) : cut(as_bytes(bytes), at_most));
  });
}
CallResult SimKernel::send_to(int descriptor, Bytes from, const SocketName& to) {
  return on_socket(Call::send_to, descriptor, [&](Socket& socket, std::size_t) { return socket.send_to(from, to); });
}
CallResult SimKernel::receive_from(int descriptor, MutableBytes into, SocketName& from) {
  return on_socket(Call::receive_from, descriptor,
                   [&](Socket& socket, std::size_t) { return socket.receive_from(into, from); });
}
CallResult SimKernel::send_with_descriptors(int descriptor, std::span<const iovec> pieces,
                                            std::span<const int> passed) {
  return on_socket(Call::send_with_descriptors, descriptor, [&](Socket& socket, std::size_t at_most) {
    if (passed.size() > PassedDescriptors::most) return CallResult::failure(EINVAL);
    const std::string bytes = joined(pieces);
    const Bytes offered = socket.keeps_messages_apart() ? as_bytes(bytes) : cut(as_bytes(bytes), at_most);
    if (socket.as_unix_socket() == nullptr) return socket.send(offered);  // sock_cmsg_send passes over them
    PassedFiles files;
    for (const int number : passed) {
      files.push_back(machine_of(descriptor)->share(number));
      if (files.back() == nullptr) return CallResult::failure(EBADF);
    }
    return socket.as_unix_socket()->send_with_files(offered, std::move(files));
  });
}
CallResult SimKernel::receive_with_descriptors(int descriptor, MutableBytes into, PassedDescriptors& passed) {
  passed.count = 0;
  passed.are_missing = false;
  return on_socket(Call::receive_with_descriptors, descriptor, [&](Socket& socket, std::size_t at_most) {
    if (socket.as_unix_socket() == nullptr) return socket.receive(cut(into, at_most));
    PassedFiles files;
    const CallResult got = socket.as_unix_socket()->receive_with_files(cut(into, at_most), files);
    for (std::shared_ptr<File>& file : files) {
      const CallResult number = machine_of(descriptor)->install(std::move(file));
      if (number) passed.numbers[passed.count++] = number.number();
      if (passed.are_missing = !number; passed.are_missing) break;
    }
    return got;
  });
}
CallResult SimKernel::read(int descriptor, MutableBytes into) {
  return on_file(Call::read, descriptor,
                 [&](File& file, std::size_t at_most) { return file.read(cut(into, at_most)); });
}
CallResult SimKernel::write(int descriptor, Bytes from) {
  return on_file(Call::write, descriptor,
                 [&](File& file, std::size_t at_most) { return file.write(cut(from, at_most)); });
}

CallResult SimKernel::read_pieces(int descriptor, std::span<const iovec> pieces) {
  return on_file(Call::read_pieces, descriptor, [&](File& file, std::size_t at_most) {
    return scattered(pieces, at_most, [&](MutableBytes into) { return file.read(into); });
  });
}
CallResult SimKernel::write_pieces(int descriptor, std::span<const iovec> pieces) {
  return on_file(Call::write_pieces, descriptor, [&](File& file, std::size_t at_most) {
    if (pieces.size() > most_pieces) return CallResult::failure(EINVAL);
    return file.write(cut(as_bytes(joined(pieces)), at_most));
  });
}

// --- files ---

CallResult SimKernel::unlink(const char* path) {
  return on_machine(Call::unlink, [&](Machine& machine) {
    return machine.files.erase(path) > 0 ? CallResult::success() : CallResult::failure(ENOENT);
  });
}

CallResult SimKernel::describe_file(const char* path, FileIdentity& identity) {
  return on_machine(Call::describe_file, [&](Machine& machine) {
    const auto found = machine.files.find(path);
    if (found == machine.files.end()) return CallResult::failure(ENOENT);
    identity = {.device = 1, .inode = found->second.inode, .is_socket = found->second.contents == nullptr};
    return CallResult::success();
  });
}

CallResult SimKernel::open_file(const char* path, int flags, unsigned) {
  return on_machine(Call::open_file, [&](Machine& machine) {
    const auto found = machine.files.find(path);
    if (found == machine.files.end() && (flags & O_CREAT) == 0) return CallResult::failure(ENOENT);
    if (found != machine.files.end() && (flags & O_EXCL) != 0 && (flags & O_CREAT) != 0) {
      return CallResult::failure(EEXIST);
    }
    FileNode& node = found != machine.files.end() ? found->second : machine.files[path];
    if (found == machine.files.end()) node = {std::make_shared<std::string>(), nullptr, machine.next_inode++};
    if (node.contents == nullptr) return CallResult::failure(ENXIO);  // a Unix socket's file
    if ((flags & O_TRUNC) != 0) node.contents->clear();
    return machine.install(std::make_unique<RegularFile>(node.contents, flags));
  });
}

CallResult SimKernel::file_size(int descriptor) {
  return on_file(Call::file_size, descriptor, [&](File& file, std::size_t) {
    const RegularFile* regular = file.as_regular_file();
    return regular != nullptr ? counted(regular->size()) : CallResult::failure(ESPIPE);
  });
}

CallResult SimKernel::file_kind(int descriptor, FileKind& kind) {
  return on_file(Call::file_kind, descriptor, [&](File& file, std::size_t) {
    kind = file.kind();
    return CallResult::success();
  });
}

CallResult SimKernel::status_flags(int descriptor) {
  return on_file(Call::status_flags, descriptor, [](File& file, std::size_t) {
    const int access = !file.can_be_written() ? O_RDONLY : !file.can_be_read() ? O_WRONLY : O_RDWR;
    return CallResult::success(access | file.changeable_flags());
  });
}

CallResult SimKernel::set_status_flags(int descriptor, int flags) {
  return on_file(Call::set_status_flags, descriptor, [&](File& file, std::size_t) {
    file.set_changeable_flags(flags);
    return CallResult::success();
  });
}

CallResult SimKernel::read_at(int descriptor, MutableBytes into, std::uint64_t offset) {
  return on_file(Call::read_at, descriptor, [&](File& file, std::size_t at_most) {
    const RegularFile* regular = file.as_regular_file();
    return regular != nullptr ? regular->read_at(cut(into, at_most), offset) : CallResult::failure(ESPIPE);
  });
}

CallResult SimKernel::read_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  return on_file(Call::read_pieces_at, descriptor, [&](File& file, std::size_t at_most) {
    const RegularFile* regular = file.as_regular_file();
    if (regular == nullptr) return CallResult::failure(ESPIPE);
    return scattered(pieces, at_most, [&](MutableBytes into) { return regular->read_at(into, offset); });
  });
}

CallResult SimKernel::write_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  return on_file(Call::write_pieces_at, descriptor, [&](File& file, std::size_t at_most) {
    RegularFile* regular = file.as_regular_file();
    if (regular == nullptr) return CallResult::failure(ESPIPE);
    if (pieces.size() > most_pieces) return CallResult::failure(EINVAL);
    return regular->write_at(cut(as_bytes(joined(pieces)), at_most), offset);
  });
}

CallResult SimKernel::send_file(int socket, int file, std::uint64_t offset, std::size_t count) {
  return on_file(Call::send_file, socket, [&](File& to, std::size_t at_most) {
    File* from = find(file);
    if (from == nullptr || !from->can_be_read()) return CallResult::failure(EBADF);
    const RegularFile* regular = from->as_regular_file();
    if (regular == nullptr) return CallResult::failure(ESPIPE);
    if (!to.can_be_written()) return CallResult::failure(EBADF);
    const Bytes part = regular->part(offset, std::min(count, std::max<std::size_t>(at_most, 1)));
    return part.empty() ? CallResult::success() : to.write(part);
  });
}

CallResult SimKernel::fill_pipe(int socket, int pipe, std::size_t count) {
  return on_file(Call::fill_pipe, socket, [&](File& from, std::size_t at_most) {
    File* to = find(pipe);
    if (to == nullptr || !to->can_be_written() || !from.can_be_read()) return CallResult::failure(EBADF);
    PipeWriter* writer = to->as_pipe_writer();
    if (writer == nullptr || from.as_socket() == nullptr) return CallResult::failure(EINVAL);
    return writer->fill(*from.as_socket(), std::min(count, std::max<std::size_t>(at_most, 1)));
  });
}

CallResult SimKernel::drain_pipe(int pipe, int socket, std::size_t count) {
  return on_file(Call::drain_pipe, socket, [&](File& to, std::size_t at_most) {
    File* from = find(pipe);
    if (from == nullptr || !from->can_be_read() || !to.can_be_written()) return CallResult::failure(EBADF);
    PipeReader* reader = from->as_pipe_reader();
    if (reader == nullptr || to.as_socket() == nullptr) return CallResult::failure(EINVAL);
    return reader->drain(*to.as_socket(), std::min(count, std::max<std::size_t>(at_most, 1)));
  });
}

CallResult SimKernel::set_pipe_size(int pipe, std::size_t size) {
  return on_file(Call::set_pipe_size, pipe, [&](File& file, std::size_t) {
    PipeWriter* writer = file.as_pipe_writer();
    return writer != nullptr ? writer->resize(size) : CallResult::failure(EBADF);
  });
}

// --- epoll ---

CallResult SimKernel::control_epoll(int epoll, int operation, int descriptor, epoll_event event) {
  return on_file(Call::control_epoll, epoll, [&](File& file, std::size_t) {
    const Machine* owner = machine_of(descriptor);
    const Machine* user = machine_of(epoll);
    if (owner != nullptr && owner != user) {
      trace_.remark(timeline_.now(), "descriptor " + std::to_string(Machine::own_number(descriptor)) + " of " +
                                         owner->name() + " was given to a loop of " + user->name() +
                                         ": it was opened outside of " + user->name() + "'s run()");
    }
    File* watched = owner == user ? find(descriptor) : nullptr;
    if (watched == nullptr) return CallResult::failure(EBADF);
    if (!watched->can_be_polled()) return CallResult::failure(EPERM);
    if (file.as_epoll() == nullptr) return CallResult::failure(EINVAL);
    return file.as_epoll()->control(operation, descriptor, *watched, event);
  });
}

}  // namespace weir::sys
