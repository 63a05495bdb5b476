// weir: one end of a connection in a simulation, with all that must hold for it.
// SPDX-License-Identifier: MIT
#include "tests/simulation/party.h"

#include <algorithm>
#include <span>
#include <utility>

#include "weir/loop/event_loop.h"

namespace weir::testing_support {

namespace {

constexpr std::size_t one_receive = 64 * 1024;  // by which the input may pass its high mark

}  // namespace

std::string short_name(std::error_code error) {
  if (error == errc::connect_timed_out) return "connect timed out";
  if (error == errc::write_timed_out) return "write timed out";
  if (error == errc::read_timed_out) return "read timed out";
  if (error == errc::idle_timed_out) return "idle timed out";
  return error.message();
}

void Party::own(std::unique_ptr<Stream> stream, const StreamOptions& options) {
  owned_ = std::move(stream);
  begin(*owned_, options);
  owned_->on_connected([this](Stream&) {
    expect(!is_silent_ && !is_closed_, "nothing is told after the end: connected");
    connected();
  });
}

void Party::watch(Stream& stream, const StreamOptions& options) { begin(stream, options); }

void Party::begin(Stream& stream, const StreamOptions& options) {
  stream_ = &stream;
  output_limit_ = options.output_limit;
  most_input_ = options.read_marks.high + one_receive;
  stream.on_data([this](Stream&) { data_came(); });
  stream.on_end([this](Stream&) { end_came(); });
  stream.on_drained([this](Stream&) { drained_came(); });
  stream.on_closed([this](Stream&, std::error_code error) { closed_came(error); });
}

bool Party::expect(bool condition, std::string_view sentence) {
  return condition || run_.expect(false, name_ + ": " + std::string(sentence));
}

// --- what is told ---

void Party::data_came() {
  expect(!is_silent_ && !is_closed_, "nothing is told after the end: data");
  expect(!is_paused_, "a paused stream has no data callback");
  expect(!is_finishing_, "a finishing stream has no data callback");
  if (is_over()) return;
  expect(!stream_->input().is_empty(), "data means that there is some");
  expect(stream_->input().size() <= most_input_, "the input passes its high mark by one receive at most");
  if (has_ended_) expect(in->received + stream_->input().size() <= seen_at_end_, "nothing new comes after the end");
  last_data_turn_ = turn();
  data();
}

void Party::end_came() {
  expect(!is_silent_ && !is_closed_, "nothing is told after the end: the peer's end");
  expect(!has_ended_, "the peer's end is told once");
  expect(!is_finishing_, "a finishing stream is not told of the peer's end");
  if (is_over()) return;
  has_ended_ = true;
  seen_at_end_ = in != nullptr ? in->received + stream_->input().size() : 0;
  if (in != nullptr && in->is_whole) expect(seen_at_end_ == in->accepted, "an orderly end comes after everything");
  if (last_data_turn_ == turn()) run_.probe("data and the end in one turn");
  run_.probe(has_half_closed_ ? "the peer ends second" : "the peer ends first");
  ended();
}

void Party::drained_came() {
  expect(!is_silent_ && !is_closed_, "nothing is told after the end: drained");
  expect(must_slow_down_, "drained comes after slow_down only");
  must_slow_down_ = false;
  run_.probe("slow down, then drained");
  if (!is_over()) drained();
}

void Party::sent_came(std::uint64_t number, std::uint64_t written, std::error_code error) {
  expect(!is_silent_ && !is_closed_, "nothing is told after the end: sent");
  expect(number == told_sent_, "each when_sent is told once, and in order");
  ++told_sent_;
  if (error) run_.probe("when_sent hears of the failure");
  if (!error && !is_over() && out != nullptr) {
    expect(out->accepted - stream_->output().size() >= written, "what is told to be sent has left the output");
  }
  if (!is_over() && stream_->is_open()) told_sent();
}

void Party::closed_came(std::error_code error) {
  expect(!is_silent_, "nothing is told after the end: closed");
  expect(!is_closed_, "there is one terminal event");
  expect(told_sent_ == asked_sent_, "every when_sent is told before the terminal event");
  expect(error != std::errc::interrupted, "no interruption is an end");
  is_closed_ = true;
  error_ = error;
  closed_at_ = run_.world().now();
  probe_error(error);
  stream_->input().clear();
  stream_ = nullptr;
  let_go();
  closed();
}

void Party::probe_error(std::error_code error) {
  Stream& stream = *stream_;
  if (error) {
    run_.probe("closed: " + short_name(error));
    if (resumed_turn_ != 0 && resumed_turn_ + 1 >= turn()) run_.probe("a failure told on resuming");
    if (is_paused_) run_.probe("a failure told while paused");
  } else {
    run_.probe(is_finishing_ ? "closed in order: finish" : "closed in order: half closes");
    if (is_finishing_ && !has_ended_ && stream.loop().now() - finished_at_ >= std::chrono::seconds(5)) {
      run_.probe("linger cut");
    }
  }
}

// --- operations ---

bool Party::write(std::size_t count) {
  std::string text = out->next(count);
  switch (run_.random().below(4)) {
    case 0: return took(stream_->write(text), count);
    case 1: return took(stream_->write(Slice::adopt(std::move(text))), count);
    case 2: {  // several pieces
      Buffer buffer;
      const std::size_t middle = run_.random().between(0, count);
      buffer.append(Slice::adopt(text.substr(0, middle)));
      buffer.append(Slice::adopt(text.substr(middle)));
      return took(stream_->write(std::move(buffer)), count);
    }
    default: {
      Buffer buffer;
      buffer.append(text);
      return took(stream_->write(std::move(buffer)), count);
    }
  }
}

bool Party::write(Buffer&& bytes) {
  const std::size_t count = bytes.size();
  const bool was_taken = took(stream_->write(std::move(bytes)), count);
  if (!was_taken) expect(bytes.size() == count, "what is refused is untouched");
  return was_taken;
}

bool Party::took(Accepted answer, std::size_t count) {
  switch (answer) {
    case Accepted::slow_down: must_slow_down_ = true; [[fallthrough]];
    case Accepted::yes:
      out->accepted += count;
      expect(stream_->output().size() <= output_limit_, "the output keeps to its limit");
      look_for_cut_piece();
      return true;
    case Accepted::refused: run_.probe("a write is refused"); return false;
    case Accepted::closed: run_.probe("a write comes too late"); return false;
  }
  return false;
}

/// Part of a piece has left, and more pieces wait behind it.
void Party::look_for_cut_piece() {
  const std::uint64_t sent = out->accepted - stream_->output().size();
  while (!piece_ends_.empty() && piece_ends_.front() <= sent) {
    begin_of_piece_ = piece_ends_.front();
    piece_ends_.pop_front();
  }
  if (sent > begin_of_piece_ && piece_ends_.size() > 1) run_.probe("a short write inside a piece");
  piece_ends_.push_back(out->accepted);
}

Buffer Party::take(std::size_t count) {
  Buffer taken = stream_->input().take(std::min(count, stream_->input().size()));
  this->count(taken);
  return taken;
}

void Party::count(const Buffer& taken) {
  std::uint64_t place = in->received;
  bool is_right = true;
  for (const Slice& slice : taken.slices()) {
    for (const char c : as_text(slice.bytes())) is_right &= c == in->at(place++);
  }
  in->received = place;
  expect(is_right, "what is received is what was sent");
  expect(in->received <= in->accepted, "no more is received than was written");
}

void Party::when_sent() {
  const std::uint64_t written = out != nullptr ? out->accepted : 0;
  stream_->when_sent(
      [this, number = asked_sent_++, written](std::error_code error) { sent_came(number, written, error); });
}

void Party::pause() {
  stream_->pause();
  is_paused_ = !is_finishing_;  // a stream that finishes throws its input away
  expect(stream_->is_paused() == is_paused_, "a stream knows whether it is paused");
  if (is_paused_) run_.probe("paused");
}

void Party::resume() {
  is_paused_ = false;
  resumed_turn_ = turn();
  stream_->resume();
}

void Party::finish() {
  finished();
  stream_->finish();
}

void Party::finished() {
  is_finishing_ = true;
  is_paused_ = false;
  finished_at_ = stream_->loop().now();
}

void Party::finish_writing() {
  has_half_closed_ = true;
  run_.probe(has_ended_ ? "half close after the peer's" : "half close before the peer's");
  stream_->finish_writing();
}

void Party::abort() {
  Stream& stream = *stream_;
  run_.probe(stream.output().is_empty() ? "abort" : "abort with output waiting");
  silenced();
  stream.abort();
  stream.input().clear();
}

void Party::destroy() {
  run_.probe(stream_->output().is_empty() ? "destroy" : "destroy with output waiting");
  silenced();
  owned_.reset();
}

void Party::vanish() {
  abort();
  owned_.reset();
}

void Party::silenced() {
  is_silent_ = true;
  stream_ = nullptr;
  let_go();
}

void Party::disturb() {
  sim::Random& random = run_.random();
  const auto marks = [&](std::size_t most) {
    const std::size_t high = random.between(2 * key_size, most);
    return Marks{.low = random.between(0, high), .high = high};
  };
  switch (random.below(6)) {
    case 0: {
      const Marks wanted = marks(100'000);
      stream_->set_read_marks(wanted);
      most_input_ = std::max(wanted.high, stream_->input().size()) + one_receive;
      return;
    }
    case 1: return stream_->set_write_marks(marks(300'000));
    case 2: {
      const std::size_t limit = random.between(20'000, 400'000);
      stream_->set_output_limit(limit);
      output_limit_ = std::max(limit, stream_->output().size());
      return;
    }
    case 3: return stream_->flush_now();
    case 4: return when_sent();
    default: return is_paused_ ? resume() : stream_->on_drained([this](Stream&) { drained_came(); });
  }
}

}  // namespace weir::testing_support
