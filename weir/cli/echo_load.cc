// weir: load for an echo server: connections that send, compare what comes back, and measure.
// SPDX-License-Identifier: MIT
#include "weir/cli/echo_load.h"

#include <fmt/format.h>

namespace weir::cli {
namespace {

/// Connections on their way at a time: more could overflow the server's queue and then wait a second for the next try.
constexpr std::size_t most_connecting = 256;

/// Every request is answered, so reading must not wait for writing: with both sides waiting for each other nothing would
/// ever move again. What is written is only referred to, so it needs no limit.
StreamOptions stream_options() {
  StreamOptions options;
  options.read_while_output_full = true;
  options.output_limit = unlimited;
  return options;
}

}  // namespace

EchoLoad::EchoLoad(EventLoop& loop, const EchoLoadOptions& options)
    : loop_(loop),
      options_(options),
      settings_(stream_options()),
      connections_(options.connections),
      sent_at_(options.connections * options.pipeline) {}

EchoLoad::~EchoLoad() {
  for (Connection& connection : connections_) {
    if (connection.stream != nullptr) connection.stream->abort();
  }
}

// --- connecting ---

Result<void> EchoLoad::connect() {
  open_more();
  const Result<RunEnd> end = loop_.run_until([&] { return connected_ == options_.connections || connect_error_; });
  if (!end) return end.error();
  if (connect_error_) return connect_error_;
  return {};
}

void EchoLoad::open_more() {
  while (opened_ < connections_.size() && opened_ - connected_ < most_connecting && !connect_error_) {
    open(connections_[opened_++]);
  }
}

void EchoLoad::open(Connection& connection) {
  auto stream = Stream::connect(loop_, options_.address, {.connect = {}, .stream = settings_});
  if (!stream) {
    connect_error_ = stream.error();
    return;
  }
  connection.stream = *std::move(stream);
  connection.stream->on_connected([this](Stream&) { stands(); });
  connection.stream->on_data([this, &connection](Stream&) { receive(connection); });
  connection.stream->on_end([this, &connection](Stream&) { fail(connection, "the server ended the connection"); });
  connection.stream->on_closed([this, &connection](Stream&, std::error_code error) {
    if (connected_ < options_.connections && !connect_error_) connect_error_ = error;
    fail(connection, error.message());
  });
}

void EchoLoad::stands() {
  ++connected_;
  ++open_;
  open_more();
}

// --- measuring ---

void EchoLoad::start() {
  is_measuring_ = true;
  for (Connection& connection : connections_) {
    if (!connection.is_open) continue;
    const TimePoint now = loop_.clock();
    for (std::size_t i = 0; i < options_.pipeline; ++i) send(connection, now);
    connection.stream->flush_now();
  }
}

void EchoLoad::send(Connection& connection, TimePoint now) {
  sent_at(connection, connection.asked++) = now;
  for (std::size_t left = options_.size; left != 0;) {
    const Bytes piece = pattern_.at(connection.sent, left);
    const Accepted accepted = connection.stream->write(Slice::from_static(piece));
    if (accepted == Accepted::refused || accepted == Accepted::closed)
      return fail(connection, "a request was not accepted");
    connection.sent += piece.size();
    left -= piece.size();
  }
}

void EchoLoad::receive(Connection& connection) {
  Buffer& input = connection.stream->input();
  for (const Slice& slice : input.slices()) {
    if (slice.size() > connection.sent - connection.received || !pattern_.has(connection.received, slice.bytes())) {
      return fail(connection, fmt::format("what came back differs from what was sent, within {} bytes after byte {}",
                                          slice.size(), connection.received));
    }
    connection.received += slice.size();
  }
  input.clear();
  count_answers(connection);
}

void EchoLoad::count_answers(Connection& connection) {
  const std::uint64_t complete = connection.received / options_.size;
  if (complete == connection.answered || !is_measuring_) return;
  const TimePoint now = loop_.clock();
  while (connection.answered < complete) {
    latency_.add(now - sent_at(connection, connection.answered++));
    send(connection, now);
  }
}

std::uint64_t EchoLoad::in_flight() const noexcept {
  std::uint64_t sum = 0;
  for (const Connection& connection : connections_) {
    if (connection.is_open) sum += connection.asked - connection.answered;
  }
  return sum;
}

TimePoint& EchoLoad::sent_at(const Connection& connection, std::uint64_t request) noexcept {
  const auto index = static_cast<std::size_t>(&connection - connections_.data());
  return sent_at_[index * options_.pipeline + request % options_.pipeline];
}

void EchoLoad::fail(Connection& connection, std::string_view why) {
  if (!connection.is_open) return;
  connection.is_open = false;
  if (errors_++ == 0) first_error_ = why;
  if (open_ != 0 && --open_ == 0) is_measuring_ = false;
  connection.stream->abort();
}

}  // namespace weir::cli
