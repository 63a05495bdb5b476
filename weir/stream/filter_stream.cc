// weir: a stream whose bytes pass through a filter on top of another stream.
// SPDX-License-Identifier: MIT
#include <cerrno>

#include "weir/base/on_unwind.h"
#include "weir/loop/backend.h"
#include "weir/stream/stream_state.h"

namespace weir {

/// Decodes out of the input of the stream below while it is to receive, and encodes into its output while that is not full:
/// so what either end cannot take stays in the stream below, whose own marks then hold up its peer or its writer.
class FilterStream final : public Stream {
 public:
  FilterStream(std::unique_ptr<Stream> below, std::unique_ptr<Filter> filter, StreamSettings settings)
      : Stream(below->loop(), std::move(settings)),
        below_(std::move(below)),
        filter_(std::move(filter)),
        decoded_(loop().pool()),
        encoded_(loop().pool()) {}

  void open() {
    (void)extras();  // which count what is taken from the start: `when_sent` is told of it only when it has left
    if (!below_->has_reader_) has_no_reader();
    if (below_->is_open() && !below_->is_writable()) has_no_writer();
    wait_for_connection();
    below_->on_connected([this](Stream&) { connection_stands(); });
    below_->on_descriptors(nullptr);
    below_->on_data([this](Stream&) { read_on(); });
    below_->on_end([this](Stream&) { read_on(); });
    below_->on_drained([this](Stream&) { write_on(); });
    below_->on_closed([this](Stream&, std::error_code error) { below_closed(error); });
    below_->resume();
    // Whether to read while writing waits is decided up here: what is below may have to, for the filter's own sake.
    below_->settings_.own().read_while_output_full = true;
    below_->unsuspend(output_full);
    if (below_->is_connected() || !below_->is_open()) connection_stands();
    if (!below_->is_open()) send_failed(errc::closed);
  }

 private:
  void start_receiving() noexcept override {
    is_receiving_ = true;
    loop().defer(*this);
  }
  void stop_receiving() noexcept override { is_receiving_ = false; }
  void receive_rest() override {
    const SlotHold hold(*this);
    if (below_ != nullptr && below_->is_open() && !below_->is_suspended()) {
      const SlotHold hold_below(*below_);
      below_->receive_rest();
    }
    decode();
    deliver();
  }

  void start_sending() override {
    is_sending_ = true;
    encode();
  }
  void stop_sending() noexcept override { is_sending_ = false; }
  /// The stream below makes progress as long as its peer takes something, though it may not be enough for it to want more.
  void send_rest() override {
    const SlotHold hold(*this);
    if (below_ == nullptr) return;
    const SlotHold hold_below(*below_);
    below_->send_rest();
    if (below_ != nullptr) last_sent_ = std::max(last_sent_, below_->last_sent_);
  }
  void flush_transport() override {
    const SlotHold hold(*this);
    push_ = Filter::Push::flush;
    flushes_below_ = true;
    encode_on();
    if (flushes_below_ && !is_writing_paused()) flush_below();  // which may be full; again when the filter has done it
    if (has_ended_) flushes_below_ = false;
  }

  bool is_ready_to_end() override {
    const SlotHold hold(*this);
    if (!has_ended_) {
      is_sending_ = true;
      encode();
    }
    if (!has_ended_ || is_broken() || is_closed()) return false;
    if (!std::exchange(has_passed_end_, true)) below_->finish_writing();
    return has_all_left() && !is_closed();
  }
  bool has_all_left() override {
    const SlotHold hold(*this);
    if (!has_ended_ && !has_pushed_out()) return false;
    if (below_ == nullptr || !below_->is_open()) return true;
    const SlotHold hold_below(*below_);
    if (below_->output_.is_empty() && below_->has_all_left()) return true;
    if (below_ == nullptr) return true;
    if (std::exchange(is_asking_, true)) return false;
    below_->when_sent([this](std::error_code) {
      is_asking_ = false;
      loop().defer(*this);
    });
    return false;
  }
  /// It has been sent already: the streams below are given theirs with the last bytes, for a filter among them to end with.
  Result<void> send_end() override { return {}; }

  void close_transport(bool reset) noexcept override {
    is_receiving_ = is_sending_ = false;
    if (below_ == nullptr) return;
    below_->on_connected(nullptr);
    below_->on_data(nullptr);
    below_->on_end(nullptr);
    below_->on_drained(nullptr);
    below_->on_closed(nullptr);
    if (reset) below_->abort();
    below_.reset();
  }

  Result<Address> transport_address(bool of_peer) const override {
    if (below_ == nullptr) return system_error(ENOTCONN);
    return of_peer ? below_->peer_address() : below_->local_address();
  }

  void run_deferred() override {
    decode();
    encode_on();
    confirm_later();
    StreamCore::run_deferred();
  }

  // --- what the stream below tells ---

  void read_on() {
    const SlotHold hold(*this);
    decode();
    deliver();
    settle();
  }

  void write_on() {
    const SlotHold hold(*this);
    encode_on();
    settle();
  }

  void below_closed(std::error_code error) {
    const SlotHold hold(*this);
    is_sending_ = false;
    if (!is_connected()) return connection_failed(error);
    if (error || !below_->has_peer_ended()) return send_failed(error ? error : errc::closed);
    read_on();
  }

  // --- the filter ---

  /// Bytes for the program, until it wants no more, they are used up, or the turn is over.
  void decode() {
    const SlotHold hold(*this);
    for (std::size_t left_of_turn = most_in_turn; is_receiving_;) {
      if (left_of_turn == 0) return loop().defer(*this);
      const std::size_t room = std::min({most_at_once, left_of_turn, receive_allowance()});
      if (room == 0) return;
      const bool is_end = below_->has_peer_ended();
      const SlotHold hold_below(*below_);
      Filter::Step step{below_->input(), decoded_, room, is_end ? Filter::Push::end : Filter::Push::some};
      const std::size_t before = step.from.size();
      const Result<Filter::Flow> flow = taken_step([&] { return filter_->decode(step); });
      if (is_closed()) return;  // by the filter
      const bool has_moved = step.from.size() != before || !decoded_.is_empty();
      left_of_turn -= std::min(left_of_turn, decoded_.size());
      OnUnwind retrying([this]() noexcept { loop().defer(*this); });
      if (!decoded_.is_empty()) arrived(std::move(decoded_));
      retrying.done();
      if (is_closed()) return;  // by what was let go of
      if (!flow) return decoding_failed(flow.error());
      if (*flow == Filter::Flow::has_more && has_moved) continue;
      if (is_end || *flow == Filter::Flow::ended) return end_reading({});
      if (!has_enough_room(step.from.size())) end_reading(errc::limit);
      return;
    }
  }

  /// A filter that has thrown may have lost its place in the bytes, and is asked no more: the stream fails, in the next turn.
  template <class Function>
  Result<Filter::Flow> taken_step(Function function) {
    if (has_thrown_) return std::make_error_code(std::errc::state_not_recoverable);
    OnUnwind failing([this]() noexcept {
      has_thrown_ = true;
      loop().defer(*this);
    });
    Result<Filter::Flow> flow = function();
    failing.done();
    return flow;
  }

  /// For the filter to be given what it may need; false when it has had that.
  bool has_enough_room(std::size_t held) {
    if (held == 0) return true;
    const std::size_t needed = filter_->most_needed();
    return held < needed && below_->need_input(needed);
  }

  void decoding_failed(std::error_code error) {
    if (!lacks_memory(error)) return end_reading(error);
    if (!loop().slots_backend().must_starve(*this)) loop().defer(*this);
  }

  void end_reading(std::error_code error) {
    is_receiving_ = false;
    receive_ended(error);
  }

  /// Goes on with what has been put off. A flush that was asked for is owed until it is done, however long nothing can be sent.
  void encode_on() {
    if ((push_ == Filter::Push::flush || owes_more_) && !is_writing_paused() && !has_ended_) is_sending_ = true;
    if (is_sending_) encode();
  }

  /// What the program has written, until the stream below is full, it is used up, or the turn is over. At the end all that is
  /// left.
  void encode() {
    const SlotHold hold(*this);
    bool has_lent = false;
    for (std::size_t left_of_turn = most_in_turn; is_sending_ && below_ != nullptr && !has_ended_;) {
      if (left_of_turn == 0) return loop().defer(*this);
      const Filter::Push push = is_finishing() ? Filter::Push::end : push_;
      if (below_->is_output_full()) return;
      const std::size_t room = std::min(most_at_once, output_.is_empty() ? unlimited : send_allowance());
      if (room == 0) return;
      std::size_t consumed = 0;
      const Result<Filter::Flow> flow = taken_step([&] { return step_with_front(room, push, consumed); });
      if (is_closed()) return;  // by the filter
      const bool has_moved = consumed != 0 || !encoded_.is_empty();
      left_of_turn -= std::min(left_of_turn, std::max(consumed, encoded_.size()));
      if (consumed != 0) count_taken(consumed);
      OnUnwind retrying([this]() noexcept { loop().defer(*this); });
      hand_down();
      retrying.done();
      if (is_closed()) return;  // by what was let go of
      if (output_.is_empty()) is_sending_ = false;
      if (!flow && lacks_memory(flow.error()) && (has_moved || !has_lent) && lends_room()) {
        has_lent = is_sending_ = true;
        continue;
      }
      if (!flow) return encoding_failed(flow.error());
      if (*flow == Filter::Flow::has_more && has_moved) {
        is_sending_ = owes_more_ = true;
        continue;
      }
      return encoded_all(push);
    }
  }

  /// The filter works on a buffer of its own: what it lets go of may call the program, which may write. What of the output is a
  /// file's is read for it, a piece at a time.
  Result<Filter::Flow> step_with_front(std::size_t room, Filter::Push push, std::size_t& consumed) {
    const bool is_in_memory = output_.memory_size() == output_.size();
    const std::size_t count = is_in_memory ? output_.size() : std::min(room, output_.size());
    if (!is_in_memory) {
      if (auto read = output_.materialize(count); !read) return read.error();
    }
    Buffer front = count == output_.size() ? output_.take_all() : output_.take(count);
    const bool is_all = output_.is_empty();
    extras_->taken += count;  // until it is known better: what is written meanwhile comes behind all of it
    Filter::Step step{front, encoded_, room, is_all ? push : Filter::Push::some};
    Result<Filter::Flow> flow = filter_->encode(step);
    extras_->taken -= front.size();
    consumed = count - front.size();
    if (front.is_empty() && flow && !is_all) flow = Filter::Flow::has_more;
    if (!is_closed()) output_.prepend(std::move(front));
    return flow;
  }

  void count_taken(std::size_t count) {
    count_left(count);
    has_flushed_ = false;
    loop().defer(*this);  // to tell, to end, or to confirm
  }

  /// `when_sent` is told when the stream below has sent what has been taken; nothing is held back from it.
  void confirm_later() {
    if (below_ == nullptr || is_writing_paused() || extras_->sent_callbacks.empty()) return;
    const std::uint64_t position = extras_->sent_callbacks.front().position;
    if (asked_ >= position + 1) return;
    if (!has_pushed_out() && (position > extras_->taken || !has_flushed_)) return;
    if (below_ == nullptr || asked_ == extras_->taken + 1) return;
    asked_ = extras_->taken + 1;
    below_->when_sent([this, taken = extras_->taken](std::error_code error) {
      if (error) return;
      extras_->sent = taken;
      loop().defer(*this);
    });
  }

  /// Has the filter give all that it holds of what it has taken, and take what it has left. False while it has not.
  bool has_pushed_out() {
    if (has_ended_) return true;
    if (!has_flushed_ || !output_.is_empty()) {
      push_ = Filter::Push::flush;
      encode_on();
    }
    return has_flushed_ && !is_sending_;
  }

  /// The filter wants more than it was given.
  void encoded_all(Filter::Push push) {
    is_sending_ = owes_more_ = false;
    if (push == Filter::Push::end) {
      if (!output_.is_empty()) return send_failed(std::make_error_code(std::errc::bad_message));
      has_ended_ = true;
      return loop().defer(*this);
    }
    if (!output_.is_empty()) hold_sending();
    if (push != Filter::Push::flush) return;
    push_ = Filter::Push::some;
    if (!std::exchange(has_flushed_, true) && !extras_->sent_callbacks.empty()) loop().defer(*this);
    if (std::exchange(flushes_below_, false)) flush_below();
  }

  void flush_below() {
    if (below_ == nullptr) return;
    const SlotHold hold_below(*below_);
    below_->flush_now();
  }

  /// From what the loop has set aside for sending: when the pool is full of what waits to be encoded, nothing else is ever
  /// released.
  bool lends_room() noexcept {
    (void)loop().output_reserve().refill();
    Result<Block> room = loop().output_reserve().allocate(lent_at_once);
    if (!room) return false;
    encoded_.reserve(std::move(*room));
    return true;
  }

  /// Without memory it is tried again before the pool has any to speak of: what has been sent meanwhile is enough to go on.
  void encoding_failed(std::error_code error) {
    if (encoded_.is_empty()) encoded_ = Buffer(loop().pool());  // and gives back what was lent
    is_sending_ = owes_more_ = lacks_memory(error);  // there may be more to come out though no output is left
    if (!is_sending_) return send_failed(error);
    if (!loop().slots_backend().must_starve(*this)) loop().defer(*this);
    loop().retry_for_memory();
  }

  void memory_returned() noexcept override { loop().defer(*this); }

  /// Never refused: the stream below is not full, and bounded by what the filter makes of one step. Without memory to hand
  /// it down what there is waits for the next step.
  void hand_down() {
    if (encoded_.is_empty()) return;
    if (!below_->is_writable()) return encoded_.clear();
    below_->output_.append(std::move(encoded_));
    (void)below_->taken();
  }

  static constexpr std::size_t lent_at_once = std::size_t{16} << 10;

  std::unique_ptr<Stream> below_;  // none once this is closed
  const std::unique_ptr<Filter> filter_;
  Buffer decoded_;  // what a step has given; empty between steps, but when there was no memory for it
  Buffer encoded_;
  Filter::Push push_ = Filter::Push::some;  // `flush` until the filter has done it
  bool is_receiving_ = false;
  bool is_sending_ = false;
  bool is_asking_ = false;       // has_all_left waits for an answer
  std::uint64_t asked_ = 0;      // how much of Extras::taken the stream below was last asked about, plus 1
  bool has_flushed_ = false;     // the filter holds nothing back
  bool flushes_below_ = false;   // when the filter has done it
  bool has_passed_end_ = false;  // the stream below has been finished
  bool has_ended_ = false;       // the filter has given its end
  bool has_thrown_ = false;      // and is asked no more
  bool owes_more_ = false;       // the filter has more to give, though no output may be left
};

std::unique_ptr<Stream> Stream::filter(std::unique_ptr<Stream> below, std::unique_ptr<Filter> filter,
                                       StreamSettings settings) {
  expects(below != nullptr && filter != nullptr);
  auto* stream = new FilterStream(std::move(below), std::move(filter), std::move(settings));
  std::unique_ptr<Stream> owned(stream);
  stream->open();
  return owned;
}

}  // namespace weir
