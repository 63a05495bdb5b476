// weir: the descriptors that are under way in a simulated machine's Unix sockets.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/in_flight.h"

#include <iterator>
#include <set>
#include <utility>

#include "weir/sys/sim_kernel/unix_socket.h"

namespace weir::sys {

bool InFlight::take_off(const PassedFiles& files, std::size_t limit) {
  if (!files.empty() && count_ > limit) return false;
  count_ += files.size();
  for (const auto& file : files) {
    UnixSocket* socket = file->as_unix_socket();
    if (socket != nullptr && !std::exchange(socket->was_passed_, true)) sockets_.push_back(socket);
  }
  return true;
}

void InFlight::forget(const UnixSocket& socket) noexcept {
  has_lost_socket_ = true;
  if (socket.was_passed_) std::erase(sockets_, &socket);
}

void InFlight::collect(std::span<const std::shared_ptr<File>> open) {
  if (!has_lost_socket_ || sockets_.empty()) return;
  garbage(open).clear();  // which may be the end of sockets: so no list of them is gone through any more
  has_lost_socket_ = false;
}

PassedFiles InFlight::garbage(std::span<const std::shared_ptr<File>> open) {
  std::set<const UnixSocket*> reached;
  std::vector<UnixSocket*> to_visit;
  const auto reach = [&](const std::shared_ptr<File>& file) {
    UnixSocket* socket = file != nullptr ? file->as_unix_socket() : nullptr;
    if (socket != nullptr && reached.insert(socket).second) to_visit.push_back(socket);
  };
  for (const auto& file : open) reach(file);
  while (!to_visit.empty()) {
    UnixSocket* socket = to_visit.back();
    to_visit.pop_back();
    for (const auto& piece : socket->pieces_) {
      for (const auto& file : piece.files) reach(file);
    }
    for (const auto& waiting : socket->waiting_) {
      if (reached.insert(waiting.get()).second) to_visit.push_back(waiting.get());
    }
  }
  PassedFiles taken;
  const auto empty = [&](UnixSocket& socket) {
    for (auto& piece : socket.pieces_) {
      landed(piece.files.size());
      std::move(piece.files.begin(), piece.files.end(), std::back_inserter(taken));
      piece.files.clear();
    }
  };
  for (UnixSocket* socket : sockets_) {
    if (reached.contains(socket)) continue;
    empty(*socket);
    for (const auto& waiting : socket->waiting_) empty(*waiting);
  }
  return taken;
}

}  // namespace weir::sys
