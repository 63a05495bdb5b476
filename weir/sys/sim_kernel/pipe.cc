// weir: pipes, event counters and regular files of the simulated kernel.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/pipe.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace weir::sys {

PipeReader::~PipeReader() {
  queue_->reader = nullptr;
  if (queue_->writer != nullptr) queue_->writer->wake(anything);
}

std::uint32_t PipeReader::readiness() {
  return (queue_->bytes.is_empty() ? 0U : readable) | (queue_->writer == nullptr ? EPOLLHUP : 0U);
}

CallResult PipeReader::read(MutableBytes into) {
  if (into.empty()) return CallResult::success();
  if (queue_->bytes.is_empty()) return queue_->writer == nullptr ? CallResult::success() : CallResult::failure(EAGAIN);
  const bool had_room = queue_->has_room();
  const std::size_t count = queue_->bytes.take(into);
  if (!had_room && queue_->writer != nullptr) queue_->writer->wake(writable);
  return CallResult::success(static_cast<std::int64_t>(count));
}

PipeWriter::~PipeWriter() {
  queue_->writer = nullptr;
  if (queue_->reader != nullptr) queue_->reader->wake(anything);
}

std::uint32_t PipeWriter::readiness() {
  return (queue_->has_room() ? writable : 0U) | (queue_->reader == nullptr ? EPOLLERR : 0U);
}

CallResult PipeWriter::write(Bytes from) {
  if (from.empty()) return CallResult::success();
  if (queue_->reader == nullptr) return CallResult::failure(EPIPE);
  const std::size_t room = queue_->capacity - queue_->bytes.size();
  if (room == 0 || (from.size() <= PipeQueue::atomic_size && from.size() > room)) return CallResult::failure(EAGAIN);
  const Bytes taken = from.first(std::min(from.size(), room));
  queue_->bytes.append(taken);
  queue_->reader->wake(readable);
  return CallResult::success(static_cast<std::int64_t>(taken.size()));
}

CallResult PipeReader::drain(Socket& to, std::size_t count) {
  if (queue_->bytes.is_empty()) return queue_->writer == nullptr ? CallResult::success() : CallResult::failure(EAGAIN);
  std::vector<std::byte> front(std::min(count, queue_->bytes.size()));
  queue_->bytes.copy_to(front);
  const CallResult sent = to.send(front);
  if (!sent) return sent;
  const bool had_room = queue_->has_room();
  queue_->bytes.drop(sent.count());
  if (!had_room && queue_->writer != nullptr) queue_->writer->wake(writable);
  return sent;
}

CallResult PipeWriter::fill(Socket& from, std::size_t count) {
  if (queue_->reader == nullptr) return CallResult::failure(EPIPE);
  const std::size_t room = queue_->capacity - queue_->bytes.size();
  if (room == 0) return CallResult::failure(EAGAIN);
  std::vector<std::byte> bytes(std::min(count, room));
  const CallResult got = from.receive(bytes);
  if (!got || got.count() == 0) return got;
  queue_->bytes.append(std::span(bytes).first(got.count()));
  queue_->reader->wake(readable);
  return got;
}

CallResult PipeWriter::resize(std::size_t size) {
  constexpr std::size_t largest = 1 << 20;
  if (size > largest) return CallResult::failure(EPERM);
  const std::size_t capacity = std::bit_ceil(std::max(size, PipeQueue::atomic_size));
  if (capacity < queue_->bytes.size()) return CallResult::failure(EBUSY);
  queue_->capacity = capacity;
  return CallResult::success(static_cast<std::int64_t>(capacity));
}

std::uint32_t EventCounter::readiness() { return (count_ > 0 ? EPOLLIN : 0U) | (count_ < most ? EPOLLOUT : 0U); }

CallResult EventCounter::read(MutableBytes into) {
  if (into.size() < sizeof count_) return CallResult::failure(EINVAL);
  if (count_ == 0) return CallResult::failure(EAGAIN);
  std::memcpy(into.data(), &count_, sizeof count_);
  count_ = 0;
  wake(EPOLLOUT);
  return CallResult::success(sizeof count_);
}

CallResult EventCounter::write(Bytes from) {
  std::uint64_t added = 0;
  if (from.size() != sizeof added) return CallResult::failure(EINVAL);
  std::memcpy(&added, from.data(), sizeof added);
  if (added > most) return CallResult::failure(EINVAL);
  if (added > most - count_) return CallResult::failure(EAGAIN);
  count_ += added;
  wake(EPOLLIN);
  return CallResult::success(sizeof added);
}

Bytes RegularFile::part(std::uint64_t offset, std::size_t count) const {
  const std::size_t at = static_cast<std::size_t>(std::min<std::uint64_t>(offset, size()));
  return as_bytes(*contents_).subspan(at, std::min(count, size() - at));
}

bool RegularFile::can_be_read() const { return access_ != O_WRONLY; }
bool RegularFile::can_be_written() const { return access_ != O_RDONLY; }

CallResult RegularFile::read_at(MutableBytes into, std::uint64_t offset) const {
  if (!can_be_read()) return CallResult::failure(EBADF);
  const Bytes bytes = part(offset, into.size());
  std::copy(bytes.begin(), bytes.end(), into.begin());
  return CallResult::success(static_cast<std::int64_t>(bytes.size()));
}

CallResult RegularFile::read(MutableBytes into) {
  const CallResult result = read_at(into, position_);
  if (result) position_ += result.count();
  return result;
}

CallResult RegularFile::write(Bytes from) {
  if (appends() && can_be_written()) position_ = size();
  const CallResult result = write_at(from, position_);
  if (result) position_ += result.count();
  return result;
}

CallResult RegularFile::write_at(Bytes from, std::uint64_t offset) {
  if (!can_be_written()) return CallResult::failure(EBADF);
  const std::size_t at = appends() ? size() : static_cast<std::size_t>(offset);
  if (from.empty()) return CallResult::success();
  if (contents_->size() < at + from.size()) contents_->resize(at + from.size());
  std::transform(from.begin(), from.end(), contents_->begin() + static_cast<std::ptrdiff_t>(at),
                 [](std::byte byte) { return static_cast<char>(byte); });
  return CallResult::success(static_cast<std::int64_t>(from.size()));
}

}  // namespace weir::sys
