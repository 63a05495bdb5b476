// weir: a kernel that fails on purpose, by a plan.
// SPDX-License-Identifier: MIT
#include "weir/sys/fault_kernel.h"

#include <algorithm>
#include <cerrno>

#include "weir/sys/real_kernel.h"

namespace weir::sys {
namespace {

constexpr std::size_t trace_length = 256;

Kernel& kernel_of_thread() {
  static RealKernel real;
  return installed_kernel != nullptr ? *installed_kernel : real;
}

/// The first `at_most` bytes of the pieces. A limit of 0 would read as an end, so at least one byte is let through.
std::vector<iovec> shortened(std::span<const iovec> pieces, std::size_t at_most) {
  std::vector<iovec> result;
  std::size_t left = std::max<std::size_t>(at_most, 1);
  for (const iovec& piece : pieces) {
    if (left == 0) break;
    result.push_back({.iov_base = piece.iov_base, .iov_len = std::min(piece.iov_len, left)});
    left -= result.back().iov_len;
  }
  return result;
}

std::size_t size_of(std::span<const iovec> pieces) {
  std::size_t sum = 0;
  for (const iovec& piece : pieces) sum += piece.iov_len;
  return sum;
}

/// True when it was the plan, not the kernel below, that made the count short: only then is there more without an edge.
bool was_cut(CallResult result, std::size_t allowed, std::size_t wanted) {
  return result && allowed < wanted && result.count() == allowed;
}

template <class Span>
Span shortened_span(Span bytes, std::size_t at_most) {
  return bytes.first(std::min(bytes.size(), std::max<std::size_t>(at_most, 1)));
}

}  // namespace

FaultKernel::FaultKernel(FaultPlan plan, Kernel* below)
    : plan_(std::move(plan)),
      below_(below != nullptr ? below : &kernel_of_thread()) {}

std::uint64_t FaultKernel::all_calls() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts_) sum += count;
  return sum;
}

std::string FaultKernel::trace() const {
  std::string text;
  for (std::size_t i = 0; i < trace_.size(); ++i) {
    const TraceEntry& entry = trace_[(trace_next_ + i) % trace_.size()];
    text += std::string(name_of(entry.call)) + " on " + std::to_string(entry.descriptor) + ": " +
            (entry.error == 0 ? "ok" : "error " + std::to_string(entry.error)) +
            (entry.injected ? " (injected)\n" : "\n");
  }
  return text;
}

/// Asks the plan, then either fails or lets `through(at_most)` make the call.
template <class Through>
CallResult FaultKernel::pass(Call call, int descriptor, Through through) {
  ++counts_[static_cast<std::size_t>(call)];
  const Fault fault = plan_.decide(call);
  if (fault.error == 0) return record(call, descriptor, through(fault.at_most), fault.at_most != unlimited);
  if (fault.error == EAGAIN) owe_readiness(call, descriptor);
  return record(call, descriptor, CallResult::failure(fault.error), true);
}

/// As pass, where `through` gets as many of the pieces as the plan allows.
template <class Through>
CallResult FaultKernel::pass_pieces(Call call, int descriptor, std::span<const iovec> pieces, Through through) {
  return pass(call, descriptor, [&](std::size_t at_most) {
    if (at_most == unlimited) return through(pieces);
    const std::vector<iovec> offered = shortened(pieces, at_most);
    const CallResult result = through(std::span<const iovec>(offered));
    if (was_cut(result, size_of(offered), size_of(pieces))) owe_readiness(call, descriptor);
    return result;
  });
}

CallResult FaultKernel::record(Call call, int descriptor, CallResult result, bool injected) {
  if (injected) ++injected_;
  const TraceEntry entry{call, descriptor, result.error_number(), injected};
  if (trace_.size() < trace_length) {
    trace_.push_back(entry);
  } else {
    trace_[trace_next_] = entry;
    trace_next_ = (trace_next_ + 1) % trace_length;
  }
  return result;
}

void FaultKernel::owe_readiness(Call call, int descriptor) {
  const auto found = registrations_.find(descriptor);
  if (found == registrations_.end()) return;
  const bool writes = call == Call::send || call == Call::send_pieces || call == Call::send_to ||
                      call == Call::send_with_descriptors || call == Call::send_file || call == Call::drain_pipe ||
                      call == Call::write || call == Call::write_pieces;
  if (found->second.owed == 0) ++owing_;
  found->second.owed |= writes ? EPOLLOUT : EPOLLIN;
}

std::size_t FaultKernel::pay_readiness(int epoll, std::span<epoll_event> events) {
  std::size_t paid = 0;
  for (auto& [descriptor, registration] : registrations_) {
    if (registration.owed == 0 || registration.epoll != epoll || paid == events.size()) continue;
    events[paid] = registration.event;
    events[paid++].events = registration.owed;
    registration.owed = 0;
    --owing_;
  }
  return paid;
}

CallResult FaultKernel::open_socket(int family, int type, int protocol) {
  return pass(Call::open_socket, -1, [&](std::size_t) { return below_->open_socket(family, type, protocol); });
}
CallResult FaultKernel::create_socket_pair(int family, int type, std::array<int, 2>& ends) {
  return pass(Call::create_socket_pair, -1,
              [&](std::size_t) { return below_->create_socket_pair(family, type, ends); });
}
CallResult FaultKernel::bind(int descriptor, const SocketName& name) {
  return pass(Call::bind, descriptor, [&](std::size_t) { return below_->bind(descriptor, name); });
}
CallResult FaultKernel::listen(int descriptor, int backlog) {
  return pass(Call::listen, descriptor, [&](std::size_t) { return below_->listen(descriptor, backlog); });
}
CallResult FaultKernel::accept(int descriptor, SocketName& peer) {
  return pass(Call::accept, descriptor, [&](std::size_t) { return below_->accept(descriptor, peer); });
}
CallResult FaultKernel::connect(int descriptor, const SocketName& name) {
  return pass(Call::connect, descriptor, [&](std::size_t) { return below_->connect(descriptor, name); });
}
CallResult FaultKernel::shutdown(int descriptor, int how) {
  return pass(Call::shutdown, descriptor, [&](std::size_t) { return below_->shutdown(descriptor, how); });
}
CallResult FaultKernel::local_name(int descriptor, SocketName& name) {
  return pass(Call::local_name, descriptor, [&](std::size_t) { return below_->local_name(descriptor, name); });
}
CallResult FaultKernel::peer_name(int descriptor, SocketName& name) {
  return pass(Call::peer_name, descriptor, [&](std::size_t) { return below_->peer_name(descriptor, name); });
}
CallResult FaultKernel::get_option(int descriptor, int level, int option, MutableBytes value) {
  return pass(Call::get_option, descriptor,
              [&](std::size_t) { return below_->get_option(descriptor, level, option, value); });
}
CallResult FaultKernel::set_option(int descriptor, int level, int option, Bytes value) {
  return pass(Call::set_option, descriptor,
              [&](std::size_t) { return below_->set_option(descriptor, level, option, value); });
}
CallResult FaultKernel::receive(int descriptor, MutableBytes into) {
  return pass(Call::receive, descriptor, [&](std::size_t at_most) {
    const MutableBytes room = shortened_span(into, at_most);
    const CallResult result = below_->receive(descriptor, room);
    if (was_cut(result, room.size(), into.size())) owe_readiness(Call::receive, descriptor);
    return result;
  });
}
CallResult FaultKernel::send(int descriptor, Bytes from) {
  return pass(Call::send, descriptor, [&](std::size_t at_most) {
    const Bytes offered = shortened_span(from, at_most);
    const CallResult result = below_->send(descriptor, offered);
    if (was_cut(result, offered.size(), from.size())) owe_readiness(Call::send, descriptor);
    return result;
  });
}
CallResult FaultKernel::send_pieces(int descriptor, std::span<const iovec> pieces, bool more_follows) {
  return pass_pieces(Call::send_pieces, descriptor, pieces, [&](std::span<const iovec> offered) {
    return below_->send_pieces(descriptor, offered, more_follows);
  });
}
CallResult FaultKernel::send_to(int descriptor, Bytes from, const SocketName& to) {
  return pass(Call::send_to, descriptor, [&](std::size_t) { return below_->send_to(descriptor, from, to); });
}
CallResult FaultKernel::receive_from(int descriptor, MutableBytes into, SocketName& from) {
  return pass(Call::receive_from, descriptor,
              [&](std::size_t) { return below_->receive_from(descriptor, into, from); });
}
CallResult FaultKernel::send_with_descriptors(int descriptor, std::span<const iovec> pieces,
                                              std::span<const int> passed) {
  return pass_pieces(Call::send_with_descriptors, descriptor, pieces, [&](std::span<const iovec> offered) {
    return below_->send_with_descriptors(descriptor, offered, passed);
  });
}
CallResult FaultKernel::receive_with_descriptors(int descriptor, MutableBytes into, PassedDescriptors& passed) {
  passed.count = 0;
  passed.are_missing = false;
  return pass(Call::receive_with_descriptors, descriptor, [&](std::size_t at_most) {
    const MutableBytes room = shortened_span(into, at_most);
    const CallResult result = below_->receive_with_descriptors(descriptor, room, passed);
    if (was_cut(result, room.size(), into.size())) owe_readiness(Call::receive_with_descriptors, descriptor);
    return result;
  });
}
CallResult FaultKernel::read(int descriptor, MutableBytes into) {
  return pass(Call::read, descriptor,
              [&](std::size_t at_most) { return below_->read(descriptor, shortened_span(into, at_most)); });
}
CallResult FaultKernel::write(int descriptor, Bytes from) {
  return pass(Call::write, descriptor,
              [&](std::size_t at_most) { return below_->write(descriptor, shortened_span(from, at_most)); });
}

CallResult FaultKernel::read_pieces(int descriptor, std::span<const iovec> pieces) {
  return pass_pieces(Call::read_pieces, descriptor, pieces,
                     [&](std::span<const iovec> offered) { return below_->read_pieces(descriptor, offered); });
}
CallResult FaultKernel::write_pieces(int descriptor, std::span<const iovec> pieces) {
  return pass_pieces(Call::write_pieces, descriptor, pieces,
                     [&](std::span<const iovec> offered) { return below_->write_pieces(descriptor, offered); });
}

/// Linux closes the descriptor whatever close(2) answers, so an injected error closes it too.
CallResult FaultKernel::close(int descriptor) {
  const CallResult closed = below_->close(descriptor);
  if (const auto found = registrations_.find(descriptor); found != registrations_.end()) {
    if (found->second.owed != 0) --owing_;
    registrations_.erase(found);
  }
  return pass(Call::close, descriptor, [&](std::size_t) { return closed; });
}

CallResult FaultKernel::unlink(const char* path) {
  return pass(Call::unlink, -1, [&](std::size_t) { return below_->unlink(path); });
}
CallResult FaultKernel::describe_file(const char* path, FileIdentity& identity) {
  return pass(Call::describe_file, -1, [&](std::size_t) { return below_->describe_file(path, identity); });
}
CallResult FaultKernel::open_file(const char* path, int flags, unsigned mode) {
  return pass(Call::open_file, -1, [&](std::size_t) { return below_->open_file(path, flags, mode); });
}
CallResult FaultKernel::file_size(int descriptor) {
  return pass(Call::file_size, descriptor, [&](std::size_t) { return below_->file_size(descriptor); });
}
CallResult FaultKernel::file_kind(int descriptor, FileKind& kind) {
  return pass(Call::file_kind, descriptor, [&](std::size_t) { return below_->file_kind(descriptor, kind); });
}
CallResult FaultKernel::status_flags(int descriptor) {
  return pass(Call::status_flags, descriptor, [&](std::size_t) { return below_->status_flags(descriptor); });
}
CallResult FaultKernel::set_status_flags(int descriptor, int flags) {
  return pass(Call::set_status_flags, descriptor,
              [&](std::size_t) { return below_->set_status_flags(descriptor, flags); });
}
CallResult FaultKernel::read_at(int descriptor, MutableBytes into, std::uint64_t offset) {
  return pass(Call::read_at, descriptor,
              [&](std::size_t at_most) { return below_->read_at(descriptor, shortened_span(into, at_most), offset); });
}
CallResult FaultKernel::read_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  return pass_pieces(Call::read_pieces_at, descriptor, pieces, [&](std::span<const iovec> offered) {
    return below_->read_pieces_at(descriptor, offered, offset);
  });
}
CallResult FaultKernel::write_pieces_at(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) {
  return pass_pieces(Call::write_pieces_at, descriptor, pieces, [&](std::span<const iovec> offered) {
    return below_->write_pieces_at(descriptor, offered, offset);
  });
}
CallResult FaultKernel::send_file(int socket, int file, std::uint64_t offset, std::size_t count) {
  return pass(Call::send_file, socket, [&](std::size_t at_most) {
    const std::size_t offered = std::min(count, std::max<std::size_t>(at_most, 1));
    const CallResult result = below_->send_file(socket, file, offset, offered);
    if (was_cut(result, offered, count)) owe_readiness(Call::send_file, socket);
    return result;
  });
}
CallResult FaultKernel::create_pipe(std::array<int, 2>& ends) {
  return pass(Call::create_pipe, -1, [&](std::size_t) { return below_->create_pipe(ends); });
}
CallResult FaultKernel::fill_pipe(int socket, int pipe, std::size_t count) {
  return pass(Call::fill_pipe, socket, [&](std::size_t at_most) {
    const std::size_t offered = std::min(count, std::max<std::size_t>(at_most, 1));
    const CallResult result = below_->fill_pipe(socket, pipe, offered);
    if (was_cut(result, offered, count)) owe_readiness(Call::fill_pipe, socket);
    return result;
  });
}
CallResult FaultKernel::drain_pipe(int pipe, int socket, std::size_t count) {
  return pass(Call::drain_pipe, socket, [&](std::size_t at_most) {
    const std::size_t offered = std::min(count, std::max<std::size_t>(at_most, 1));
    const CallResult result = below_->drain_pipe(pipe, socket, offered);
    if (was_cut(result, offered, count)) owe_readiness(Call::drain_pipe, socket);
    return result;
  });
}
CallResult FaultKernel::set_pipe_size(int pipe, std::size_t size) {
  return pass(Call::set_pipe_size, pipe, [&](std::size_t) { return below_->set_pipe_size(pipe, size); });
}
CallResult FaultKernel::create_event_counter() {
  return pass(Call::create_event_counter, -1, [&](std::size_t) { return below_->create_event_counter(); });
}
CallResult FaultKernel::create_epoll() {
  return pass(Call::create_epoll, -1, [&](std::size_t) { return below_->create_epoll(); });
}

CallResult FaultKernel::control_epoll(int epoll, int operation, int descriptor, epoll_event event) {
  const CallResult result = pass(Call::control_epoll, descriptor, [&](std::size_t) {
    return below_->control_epoll(epoll, operation, descriptor, event);
  });
  if (!result) return result;
  const auto found = registrations_.find(descriptor);
  if (operation == EPOLL_CTL_DEL) {
    if (found != registrations_.end() && found->second.owed != 0) --owing_;
    registrations_.erase(descriptor);
  } else if (found != registrations_.end()) {
    found->second.event = event;
  } else {
    registrations_.emplace(descriptor, Registration{epoll, event});
  }
  return result;
}

CallResult FaultKernel::wait_epoll(int epoll, std::span<epoll_event> events, Duration timeout) {
  return pass(Call::wait_epoll, epoll, [&](std::size_t) {
    if (owing_ == 0) return below_->wait_epoll(epoll, events, timeout);
    const std::size_t paid = pay_readiness(epoll, events);
    if (paid == events.size()) return CallResult::success(static_cast<std::int64_t>(paid));
    const CallResult more = below_->wait_epoll(epoll, events.subspan(paid), paid > 0 ? Duration::zero() : timeout);
    if (!more) return paid > 0 ? CallResult::success(static_cast<std::int64_t>(paid)) : more;
    return CallResult::success(static_cast<std::int64_t>(paid + more.count()));
  });
}

/// Owes nothing: what is ready is reported at every call.
CallResult FaultKernel::poll(std::span<pollfd> entries, Duration timeout) {
  return pass(Call::poll, -1, [&](std::size_t) { return below_->poll(entries, timeout); });
}

}  // namespace weir::sys
