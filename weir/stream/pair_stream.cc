// weir: two streams in memory that are each other's peer.
// SPDX-License-Identifier: MIT
#include <cerrno>

#include "weir/base/on_unwind.h"
#include "weir/loop/backend.h"
#include "weir/stream/stream_state.h"

namespace weir {
namespace {

/// One of the two. The receiving one moves the bytes, at the end of a turn: so neither is called inside the other's `write`,
/// and each has its share of the turn.
class PairStream final : public Stream {
 public:
  PairStream(EventLoop& loop, StreamSettings settings) : Stream(loop, std::move(settings)), taken_(loop.pool()) {}

  static void couple(PairStream& first, PairStream& second) {
    first.peer_ = &second;
    second.peer_ = &first;
    first.connection_stands();
    second.connection_stands();
  }

 private:
  enum class Ending : std::uint8_t { none, end, reset };

  void start_receiving() noexcept override {
    is_receiving_ = true;
    if (ending_ != Ending::none || (peer_ != nullptr && peer_->is_sending_)) loop().defer(*this);
  }
  void stop_receiving() noexcept override { is_receiving_ = false; }
  void receive_rest() override {
    take_over();
    deliver();
    if (has_come_to_end()) tell_ending();
  }

  void start_sending() override {
    if (peer_ == nullptr) return send_failed(system_error(EPIPE));
    is_sending_ = true;
    if (peer_->is_receiving_) loop().defer(*peer_);
  }
  void stop_sending() noexcept override { is_sending_ = false; }
  void send_rest() override {}  // the peer takes what it wants

  Result<void> send_end() override {
    if (peer_ != nullptr) peer_->ends(Ending::end);
    return {};
  }

  void close_transport(bool) noexcept override {
    PairStream* peer = std::exchange(peer_, nullptr);
    if (peer == nullptr) return;
    peer->peer_ = nullptr;
    peer->ends(Ending::reset);
  }

  Result<Address> transport_address(bool) const override { return system_error(ENOTSOCK); }

  /// The first one counts: what is reset after its end has ended.
  void ends(Ending ending) noexcept {
    if (ending_ == Ending::none) ending_ = ending;
    loop().defer(*this);
  }

  void run_deferred() override {
    take_over();
    StreamCore::run_deferred();
    if (is_closed()) return;
    if (peer_ == nullptr && std::exchange(is_sending_, false)) return send_failed(system_error(EPIPE));
    if (has_come_to_end()) tell_ending();
  }

  bool has_more() const noexcept { return peer_ != nullptr && peer_->is_sending_ && !peer_->output_.is_empty(); }

  bool has_come_to_end() const noexcept {
    return !is_closed() && is_receiving_ && ending_ != Ending::none && !has_more() && taken_.is_empty();
  }

  /// Moves what the peer sends, until the input is full or the turn is over.
  void take_over() {
    OnUnwind retrying([this]() noexcept { loop().defer(*this); });
    take_over_some();
    retrying.done();
  }

  void take_over_some() {
    if (!taken_.is_empty()) arrived(std::move(taken_));
    for (std::size_t left_of_turn = most_in_turn; is_receiving_ && has_more();) {
      if (left_of_turn == 0) return loop().defer(*this);
      Buffer& from = peer_->output_;
      const std::size_t count =
          std::min({from.size(), most_at_once, left_of_turn, receive_allowance(), peer_->send_allowance()});
      if (count == 0) return;
      if (const Result<void> read = read_files(from, count); !read) return reading_failed(read.error());
      taken_ = count == from.size() ? from.take_all() : from.take(count);
      left_of_turn -= count;
      if (from.is_empty()) peer_->is_sending_ = false;
      peer_->left(count);
      arrived(std::move(taken_));
    }
  }

  /// Who receives wants bytes.
  static Result<void> read_files(Buffer& from, std::size_t count) {
    return from.memory_size() != from.size() ? from.materialize(count) : Result<void>();
  }

  void reading_failed(std::error_code error) {
    if (!lacks_memory(error)) return peer_->send_failed(error);
    if (!loop().slots_backend().must_starve(*this)) loop().defer(*this);
  }

  void tell_ending() {
    is_receiving_ = false;
    receive_ended(ending_ == Ending::reset ? system_error(ECONNRESET) : std::error_code());
  }

  PairStream* peer_ = nullptr;    // none once that is closed
  Ending ending_ = Ending::none;  // of what the peer sends
  bool is_receiving_ = false;
  bool is_sending_ = false;  // there is output that the peer may take
  Buffer taken_;             // of the peer's output; empty, but when there was no memory for it in the input
};

}  // namespace

StreamPair Stream::pair(EventLoop& loop, StreamSettings first, StreamSettings second) {
  auto* near = new PairStream(loop, std::move(first));
  std::unique_ptr<Stream> owned_near(near);
  auto* far = new PairStream(loop, std::move(second));
  std::unique_ptr<Stream> owned_far(far);
  PairStream::couple(*near, *far);
  return {std::move(owned_near), std::move(owned_far)};
}

}  // namespace weir
