// weir: one end of a connection in a simulation, with all that must hold for it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "weir/sim/swarm.h"
#include "weir/stream/stream.h"

namespace weir::testing_support {

constexpr std::size_t key_size = 4;

/// The byte at a place of a flow: a hole, a repeat, a swap or a byte of another flow shows. The first four tell the key.
inline char pattern_at(std::uint64_t key, std::uint64_t place) {
  if (place < key_size) return static_cast<char>(key >> (8 * place));
  std::uint64_t z = (place + (key << 40)) * 0x9E3779B97F4A7C15U;
  z ^= z >> 29;
  return static_cast<char>(z >> 24);
}
/// One direction of a connection, as both its ends know it.
struct Flow {
  std::uint64_t key = 0;       ///< of its bytes, by pattern
  std::string text{};          ///< its bytes, if they follow no pattern
  std::uint64_t accepted = 0;  ///< taken by `write`
  std::uint64_t received = 0;  ///< taken out of the other end's input
  bool is_whole = true;        ///< an end after less than all that was accepted is a violation

  char at(std::uint64_t place) const {
    if (text.empty()) return pattern_at(key, place);
    return place < text.size() ? text[place] : '\0';
  }
  /// What comes next to be written.
  std::string next(std::size_t count) const {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i) bytes[i] = at(accepted + i);
    return bytes;
  }
};

/// Both directions of a connection.
struct Conversation {
  Flow up;
  Flow down;
};

/// A stream and its callbacks, each of which checks what weir promises about it; then does what a scenario wants.
class Party {
 public:
  Party(sim::Trial& run, std::string name) : run_(run), name_(std::move(name)) {}
  Party(const Party&) = delete;
  Party& operator=(const Party&) = delete;
  virtual ~Party() = default;

  void own(std::unique_ptr<Stream> stream, const StreamOptions& options);
  /// A stream that a server owns.
  void watch(Stream& stream, const StreamOptions& options);
  /// Null when there is none any more, or it is over.
  Stream* stream() const noexcept { return stream_; }

  const std::string& name() const noexcept { return name_; }
  bool is_closed() const noexcept { return is_closed_; }
  /// It has had its terminal event, or was aborted or destroyed.
  bool is_over() const noexcept { return stream_ == nullptr; }
  bool is_silent() const noexcept { return is_silent_; }
  bool has_ended() const noexcept { return has_ended_; }
  std::error_code error() const noexcept { return error_; }
  TimePoint closed_at() const noexcept { return closed_at_; }
  bool is_told_to_slow_down() const noexcept { return must_slow_down_; }
  std::size_t untold() const noexcept { return asked_sent_ - told_sent_; }

  // --- operations; none but on a stream that is open ---

  /// Writes the next bytes of the flow out, in one of several ways. False when they were not taken.
  bool write(std::size_t count);
  /// Writes bytes of the flow that came from elsewhere; untouched when false.
  bool write(Buffer&& bytes);
  /// Takes that many bytes, checks them against the flow in, and counts them there.
  Buffer take(std::size_t count);
  /// The same for what was taken otherwise.
  void count(const Buffer& taken);
  void when_sent();
  void pause();
  void resume();
  void finish();
  void finish_writing();
  void abort();
  /// Destroys it; only what is owned here.
  void destroy();
  /// Its owner finishes it.
  void finished();
  /// From now on it is owned here.
  void taken_over(std::unique_ptr<Stream> stream) { owned_ = std::move(stream); }
  bool is_owned() const noexcept { return owned_ != nullptr; }
  /// Aborts and destroys it: its slot is free at once. Only what is owned here.
  void vanish();
  /// Tells that its owner has aborted or destroyed it, or is about to.
  void silenced();
  /// Does something that must not change what is told: other marks, another limit, an early flush.
  void disturb();

  Flow* in = nullptr;
  Flow* out = nullptr;

 protected:
  sim::Trial& run() noexcept { return run_; }
  bool expect(bool condition, std::string_view sentence);
  void probe_error(std::error_code error);

  // What a scenario does, after the checks. The stream may be gone afterwards.
  virtual void connected() {}
  virtual void data() = 0;
  virtual void ended() {}
  virtual void drained() {}
  virtual void told_sent() {}
  virtual void closed() {}
  /// It is over, one way or another: memory that is kept any longer would be missing elsewhere.
  virtual void let_go() {}

 private:
  void begin(Stream& stream, const StreamOptions& options);
  void data_came();
  void end_came();
  void drained_came();
  void sent_came(std::uint64_t number, std::uint64_t written, std::error_code error);
  void closed_came(std::error_code error);
  bool took(Accepted answer, std::size_t count);
  void look_for_cut_piece();
  std::uint64_t turn() const { return stream_->loop().counters().turns; }

  sim::Trial& run_;
  std::string name_;
  std::unique_ptr<Stream> owned_;
  Stream* stream_ = nullptr;
  std::size_t output_limit_ = 0;
  std::size_t most_input_ = 0;
  bool is_paused_ = false;
  bool is_finishing_ = false;
  bool has_half_closed_ = false;
  bool is_silent_ = false;
  bool is_closed_ = false;
  bool has_ended_ = false;
  bool must_slow_down_ = false;
  std::error_code error_;
  std::uint64_t seen_at_end_ = 0;
  std::uint64_t asked_sent_ = 0;
  std::uint64_t told_sent_ = 0;
  std::uint64_t last_data_turn_ = 0;
  std::uint64_t resumed_turn_ = 0;
  TimePoint finished_at_{};
  TimePoint closed_at_{};
  std::uint64_t begin_of_piece_ = 0;
  std::deque<std::uint64_t> piece_ends_;  // in the flow out, of what waits in the output
};

/// "timed out" for system:110, and so on: for the names of probes.
std::string short_name(std::error_code error);

}  // namespace weir::testing_support
