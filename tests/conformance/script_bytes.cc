// weir: system calls on descriptors that have names: those that move bytes.
// SPDX-License-Identifier: MIT
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <span>

#include "tests/conformance/script.h"
#include "weir/base/bytes.h"
#include "weir/sys/calls.h"

namespace weir::conformance {
namespace {

constexpr std::size_t most_at_once = 65536;
constexpr std::size_t most_filled = 8 << 20;  // into what is never full

/// The byte at a place of the pattern: a hole, a repeat or a swap shows.
std::byte pattern_at(std::size_t place) {
  const std::uint64_t z = place * 0x9E3779B97F4A7C15U;
  return static_cast<std::byte>((z ^ (z >> 29)) >> 24);
}

std::vector<iovec> vectors_of(std::initializer_list<std::string_view> pieces) {
  std::vector<iovec> vectors;
  for (const std::string_view piece : pieces) {
    vectors.push_back({.iov_base = const_cast<char*>(piece.data()), .iov_len = piece.size()});  // only read
  }
  return vectors;
}

std::string texts_of(std::initializer_list<std::string_view> pieces) {
  std::string texts;
  for (const std::string_view piece : pieces) texts += (texts.empty() ? "" : ",") + quoted(piece);
  return texts.empty() ? "none" : texts;
}

}  // namespace

/// Room for so many bytes, in pieces of these sizes.
std::vector<iovec> Script::room(std::span<const std::size_t> sizes) {
  bytes_.assign(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), {});
  std::vector<iovec> vectors;
  std::byte* to = bytes_.data();
  for (const std::size_t size : sizes) {
    vectors.push_back({.iov_base = to, .iov_len = size});
    to += size;
  }
  return vectors;
}

void Script::note_bytes(std::initializer_list<std::string_view> call, sys::CallResult got) {
  const std::string text = got ? quoted(as_text(Bytes(bytes_).first(std::min(got.count(), bytes_.size())))) : "";
  note(call, outcome_text(got, got && got.count() == 0 ? "end" : text));
}

void Script::send(std::string_view name, std::string_view text) {
  note({"send", name, quoted(text)}, count_text(sys::send(number(name), as_bytes(text))));
}

void Script::send_pieces(std::string_view name, std::initializer_list<std::string_view> pieces) {
  note({"send pieces", name, texts_of(pieces)}, count_text(sys::send_pieces(number(name), vectors_of(pieces))));
}

void Script::send_to(std::string_view name, std::string_view text, std::string_view address) {
  const sys::CallResult sent = sys::send_to(number(name), as_bytes(text), addresses_.parse(address));
  note({"send", name, quoted(text), "to", address}, count_text(sent));
}

void Script::receive(std::string_view name, std::size_t most) {
  bytes_.assign(most, {});
  note_bytes({"receive", name}, sys::receive(number(name), bytes_));
}

void Script::receive_from(std::string_view name, std::size_t most) {
  bytes_.assign(most, {});
  sys::SocketName from;
  const sys::CallResult got = sys::receive_from(number(name), bytes_, from);
  std::string text;
  if (got) {
    text = quoted(as_text(Bytes(bytes_).first(std::min(got.count(), most))));
    if (got.count() > most) text += " of " + std::to_string(got.count());
    text += " from " + addresses_.print(from);
  }
  note({"receive", name}, outcome_text(got, text));
}

void Script::receive_exactly(std::string_view name, std::size_t count) {
  std::string text;
  std::string stop;
  while (text.size() < count && stop.empty()) {
    bytes_.assign(count - text.size(), {});
    const sys::CallResult got = sys::receive(number(name), bytes_);
    if (got && got.count() > 0) {
      text += as_text(Bytes(bytes_).first(got.count()));
    } else if (got) {
      stop = " end";
    } else if (got.error_number() != EAGAIN || !watch(number(name), in, patience, true).is_complete) {
      stop = ' ' + error_text(got.error_number());
    }
  }
  note({"receive exactly", name, std::to_string(count)}, quoted(text) + stop);
}

void Script::read(std::string_view name, std::size_t most) {
  bytes_.assign(most, {});
  note_bytes({"read", name}, sys::read(number(name), bytes_));
}

void Script::write(std::string_view name, std::string_view text) {
  note({"write", name, quoted(text)}, count_text(sys::write(number(name), as_bytes(text))));
}

void Script::read_pieces(std::string_view name, std::initializer_list<std::size_t> sizes) {
  const std::vector<iovec> pieces = room(sizes);
  note_bytes({"read pieces", name}, sys::read_pieces(number(name), pieces));
}

void Script::write_pieces(std::string_view name, std::initializer_list<std::string_view> pieces) {
  note({"write pieces", name, texts_of(pieces)}, count_text(sys::write_pieces(number(name), vectors_of(pieces))));
}

void Script::read_many_pieces(std::string_view name, std::size_t count) {
  const std::vector<iovec> pieces = room(std::vector<std::size_t>(count, 1));
  note({"read", std::to_string(count), "pieces", name}, count_text(sys::read_pieces(number(name), pieces)));
}

void Script::write_many_pieces(std::string_view name, std::size_t count) {
  const std::vector<iovec> pieces = room(std::vector<std::size_t>(count, 1));
  note({"write", std::to_string(count), "pieces", name}, count_text(sys::write_pieces(number(name), pieces)));
}

void Script::write_number(std::string_view counter, std::uint64_t value) {
  const sys::CallResult written = sys::write(number(counter), std::as_bytes(std::span(&value, 1)));
  note({"write", counter, std::to_string(value)}, count_text(written));
}

void Script::read_number(std::string_view counter) {
  std::uint64_t value = 0;
  const sys::CallResult got = sys::read(number(counter), std::as_writable_bytes(std::span(&value, 1)));
  note({"read", counter}, outcome_text(got, std::to_string(value)));
}

void Script::read_at(std::string_view name, std::uint64_t offset, std::size_t most) {
  bytes_.assign(most, {});
  note_bytes({"read", name, "at", std::to_string(offset)}, sys::read_at(number(name), bytes_, offset));
}

void Script::read_pieces_at(std::string_view name, std::uint64_t offset, std::initializer_list<std::size_t> sizes) {
  const std::vector<iovec> pieces = room(sizes);
  note_bytes({"read pieces", name, "at", std::to_string(offset)}, sys::read_pieces_at(number(name), pieces, offset));
}

void Script::write_pieces_at(std::string_view name, std::uint64_t offset,
                             std::initializer_list<std::string_view> pieces) {
  note({"write pieces", name, texts_of(pieces), "at", std::to_string(offset)},
       count_text(sys::write_pieces_at(number(name), vectors_of(pieces), offset)));
}

void Script::send_file(std::string_view socket, std::string_view file, std::uint64_t offset, std::size_t count) {
  const sys::CallResult sent = sys::send_file(number(socket), number(file), offset, count);
  note({"send file", socket, file, "from", std::to_string(offset), "at most", std::to_string(count)}, count_text(sent));
}

void Script::transfer_file(std::string_view from, std::string_view file, std::string_view to, std::size_t count) {
  Entry& receiver = *find(to);
  receiver.received = 0;
  std::size_t sent = 0;
  bool is_stuck = false;
  while (receiver.received < count && !is_stuck) {
    const sys::CallResult given = sys::send_file(number(from), number(file), sent, count - sent);
    if (given) sent += given.count();
    const sys::CallResult got = receive_some(receiver, most_at_once);
    const bool has_received = got && got.count() > 0;
    is_stuck = !has_received && !watch(receiver.number, in, patience, true).is_complete;
  }
  const char* outcome = is_stuck ? "stuck" : receiver.is_exact ? "all, exact" : "all, wrong bytes";
  note({"transfer", from, file, to, std::to_string(count)}, outcome);
}

sys::CallResult Script::send_some(Entry& entry, std::size_t most) {
  bytes_.resize(most);
  for (std::size_t i = 0; i < most; ++i) bytes_[i] = pattern_at(entry.sent + i);
  const sys::CallResult sent = entry.is_socket ? sys::send(entry.number, bytes_) : sys::write(entry.number, bytes_);
  if (sent) entry.sent += sent.count();
  return sent;
}

sys::CallResult Script::receive_some(Entry& entry, std::size_t most) {
  bytes_.resize(most);
  const sys::CallResult got = entry.is_socket ? sys::receive(entry.number, bytes_) : sys::read(entry.number, bytes_);
  if (!got) return got;
  for (std::size_t i = 0; i < got.count(); ++i) {
    entry.is_exact = entry.is_exact && bytes_[i] == pattern_at(entry.received + i);
  }
  entry.received += got.count();
  return got;
}

void Script::send_pattern(std::string_view name, std::size_t count) {
  note({"send pattern", name, std::to_string(count)}, count_text(send_some(*find(name), count)));
}

void Script::fill(std::string_view name) {
  Entry& entry = *find(name);
  const std::size_t before = entry.sent;
  sys::CallResult sent = send_some(entry, most_at_once);
  while (sent && entry.sent - before < most_filled) sent = send_some(entry, most_at_once);
  const std::string last = sent ? "more" : error_text(sent.error_number());
  note({"fill", name}, (entry.sent > before ? "some, then " : "nothing, then ") + last);
}

void Script::fill_up(std::string_view name) {
  Entry& entry = *find(name);
  std::size_t before = 0;
  do {
    before = entry.sent;
    while (send_some(entry, most_at_once)) {}
    (void)watch(entry.number, out, acknowledgement_time, true);
  } while (entry.sent > before);
  note({"fill up", name}, "done");
}

void Script::drain(std::string_view name, std::string_view from) {
  Entry& entry = *find(name);
  const std::size_t total = find(from)->sent;
  sys::CallResult got = sys::CallResult::success();
  while (entry.received < total) {
    got = receive_some(entry, most_at_once);
    if (got && got.count() == 0) break;
    if (!got && (got.error_number() != EAGAIN || !watch(entry.number, in, patience, true).is_complete)) break;
  }
  if (entry.received == total) got = receive_some(entry, most_at_once);
  const std::string amount = entry.received == total ? "all, " : "not all, ";
  const std::string last = !got ? error_text(got.error_number()) : got.count() == 0 ? "end" : "more";
  note({"drain", name, "of", from}, amount + (entry.is_exact ? "exact, then " : "wrong bytes, then ") + last);
}

void Script::read_pattern(std::string_view name, std::size_t count) {
  Entry& entry = *find(name);
  const sys::CallResult got = receive_some(entry, count);
  note({"read pattern", name, std::to_string(count)}, count_text(got) + (entry.is_exact ? "" : ", wrong bytes"));
}

void Script::discard(std::string_view name) {
  Entry& entry = *find(name);
  const std::size_t before = entry.received;
  sys::CallResult got = receive_some(entry, most_at_once);
  while (got && got.count() > 0) got = receive_some(entry, most_at_once);
  const std::string amount = entry.received > before ? "some, then " : "nothing, then ";
  note({"discard", name}, amount + (got ? "end" : error_text(got.error_number())));
}

void Script::transfer(std::string_view from, std::string_view to, std::size_t count) {
  Entry& sender = *find(from);
  Entry& receiver = *find(to);
  const std::size_t sent_at_end = sender.sent + count;
  const std::size_t received_at_end = receiver.received + count;
  bool is_stuck = false;
  while (receiver.received < received_at_end && !is_stuck) {
    const std::size_t left = sent_at_end - sender.sent;
    const bool has_sent = left > 0 && send_some(sender, std::min(left, most_at_once));
    const sys::CallResult got = receive_some(receiver, most_at_once);
    const bool has_received = got && got.count() > 0;
    is_stuck = !has_sent && !has_received && !watch(receiver.number, in, patience, true).is_complete;
  }
  const char* outcome = is_stuck ? "stuck" : receiver.is_exact ? "all, exact" : "all, wrong bytes";
  note({"transfer", from, to, std::to_string(count)}, outcome);
}

}  // namespace weir::conformance
