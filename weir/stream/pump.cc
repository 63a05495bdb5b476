// weir: couples two streams, so that what one receives the other sends.
// SPDX-License-Identifier: MIT
#include "weir/stream/pump.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "weir/base/on_unwind.h"
#include "weir/loop/event_loop.h"
#include "weir/stream/splice.h"
#include "weir/stream/stream.h"

namespace weir {

/// Both streams, for as long as the callbacks of either hold it.
class Coupling final : public std::enable_shared_from_this<Coupling>, private SpliceOwner {
 public:
  Coupling(Stream& first, Stream& second, Callback<void(const PumpEnd&)> on_done)
      : sides_{Side(*this, 0, first), Side(*this, 1, second)},
        on_done_(std::move(on_done)) {
    for (Side& side : sides_) {
      side.stream->divert(&side);
      side.stream->read_on_while_output_full();
    }
  }

  Stream& stream(int side) noexcept { return *sides_[side].stream; }

  /// Hands over what the stream of `side` has received, as far as the other one has room for it.
  void hand_over(int side) {
    Side& from = sides_[side];
    Side& to = sides_[1 - side];
    if (to.stream == nullptr) return;
    Buffer& input = from.is_closed ? from.left : from.stream->input();
    std::size_t handed_over = 0;
    while (!input.is_empty() && !to.stream->is_output_full()) {
      const std::size_t offered = std::min(input.size(), to.stream->room_in_output());
      if (offered == 0) {
        wait_for_room(side);
        break;
      }
      OnUnwind failing(
          [&]() noexcept { to.stream->fail_when_sent(std::make_error_code(std::errc::not_enough_memory)); });
      const Accepted answer = to.stream->write(offered == input.size() ? input.take_all() : input.take(offered));
      failing.done();
      if (answer == Accepted::closed) input.clear();  // it has failed: that is on its way
      if (answer == Accepted::closed || answer == Accepted::refused) break;
      handed_over += offered;
    }
    from.moved += handed_over;
    if (!input.is_empty() || from.forth.holds_bytes()) return;
    if (from.has_ended) return to.stream->finish_writing();
    if (handed_over != 0 && !from.is_closed) from.forth.consider(*from.stream, *to.stream, handed_over);
  }

  void ended(int side) {
    sides_[side].has_ended = true;
    hand_over(side);
  }

  /// Its owner may destroy it right after this, though the other one has had no room yet for all that it has received. That
  /// one may have been aborted or destroyed before, and not have let go of its callbacks yet.
  void closed(int side, std::error_code error) {
    Side& gone = sides_[side];
    gone.is_closed = true;
    gone.left = std::move(gone.stream->input());
    if (const Side& other = sides_[1 - side]; other.stream != nullptr && other.stream->is_silent()) forget(1 - side);
    if (error) {
      propagate(side, error);
    } else {
      ended(side);
    }
    tell_done();
  }

  /// Its owner has destroyed the stream, or taken its callbacks away.
  void forget(int side) noexcept {
    Side& gone = sides_[side];
    if (gone.stream == nullptr) return;
    if (gone.stream->is_diverted_to(gone)) gone.stream->divert(nullptr);  // else another pump has it
    gone.forth.let_go(*gone.stream);
    gone.stream = nullptr;
    if (std::exchange(gone.is_closed, true)) return;
    propagate(side, errc::canceled);
  }

 private:
  /// A stream, and the way from it to the other.
  struct Side final : Diversion {
    Side(Coupling& coupling, int its_number, Stream& its_stream) noexcept
        : owner(coupling),
          stream(&its_stream),
          forth(coupling, its_number),
          number(its_number) {}

    Step receive(int descriptor, std::size_t most) override {
      Side& other = owner.sides_[1 - number];
      if (other.stream == nullptr) return {Answer::none};
      return forth.fill(*stream, *other.stream, descriptor, most);
    }
    Step send(int descriptor, std::size_t most) override {
      Side& other = owner.sides_[1 - number];
      return other.forth.drain(other.stream, *stream, descriptor, most);
    }

    Coupling& owner;
    Stream* stream;
    Splice forth;
    const int number;
    Buffer left;  ///< of what a stream has received that has closed
    std::uint64_t moved = 0;
    bool has_ended = false;
    bool is_closed = false;
    bool waits_for_room = false;
  };

  /// For an output limit below the high mark: nobody will tell that the output has fallen to its low one.
  void wait_for_room(int side) {
    Side& from = sides_[side];
    if (std::exchange(from.waits_for_room, true)) return;
    sides_[1 - side].stream->when_sent([self = shared_from_this(), side](std::error_code error) {
      self->sides_[side].waits_for_room = false;
      if (!error) self->hand_over(side);
    });
  }

  void spliced(int side, std::size_t count) override { sides_[side].moved += count; }

  void pipe_emptied(int side) override {
    Side& from = sides_[side];
    Stream* to = sides_[1 - side].stream;
    if (from.is_closed && error_ && to != nullptr) return to->fail_when_sent(error_);
    if (from.has_ended) hand_over(side);
  }

  /// The other one sends what it has been given, and is reset. Of what `hand_over` had no room for nothing is sent: so it is
  /// not taken for a whole.
  void propagate(int side, std::error_code error) {
    if (!error_) {
      error_ = error;
      first_failed_ = side == 0;
    }
    hand_over(side);
    sides_[side].left.clear();
    Side& other = sides_[1 - side];
    if (other.stream == nullptr || other.is_closed || sides_[side].forth.holds_bytes()) return;
    other.stream->fail_when_sent(error);
  }

  void tell_done() {
    if (!sides_[0].is_closed || !sides_[1].is_closed || !on_done_) return;
    const PumpEnd end{sides_[0].moved, sides_[1].moved, error_, first_failed_};
    std::exchange(on_done_, nullptr)(end);
  }

  Side sides_[2];
  Callback<void(const PumpEnd&)> on_done_;
  std::error_code error_;
  bool first_failed_ = false;
};

namespace {

/// What the callbacks of one stream hold: when the last of them goes, the stream has.
class Hold {
 public:
  Hold(std::shared_ptr<Coupling> coupling, int side) : coupling_(std::move(coupling)), side_(side) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() { coupling_->forget(side_); }

  Coupling& coupling() const noexcept { return *coupling_; }
  int side() const noexcept { return side_; }
  int other() const noexcept { return 1 - side_; }

 private:
  const std::shared_ptr<Coupling> coupling_;
  const int side_;
};

void couple(const std::shared_ptr<Coupling>& coupling, int side) {
  const auto hold = std::make_shared<Hold>(coupling, side);
  Stream& stream = coupling->stream(side);
  stream.on_connected(nullptr);
  stream.on_data([hold](Stream&) { hold->coupling().hand_over(hold->side()); });
  stream.on_end([hold](Stream&) { hold->coupling().ended(hold->side()); });
  stream.on_drained([hold](Stream&) { hold->coupling().hand_over(hold->other()); });
  stream.on_closed([hold](Stream&, std::error_code error) { hold->coupling().closed(hold->side(), error); });
  stream.resume();
}

}  // namespace

void pump(Stream& first, Stream& second, Callback<void(const PumpEnd&)> on_done) {
  expects(&first != &second && &first.loop() == &second.loop());
  const auto coupling = std::make_shared<Coupling>(first, second, std::move(on_done));
  couple(coupling, 0);
  couple(coupling, 1);
  for (const int side : {0, 1}) {
    Stream& stream = coupling->stream(side);
    if (!stream.is_open()) {
      coupling->closed(side, errc::closed);
    } else if (stream.has_peer_ended()) {
      coupling->ended(side);
    }
  }
}

}  // namespace weir
