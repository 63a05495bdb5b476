// weir: what the kinds of streams share, and their users need not see.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/buffer/buffer.h"
#include "weir/loop/io_slot.h"
#include "weir/net/address.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream_options.h"
#include "weir/stream/stream_owner.h"

namespace weir {

class Stream;
struct OwnedTag;

/// The state of a Stream and what goes on in it. Programs use Stream, which is derived from this and has no state of its own;
/// a kind of stream is derived from Stream, does what the first functions below ask of it, and reports through those that
/// follow.
///
///     program ──► Stream ──► StreamCore ◄──► a kind: socket, pipe, pair, filter
///
class WEIR_API StreamCore : protected ByteSlot, public ListHook<OwnedTag>, private WheelTimer, private BufferObserver {
 public:
  ~StreamCore() override;  // run by the slot alone, when it goes; a delete-expression comes through Stream's operator

 protected:
  StreamCore(EventLoop& loop, StreamSettings settings);

  // What a kind of stream has to know to do; the rest is the same for all.
  virtual void start_receiving() noexcept = 0;
  virtual void stop_receiving() noexcept = 0;
  /// Delivers what can still be received without waiting.
  virtual void receive_rest() = 0;
  /// May call `sent` or `left` before it returns.
  virtual void start_sending() = 0;
  virtual void stop_sending() noexcept = 0;
  /// Sends what can be sent without waiting for the system to report room.
  virtual void send_rest() = 0;
  /// `flush_now` was called: what is held back must go too.
  virtual void flush_transport() {}
  /// All of the output has been taken: false when there is still something to be sent before the end.
  virtual bool is_ready_to_end() { return true; }
  /// Bytes may pass by without being seen here: over sockets, with nothing in between.
  virtual bool is_plain_socket() const noexcept { return false; }
  /// The output is empty: false while some of it has not left a stream below; then the stream is settled again later.
  virtual bool has_all_left() { return true; }
  virtual Result<void> send_end() = 0;
  virtual void close_transport(bool reset) noexcept = 0;
  virtual Result<Address> transport_address(bool of_peer) const = 0;

  // What the kind reports.
  void received(Received& data) override;
  /// As `received`, from what is no descriptor. Calls nothing back yet: `deliver` does. `data` is empty afterwards, unless
  /// there was no memory to take it.
  void arrived(Buffer&& data);
  void deliver();
  void receive_ended(std::error_code error) override;
  void sent(std::size_t count) override;
  /// As `sent`, for what the kind has taken out of the output itself. Calls nothing back yet.
  void left(std::size_t count);
  void send_failed(std::error_code error) override;
  void wait_for_connection() noexcept { suspended_ |= connecting; }
  void has_no_reader() noexcept {
    suspended_ |= at_end;
    has_reader_ = false;
  }
  void has_no_writer() noexcept { state_ = State::ended; }
  /// What is read and what is written are no one connection: its end needs no draining, and a failure of one tells
  /// nothing of the other.
  void is_no_connection() noexcept { is_connection_ = false; }
  void connection_stands();
  void connection_failed(std::error_code error) { close(error, true); }

  void run_deferred() override;
  void memory_returned() noexcept override;
  bool is_suspended() const noexcept { return suspended_ != 0; }
  bool is_closed() const noexcept { return state_ == State::closed; }
  bool is_finishing() const noexcept { return state_ == State::finishing && !fails_when_sent_; }
  bool is_broken() const noexcept { return state_ == State::broken; }
  bool is_silent() const noexcept { return is_silent_; }
  /// How much may be moved now, by its rate limits. 0: it has stopped, and starts again by itself.
  std::size_t receive_allowance() override;
  std::size_t send_allowance() override;
  /// How much a kind may add to the input at once: a receive's worth.
  static constexpr std::size_t most_at_once = std::size_t{64} << 10;
  /// And in one turn.
  static constexpr std::size_t most_in_turn = std::size_t{256} << 10;
  /// Nothing can be sent, for now, for a reason of the kind's; until something is written, or it is lifted.
  void hold_sending() noexcept {
    sending_suspended_ |= by_kind;
    is_waiting_to_send_ = false;
  }
  void lift_sending_hold() noexcept { sending_suspended_ &= static_cast<std::uint8_t>(~by_kind); }

 private:
  friend class Stream;
  friend class StreamRef;
  friend class FilterStream;  // looks after the stream below it
  friend class Splice;        // and these move bytes past it
  friend class Coupling;

  /// `open` takes writes; `finishing` flushes them; `ended` has sent the end; `broken` has failed, and only what the
  /// peer had sent before is still delivered; `closed` is over.
  enum class State : std::uint8_t { open, finishing, ended, broken, closed };

  /// Why reading is suspended: a set, empty while it runs.
  enum Reason : std::uint8_t {
    by_user = 1,
    input_full = 2,
    output_full = 4,
    connecting = 8,
    at_end = 16,
    drained_enough = 32,
    by_kind = 64,  ///< a filter that wants more; a pump's pipe that is full
    by_rate = 128
  };

  struct Extras;
  struct PendingRead;
  struct Passing;
  class RateState;

  Stream& self() noexcept;
  Extras& extras();

  // Callbacks and writing: stream.cc.
  template <class Function>
  void run_own(Function function);
  template <class AnyHandler, class... Args>
  void call(AnyHandler& handler, Args... args);
  bool caught(std::exception_ptr exception) override;
  void drop_callbacks() noexcept;
  void set_attachment(void* object, void (*destroy_object)(void*)) noexcept;
  void drop_attachment() noexcept { set_attachment(nullptr, nullptr); }
  bool takes(std::size_t count, Accepted& answer) const noexcept;
  Accepted taken();
  void settle_later() noexcept;
  void settle();
  void wait_to_send(TimePoint since) noexcept;
  void count_taken_out(std::size_t count) noexcept;
  void count_left(std::size_t count);
  bool is_drained() const noexcept;
  bool has_sent_news() const noexcept;
  void tell_sent();
  void run_first_sent_callback(std::error_code error);
  void read_on_while_output_full();
  std::size_t room_in_output() const noexcept {
    return settings_->output_limit - std::min(output_.size(), settings_->output_limit);
  }

  // Reading: stream_reading.cc.
  void tell_data();
  void begin_read(Callback<Result<std::optional<Buffer>>(Buffer&)> next, std::size_t longest,
                  Callback<void(Stream&, Result<Buffer>)> handler);
  void serve_read();
  void end_read(Result<Buffer> result);
  bool may_go_on(std::uint8_t version) noexcept;
  void apply_read_marks();
  std::size_t high_mark() const noexcept { return std::max(settings_->read_marks.high, needed_); }
  void suspend(std::uint8_t reasons) noexcept;
  void unsuspend(std::uint8_t reasons) noexcept;
  void changed(Buffer& input, const BufferChange& change) noexcept override;
  void discard(std::size_t count) noexcept;

  // Ends and time limits: stream_end.cc.
  void begin_to_end(bool discards) noexcept;
  void advance_end();
  void finish_broken();
  void fail_if_sent();
  void close(std::error_code error, bool reset);
  void tell_peer_ended();
  void tell_closed(std::error_code error);
  void destroy() noexcept;
  void loop_ends() noexcept override;
  TimePoint deadline(std::error_code* what = nullptr) const noexcept;
  void limit_time() noexcept;
  void fired() override;
  void serve_limits();
  void fail_unless_data_waits(std::error_code what);
  void fail_unless_room_waits();
  void use_up_room();
  TimePoint next_try() const noexcept;
  /// Of `last_sent_`, in little space: enough to tell whether it has moved. One that looks the same costs a try.
  std::uint32_t last_sent_in_short() const noexcept {
    return static_cast<std::uint32_t>(last_sent_.time_since_epoch().count());
  }
  void fail_at_deadline();

  // What moves bytes past the buffers: stream_diverted.cc.
  void hold_receiving() noexcept { suspend(by_kind); }
  void release_receiving() noexcept { unsuspend(by_kind); }
  void send_diverted();
  void note_received(std::size_t count) noexcept;
  void note_sent(std::size_t count, bool has_more) noexcept;
  void note_no_room() noexcept;

  // Descriptors: stream_descriptors.cc.
  Passing& passing();
  bool takes_descriptors(std::size_t bytes, const std::vector<sys::Descriptor>& descriptors, Accepted& answer);
  void depart(std::size_t bytes_before, std::vector<sys::Descriptor>&& descriptors) noexcept;
  Departure next_departure() const noexcept override;
  void descriptors_departed() noexcept override;
  void reserve_arrivals() override;
  void descriptors_arrived(std::span<const int> numbers) noexcept override;
  bool tell_descriptors();
  bool waits_for_departures() const noexcept;
  void drop_arrivals() noexcept;
  void drop_departures() noexcept;

  // Rates: stream_rate.cc.
  RateState& rate_state();
  void count_received(std::size_t bytes) noexcept;
  void count_sent(std::size_t bytes) noexcept;
  TimePoint rate_resumes_at() const noexcept;
  void resume_due_rates() noexcept;

  // What a snapshot tells: stream_describe.cc.
  void describe(ObjectState& state) const noexcept override;
  std::string_view phase() const noexcept;

  Callback<void(Stream&)> on_data_;
  Callback<void(Stream&)> on_end_;
  Callback<void(Stream&, std::error_code)> on_closed_;
  StreamSettings settings_;
  std::unique_ptr<Extras> extras_;  // what few streams need
  StreamOwner* owner_ = nullptr;
  void* attachment_ = nullptr;
  void (*destroy_attachment_)(void*) = nullptr;
  TimePoint last_received_;
  TimePoint reading_since_;                    // when reading went on: the read limit counts from the later of both
  TimePoint last_sent_;                        // or when output began to wait
  TimePoint end_deadline_ = TimePoint::max();  // when draining, or all of lingering, is over
  std::size_t needed_ = 0;                     // a reader cannot go on with less: above the high mark
  std::uint32_t discarded_ = 0;                // bytes thrown away since the end was sent
  std::uint32_t tried_at_ = 0;                 // what last_sent_ was, in short, when the system had no room any more
  int failure_ = 0;                            // why the stream is broken, see pack in stream_state.h
  State state_ = State::open;
  std::uint8_t suspended_ = 0;
  std::uint8_t sending_suspended_ = 0;  // why nothing is sent though there is output, but for `connecting`
  std::uint8_t data_handlers_ = 0;      // how often on_data was set, to notice it
  bool has_read_ = false;               // a read_… waits; it is among the extras
  bool has_reader_ = true;
  bool is_connection_ = true;
  bool is_discarding_ = false;       // finish() was called: input is thrown away
  bool is_silent_ = false;           // aborted or destroyed: no callback runs any more
  bool is_waiting_to_send_ = false;  // the kernel took less than was offered
  bool has_told_slow_down_ = false;
  bool is_lingering_ = false;   // destroyed before it was closed; holds its own slot
  bool must_deliver_ = false;   // on_data is due at the end of the turn
  bool must_tell_end_ = false;  // the peer has ended, and the program has not heard of it
  bool has_told_closed_ = false;
  bool fails_when_sent_ = false;  // as failure_ tells
  bool is_telling_sent_ = false;  // tell_sent is on the stack
  bool has_received_ = false;     // something arrived since it was last cleared, before a receive_rest
  bool has_arrivals_ = false;     // descriptors have come, and the program has not heard of them
};

}  // namespace weir
