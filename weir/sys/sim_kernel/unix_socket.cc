// weir: simulated Unix stream sockets.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/unix_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace weir::sys {
namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

/// A path ends at its first NUL; an abstract name, which begins with one, at the end of what was given. unix(7)
int read_name(const SocketName& from, std::string& into) {
  if (from.length < sizeof(sa_family_t) || from.length > sizeof(sockaddr_un)) return EINVAL;
  if (from.any.sa_family != AF_UNIX) return EINVAL;
  const char* begin = from.local.sun_path;
  const std::size_t most = from.length > path_offset ? from.length - path_offset : 0;
  into.assign(begin, most > 0 && begin[0] != '\0' ? ::strnlen(begin, most) : most);
  return 0;
}

SocketName told(const std::string& name) {
  SocketName result;
  result.local.sun_family = AF_UNIX;
  std::memcpy(result.local.sun_path, name.data(), std::min(name.size(), sizeof result.local.sun_path));
  const bool is_path = !name.empty() && name[0] != '\0';
  result.length =
      static_cast<socklen_t>(name.empty() ? sizeof(sa_family_t) : path_offset + name.size() + (is_path ? 1 : 0));
  return result;
}

bool is_abstract(const std::string& name) { return name[0] == '\0'; }

}  // namespace

UnixSocket::~UnixSocket() {
  close(false);
  for (const Piece& piece : pieces_) machine_.in_flight.landed(piece.files.size());
  machine_.in_flight.forget(*this);
  if (name_.empty()) return;
  if (is_abstract(name_)) {
    const auto found = machine_.abstract_names.find(name_);
    if (found != machine_.abstract_names.end() && found->second == this) machine_.abstract_names.erase(found);
  } else if (const auto found = machine_.files.find(name_); found != machine_.files.end()) {
    if (found->second.socket == this) found->second.socket = nullptr;  // the file stays
  }
}

/// The peer can read what it has, and then sees the end; or a reset, where something was left unread here.
void UnixSocket::close(bool was_waiting) {
  while (!waiting_.empty()) {
    waiting_.front()->close(true);
    waiting_.pop_front();
  }
  if (peer_ == nullptr) return;
  UnixSocket& peer = *std::exchange(peer_, nullptr);
  peer.peer_ = nullptr;
  peer.peer_name_ = name_;
  peer.is_receive_shut_ = peer.is_send_shut_ = true;
  if (was_waiting || !queue_.is_empty()) peer.error_ = ECONNRESET;
  peer.wake(anything);
}

void UnixSocket::join(UnixSocket& a, UnixSocket& b) noexcept {
  a.state_ = b.state_ = State::connected;
  a.peer_ = &b;
  b.peer_ = &a;
}

std::uint32_t UnixSocket::readiness() {
  std::uint32_t events = error_ != 0 ? EPOLLERR : 0U;
  if (is_receive_shut_ && is_send_shut_) events |= EPOLLHUP;
  if (is_receive_shut_) events |= readable | EPOLLRDHUP;
  if (state_ == State::listening) return events | (waiting_.empty() ? 0U : readable);
  if (!queue_.is_empty()) events |= readable;
  if (state_ == State::fresh) events |= EPOLLHUP;
  if (has_room()) events |= writable;
  return events;
}

CallResult UnixSocket::bind(const SocketName& name) {
  std::string wanted;
  if (const int error = read_name(name, wanted)) return CallResult::failure(error);
  if (wanted.empty()) return CallResult::failure(EINVAL);
  const bool is_free = is_abstract(wanted) || !machine_.files.contains(wanted);  // Linux makes the file before it looks
  if (!name_.empty()) return CallResult::failure(is_free ? EINVAL : EADDRINUSE);
  if (is_abstract(wanted)) {
    if (!machine_.abstract_names.try_emplace(wanted, this).second) return CallResult::failure(EADDRINUSE);
  } else {
    const auto [found, is_new] = machine_.files.try_emplace(wanted);
    if (!is_new) return CallResult::failure(EADDRINUSE);
    found->second.socket = this;
    found->second.inode = machine_.next_inode++;
  }
  name_ = std::move(wanted);
  return CallResult::success();
}

CallResult UnixSocket::listen(int backlog) {
  if (state_ == State::connected || name_.empty()) return CallResult::failure(EINVAL);
  const int most = machine_.options().largest_backlog;
  backlog_ = static_cast<std::size_t>(backlog < 0 ? most : std::min(backlog, most));
  state_ = State::listening;
  return CallResult::success();
}

bool UnixSocket::has_connection(int& error) {
  if (state_ == State::listening && !waiting_.empty()) return true;
  error = state_ == State::listening ? EAGAIN : EINVAL;
  return false;
}

Socket* UnixSocket::accept(SocketName& peer) {
  std::unique_ptr<UnixSocket> accepted = std::move(waiting_.front());
  waiting_.pop_front();
  peer = told(accepted->name_of_peer());
  return accepted.release();
}

UnixSocket* UnixSocket::find(const std::string& name, int& error) const {
  error = ECONNREFUSED;
  if (name.empty()) {
    error = EINVAL;
    return nullptr;
  }
  if (is_abstract(name)) {
    const auto found = machine_.abstract_names.find(name);
    return found != machine_.abstract_names.end() ? found->second : nullptr;
  }
  const auto found = machine_.files.find(name);
  if (found == machine_.files.end()) error = ENOENT;
  return found != machine_.files.end() ? found->second.socket : nullptr;
}

CallResult UnixSocket::connect(const SocketName& name) {
  std::string wanted;
  if (const int error = read_name(name, wanted)) return CallResult::failure(error);
  int error = 0;
  UnixSocket* listener = find(wanted, error);
  if (listener == nullptr) return CallResult::failure(error);
  if (listener->state_ != State::listening || listener->is_receive_shut_) return CallResult::failure(ECONNREFUSED);
  if (listener->waiting_.size() > listener->backlog_) return CallResult::failure(EAGAIN);
  if (state_ == State::connected) return CallResult::failure(EISCONN);
  if (state_ == State::listening) return CallResult::failure(EINVAL);
  auto other = std::make_unique<UnixSocket>(machine_);
  join(*this, *other);
  other->name_ = listener->name_;
  listener->waiting_.push_back(std::move(other));
  listener->wake(readable);
  return CallResult::success();
}

CallResult UnixSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return CallResult::failure(EINVAL);
  is_receive_shut_ |= how != SHUT_WR;
  is_send_shut_ |= how != SHUT_RD;
  wake(anything);
  if (peer_ != nullptr) {
    peer_->is_send_shut_ |= how != SHUT_WR;
    peer_->is_receive_shut_ |= how != SHUT_RD;
    peer_->wake(anything);
  }
  return CallResult::success();
}

CallResult UnixSocket::local_name(SocketName& name) {
  name = told(name_);
  return CallResult::success();
}

CallResult UnixSocket::peer_name(SocketName& name) {
  if (state_ != State::connected) return CallResult::failure(ENOTCONN);
  name = told(name_of_peer());
  return CallResult::success();
}

CallResult UnixSocket::get_option(int level, int option, MutableBytes value) {
  if (level == SOL_SOCKET && option == SO_ERROR) return SocketOptions::answer(value, std::exchange(error_, 0));
  if (level == SOL_SOCKET && option == SO_ACCEPTCONN) {
    return SocketOptions::answer(value, state_ == State::listening ? 1 : 0);
  }
  return options_.get(level, option, value);
}

CallResult UnixSocket::receive(MutableBytes into) {
  PassedFiles lost;
  return receive_with_files(into, lost);
}

CallResult UnixSocket::receive_with_files(MutableBytes into, PassedFiles& files) {
  if (state_ != State::connected) return CallResult::failure(EINVAL);
  if (queue_.is_empty()) {
    if (error_ != 0) return CallResult::failure(std::exchange(error_, 0));
    return is_receive_shut_ ? CallResult::success() : CallResult::failure(EAGAIN);
  }
  const std::size_t before = pieces_.size();
  const std::size_t count = take_pieces(into.size(), files);
  (void)queue_.take(into.first(count));
  // Linux gives back the room that a send took, and tells its sender, once all of its bytes are read.
  if (pieces_.size() < before && peer_ != nullptr && peer_->has_room()) peer_->wake(writable);
  return CallResult::success(static_cast<std::int64_t>(count));
}

/// How many bytes one receive takes, as unix_stream_read_generic goes through what was sent: it looks at the first piece even
/// without room for a byte, and goes no further when that had files.
std::size_t UnixSocket::take_pieces(std::size_t room, PassedFiles& files) {
  std::size_t count = 0;
  for (bool goes_on = true; goes_on && !pieces_.empty();) {
    Piece& piece = pieces_.front();
    const std::size_t taken = std::min(room - count, piece.size);
    count += taken;
    piece.size -= taken;
    const bool had_files = !piece.files.empty();
    machine_.in_flight.landed(piece.files.size());
    files.insert(files.end(), piece.files.begin(), piece.files.end());
    piece.files.clear();
    goes_on = piece.size == 0 && !had_files && count < room;
    if (piece.size == 0) pieces_.pop_front();
  }
  return count;
}

CallResult UnixSocket::receive_from(MutableBytes into, SocketName& from) {
  const bool has_name = !queue_.is_empty() && !name_of_peer().empty();
  if (has_name) from = told(name_of_peer());
  if (!has_name) from.length = 0;
  return receive(into);
}

CallResult UnixSocket::send_with_files(Bytes from, PassedFiles files) {
  if (state_ != State::connected) return CallResult::failure(ENOTCONN);
  if (is_send_shut_) return CallResult::failure(EPIPE);
  if (peer_ == nullptr || peer_->is_receive_shut_) return CallResult::failure(EPIPE);
  if (from.empty()) return CallResult::success();
  const std::size_t used = queued_at_peer();
  if (used >= options_.send_buffer) return CallResult::failure(EAGAIN);
  if (!machine_.in_flight.take_off(files, machine_.options().descriptor_limit))
    return CallResult::failure(ETOOMANYREFS);
  const Bytes taken = from.first(std::min(from.size(), options_.send_buffer - used));
  peer_->queue_.append(taken);
  peer_->pieces_.push_back({taken.size(), std::move(files)});
  peer_->wake(readable);
  return CallResult::success(static_cast<std::int64_t>(taken.size()));
}

}  // namespace weir::sys
