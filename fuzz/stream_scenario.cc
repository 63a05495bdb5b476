// weir: fuzz target: two streams that are each other's peer, and all that may be done to them, against what C1 and C2 promise.
// SPDX-License-Identifier: MIT
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/fuzz.h"
#include "weir/loop/event_loop.h"
#include "weir/sim/world.h"
#include "weir/stream/filter.h"
#include "weir/stream/stream.h"
#include "weir/sys/calls.h"

namespace weir::fuzz {
namespace {

using namespace weir::literals;

/// Changes every byte.
class Mask final : public Filter {
  Result<Flow> decode(Step& step) override { return mask(step); }
  Result<Flow> encode(Step& step) override { return mask(step); }

  static Result<Flow> mask(Step& step) {
    const Buffer taken = step.from.take(std::min(step.room, step.from.size()));
    std::string text;
    for (const Slice& slice : taken.slices()) text += as_text(slice.bytes());
    for (char& byte : text) byte = static_cast<char>(byte ^ 0x5A);
    step.to.append(Slice::adopt(std::move(text)));
    return step.from.is_empty() ? Flow::wants_more : Flow::has_more;
  }
};

/// Two bytes tell how many follow; none is the end, without which the peer's end is an error. Holds back what is less than
/// a frame, until it is pushed.
class Frames final : public Filter {
  Result<Flow> decode(Step& step) override {
    while (step.to.size() < step.room) {
      std::array<std::byte, 2> head{};
      const bool has_head = step.from.copy_to(head) == head.size();
      const std::size_t size = std::to_integer<std::size_t>(head[0]) * 256 + std::to_integer<std::size_t>(head[1]);
      if (!has_head || step.from.size() < head.size() + size) {
        const bool is_whole = has_ended_ && step.from.is_empty();
        if (step.push == Push::end && !is_whole) return std::make_error_code(std::errc::bad_message);
        return Flow::wants_more;
      }
      step.from.drop(head.size());
      step.to.append(step.from.take(size));
      has_ended_ = size == 0;
    }
    return Flow::has_more;
  }

  Result<Flow> encode(Step& step) override {
    while (step.to.size() < step.room) {
      held_.append(step.from.take(std::min(longest - held_.size(), step.from.size())));
      if (held_.size() == longest || (!held_.is_empty() && step.push != Push::some)) put(step.to);
      if (!step.from.is_empty()) continue;
      if (step.push == Push::end && !std::exchange(has_put_end_, true)) put(step.to);
      return Flow::wants_more;
    }
    return Flow::has_more;
  }

  static constexpr std::size_t longest = 1000;

  void put(Buffer& to) {
    const std::string head{static_cast<char>(held_.size() / 256), static_cast<char>(held_.size() % 256)};
    to.append(Slice::adopt(std::string(head)));
    to.append(std::exchange(held_, Buffer()));
  }

  Buffer held_;
  bool has_ended_ = false;
  bool has_put_end_ = false;
};

char byte_at(std::uint64_t place, bool is_first) {
  std::uint64_t z = (place + (is_first ? 0 : 77)) * 0x9E3779B97F4A7C15U;
  return static_cast<char>((z ^ (z >> 29)) >> 24);
}

class Scenario;

/// One of the two, and what is known of it.
class End {
 public:
  End(Scenario& scenario, bool is_first) : scenario_(scenario), is_first_(is_first) {}

  void take_over(std::unique_ptr<Stream> stream);
  void operate(Input& input);
  /// Lifts all that holds it up, and ends in order.
  void release();
  void check_end() const;

  std::unique_ptr<Stream> stream;
  std::uint64_t written = 0;
  std::uint64_t received = 0;
  bool has_ended = false;
  bool is_closed = false;
  bool is_silent = false;     ///< aborted or destroyed
  bool throws_away = false;   ///< finished: what comes is not told
  bool is_disturbed = false;  ///< it need not end in order
  std::error_code error;

 private:
  End& peer() const;
  void told() const { require(!is_silent && !is_closed, "something is told after the end"); }
  void write(std::size_t count);
  void take(const Buffer& bytes);
  void ask_sent();
  void read_some(std::size_t count);
  void data();
  void end();

  Scenario& scenario_;
  const bool is_first_;
  std::size_t at_most_ = unlimited;  // taken by one on_data
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  bool is_reading_ = false;
};

class Scenario {
 public:
  explicit Scenario(Input& input)
      : world_(sim::WorldOptions{.seed = input.byte()}),
        loop_(std::make_unique<EventLoop>()) {
    open(input.below(6), input.coin());
    std::size_t steps = 0;
    while (!input.is_empty() && ++steps < 2000) step(input);
    close();
  }

  End& end(bool is_first) { return is_first ? first_ : second_; }
  EventLoop& loop() { return *loop_; }
  /// What the next callback is to do besides.
  std::optional<std::pair<bool, Input>> planned;

  void run_planned() {
    if (!planned) return;
    auto [is_first, input] = *std::exchange(planned, std::nullopt);
    if (end(is_first).stream) end(is_first).operate(input);
  }

 private:
  void open(std::size_t kind, bool with_small_marks) {
    StreamOptions options{.read_while_output_full = true};
    if (with_small_marks) options.read_marks = {.low = 10, .high = 100};
    if (with_small_marks) options.write_marks = {.low = 100, .high = 1000};
    std::array<std::unique_ptr<Stream>, 2> ends;
    if (kind % 2 == 0) {
      auto [near, far] = Stream::pair(*loop_, options, options);
      ends = {std::move(near), std::move(far)};
    } else {
      std::array<int, 2> numbers{};
      require(static_cast<bool>(sys::create_socket_pair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, numbers)),
              "no sockets");
      for (std::size_t i = 0; i < 2; ++i)
        ends[i] = *Stream::adopt(*loop_, Socket(sys::Descriptor(numbers[i])), options);
    }
    tells_reset_ = kind % 2 == 0;
    has_frames_ = kind >= 4;
    for (auto& one : ends) {
      if (kind >= 2) one = Stream::filter(std::move(one), std::make_unique<Mask>(), options);
      if (kind >= 4) one = Stream::filter(std::move(one), std::make_unique<Frames>(), options);
    }
    first_.take_over(std::move(ends[0]));
    second_.take_over(std::move(ends[1]));
  }

  void step(Input& input) {
    const std::uint8_t choice = input.byte();
    End& chosen = end(choice % 2 == 0);
    switch (choice / 2 % 8) {
      case 0:
      case 1: return turns(1 + input.below(8));
      case 2: return pass(std::chrono::milliseconds(input.below(256)));
      case 3: {  // in the next callback
        const bool is_first = input.coin();
        planned.emplace(is_first, input.part(3));
        return;
      }
      default:
        if (chosen.stream) chosen.operate(input);
    }
  }

  void turns(std::size_t count) {
    for (; count > 0; --count) require(static_cast<bool>(loop_->poll()), "the loop fails");
  }
  void pass(Duration length) {
    loop_->stop_after(length);
    require(static_cast<bool>(loop_->run()), "the loop fails");
  }

  void close() {
    planned.reset();
    first_.release();
    second_.release();
    for (int i = 0; i < 40; ++i) pass(10s);
    const auto is_calm_at = [](const End& one) { return !one.is_disturbed && !one.throws_away; };
    const bool is_calm = is_calm_at(first_) && is_calm_at(second_);  // who throws away does so for a while only
    for (const bool is_first : {true, false}) {
      const End& one = end(is_first);
      const End& other = end(!is_first);
      one.check_end();
      require(one.received <= other.written, "more is received than was written");
      const bool lost = one.received < other.written && !one.throws_away;
      require(!is_calm || !lost, "bytes are lost though nothing was disturbed");
      require(!is_calm || !one.error, "an error though nothing was disturbed: " + one.error.message());
      const bool shows_cuts = tells_reset_ || has_frames_;
      require(!one.has_ended || !lost || !shows_cuts, "an orderly end of what is not whole");
    }
    first_.stream.reset();
    second_.stream.reset();
    loop_.reset();
    require(world_.local().open_descriptors() == 0, "descriptors stay open");
  }

  sim::World world_;
  std::unique_ptr<EventLoop> loop_;
  bool tells_reset_ = false;
  bool has_frames_ = false;
  End first_{*this, true};
  End second_{*this, false};
};

End& End::peer() const { return scenario_.end(!is_first_); }

void End::take_over(std::unique_ptr<Stream> given) {
  stream = std::move(given);
  stream->on_data([this](Stream&) { data(); });
  stream->on_end([this](Stream&) { end(); });
  stream->on_drained([this](Stream&) {
    told();
    scenario_.run_planned();
  });
  stream->on_closed([this](Stream&, std::error_code why) {
    told();
    require(answered_ == asked_, "the terminal event comes before an answer to when_sent");
    require(!is_reading_, "the terminal event comes before an answer to a read");
    is_closed = true;
    error = why;
    if (!throws_away) take(stream->input().take_all());
    scenario_.run_planned();
  });
}

void End::data() {
  told();
  require(!stream->is_paused() && !throws_away, "data is told to who wants none");
  take(stream->input().take(std::min(at_most_, stream->input().size())));
  scenario_.run_planned();
}

void End::end() {
  told();
  require(!std::exchange(has_ended, true), "the end is told twice");
  take(stream->input().take_all());
  scenario_.run_planned();
}

void End::take(const Buffer& bytes) {
  for (const Slice& slice : bytes.slices()) {
    for (const char byte : as_text(slice.bytes()))
      require(byte == byte_at(received++, !is_first_), "another byte than was sent");
  }
  require(received <= peer().written, "more is received than was written");
}

void End::write(std::size_t count) {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) text[i] = byte_at(written + i, is_first_);
  const Accepted answer = stream->write(text);
  if (answer == Accepted::yes || answer == Accepted::slow_down) written += count;
}

void End::ask_sent() {
  if (!stream->is_open()) return;
  stream->when_sent([this, number = asked_++](std::error_code) {
    told();
    require(number == answered_++, "when_sent is answered out of order");
    scenario_.run_planned();
  });
}

void End::read_some(std::size_t count) {
  if (is_reading_ || !stream->is_open() || throws_away) return;
  is_reading_ = true;
  stream->read_exactly(count, [this, count](Stream&, Result<Buffer> bytes) {
    told();
    is_reading_ = false;
    if (bytes) {
      require(bytes->size() == count, "another number of bytes is read");
      take(*bytes);
    }
    scenario_.run_planned();
  });
}

void End::operate(Input& input) {
  switch (input.below(22)) {
    case 0:
    case 1: return write(input.size());
    case 2: return write(input.number(2) * 8);
    case 3: return stream->pause();
    case 4: return stream->resume();
    case 5: return stream->pause_writing();
    case 6: return stream->resume_writing();
    case 7: return stream->flush_now();
    case 8: return ask_sent();
    case 9: return stream->finish_writing();
    case 10: throws_away = true; return stream->finish();
    case 11: is_silent = is_disturbed = true; return stream->abort();
    case 12: is_silent = is_disturbed = true; return stream.reset();
    case 13: is_disturbed = true; return stream->fail(errc::canceled);
    case 14: is_disturbed = true; return stream->fail_when_sent(errc::canceled);
    case 15: {
      const std::size_t high = 1 + input.size();
      return stream->set_read_marks({.low = high / 2, .high = high});
    }
    case 16: {
      const std::size_t high = 1 + input.size();
      return stream->set_write_marks({.low = high / 2, .high = high});
    }
    case 17: return read_some(input.size());
    case 18:
      return stream->set_rate_limits({.read = {.bytes_per_second = 10'000 + input.number(2)},
                                      .write = {.bytes_per_second = 10'000 + input.number(2)}});
    case 19: return stream->set_rate_limits({});
    case 20: at_most_ = input.coin() ? unlimited : input.size(); return;
    default:
      is_disturbed = true;
      return stream->set_deadline(scenario_.loop().now() + std::chrono::milliseconds(input.below(256)));
  }
}

void End::release() {
  if (!stream || is_silent) return;
  at_most_ = unlimited;
  stream->set_read_marks({.low = 16_KiB, .high = 64_KiB});
  stream->set_rate_limits({});
  stream->set_deadline(TimePoint::max());
  stream->resume();
  stream->resume_writing();
  if (!is_closed && !throws_away) stream->on_data([this](Stream&) { data(); });
  stream->finish_writing();
}

void End::check_end() const { require(is_silent || is_closed, "a stream that was ended in order never closes"); }

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzz::Input input(data, size);
  const weir::fuzz::Scenario scenario(input);
  return 0;
}
