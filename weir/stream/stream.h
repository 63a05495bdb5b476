// weir: a byte stream with an input and an output buffer.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/callback.h"
#include "weir/base/export.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/frame_reader.h"
#include "weir/buffer/line_reader.h"
#include "weir/loop/io_slot.h"
#include "weir/net/address.h"
#include "weir/net/connector.h"
#include "weir/net/socket.h"
#include "weir/stream/filter.h"
#include "weir/stream/pipe_ends.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream_options.h"
#include "weir/stream/stream_owner.h"
#include "weir/stream/stream_ref.h"

namespace weir {

struct OwnedTag;
struct StreamPair;

/// A byte stream with an input and an output buffer, driven by one EventLoop.
///
///     stream->on_data([](Stream& s) { s.write(s.input().take_all()); });   // echo
///
///     peer ──► kernel ──► input() ──► on_data ──► you
///     peer ◄── kernel ◄── output() ◄── write ◄── you
///
/// Flow control is on from the start. Reading pauses while the input is at or above its high mark, while the stream's own
/// output is, and while `pause()` is in force; it goes on when the last of these reasons is gone. So a program that
/// answers what it reads holds a bounded amount of memory, however slow the peer.
///
/// Writes made inside a callback of this stream are sent when it returns, others at the end of the loop's turn.
///
/// Ends. `on_end`: the peer finished sending, after all its data; without that handler the stream then finishes too.
/// `finish()` ends in order; `abort()` at once. `on_closed` is the one terminal event: with no error after an orderly end.
/// After `abort()`, or when the stream has been destroyed, no callback runs any more.
///
/// Lifetime: owned by its creator, through a std::unique_ptr, or by a Server. May be destroyed inside any of its callbacks.
///           Destroying is silent: what was accepted for writing is still flushed in the background, within `linger`.
///           The loop must outlive it. After `on_closed` it does nothing more but wait to be destroyed.
/// Threads:  the loop's, except through a `StreamRef`.
/// Errors:   reported once, by `on_closed`: the system's (std::errc::connection_reset, …) or weir's time limits.
class WEIR_API Stream : protected ByteSlot, public ListHook<OwnedTag>, private WheelTimer, private BufferObserver {
 public:
  using Handler = Callback<void(Stream&)>;
  using ClosedHandler = Callback<void(Stream&, std::error_code)>;

  struct ConnectingOptions {
    ConnectOptions connect{};
    StreamSettings stream{};
  };

  /// Connects to `address`, numeric or Unix (see Address::parse). Writes may begin at once and wait for the connection;
  /// then `on_connected` is called, or `on_closed` with what went wrong, never inside this function.
  static Result<std::unique_ptr<Stream>> connect(EventLoop& loop, std::string_view address, ConnectingOptions options);
  static Result<std::unique_ptr<Stream>> connect(EventLoop& loop, std::string_view address);
  static Result<std::unique_ptr<Stream>> connect(EventLoop& loop, const Address& address, ConnectingOptions options);

  /// Drives a socket that is connected already.
  static Result<std::unique_ptr<Stream>> adopt(EventLoop& loop, Socket socket, StreamSettings settings = {});

  /// Drives what is no socket: pipes, a terminal, a device, regular files; see PipeEnds. A stream without a writer answers
  /// `closed` to every write, and closes when the reader has ended; one without a reader never calls `on_data` or `on_end`.
  /// Two descriptors of one file, as standard input and output at a terminal, are fine.
  ///
  /// Other than a socket, such a stream is not drained when it is finished: it is closed as soon as all is written. The end is
  /// sent by closing the writer; where one descriptor is both, at the close of the whole. What a `TimeLimits::write`
  /// of 60 s means to those who write for a pager, say, is to be considered.
  static Result<std::unique_ptr<Stream>> adopt_pipe(EventLoop& loop, PipeEnds ends, StreamSettings settings = {});
  /// One descriptor, for what it was opened for: reading, writing, or both.
  static Result<std::unique_ptr<Stream>> adopt_pipe(EventLoop& loop, sys::Descriptor descriptor,
                                                    StreamSettings settings = {});

  /// Two streams in memory, each of which receives what the other one sends, by reference: no system call is made. They behave
  /// as two ends of a connection, back-pressure, ends and resets included, but do not keep a loop running by themselves.
  static StreamPair pair(EventLoop& loop, StreamSettings first = {}, StreamSettings second = {});

  /// A stream whose bytes pass through `filter` on their way to and from `below`, which may be of any kind, connected or not
  /// yet, and another filter too. The new stream owns it: its callbacks and its priority are taken over, its options,
  /// time limits and marks are still its own. Pausing, marks and rates act through all layers.
  static std::unique_ptr<Stream> filter(std::unique_ptr<Stream> below, std::unique_ptr<Filter> filter,
                                        StreamSettings settings = {});

  /// Destroys the stream as `delete` and std::unique_ptr do; the slot behind it goes when nothing needs it any more.
  static void operator delete(Stream* stream, std::destroying_delete_t) noexcept { stream->destroy(); }
  ~Stream() override;  // run by the slot alone, when it goes; a delete-expression comes through the operator above

  // --- callbacks; each may be replaced at any time, also while it runs ---

  /// The connection stands. Only after `connect`.
  void on_connected(Handler handler);
  /// The input has grown, or reading was resumed, or the handler set, with bytes in it. Take what is useful; the rest stays. It is called again
  /// when something changes: more input, or `resume()`.
  void on_data(Handler handler);
  /// Has the input cut into frames by `framer` and each handed over: takes the place of `on_data`.
  ///
  ///     stream.on_frame(weir::LineReader(), [](weir::Stream& s, weir::Buffer line) { … });
  ///
  /// The high mark is raised to `framer.longest_frame()` if need be; a framer that may need more than
  /// `StreamOptions::input_limit` ends the stream with errc::limit, and so does an error of the framer's, each with its
  /// code. What the peer's end leaves of a frame stays in the input.
  template <Framer F>
  void on_frame(F framer, Callback<void(Stream&, Buffer)> handler);
  /// The peer finished sending. The stream can still be written to; call `finish()` when done.
  void on_end(Handler handler);
  /// The output has fallen to its low mark after `write` answered `slow_down`; or writing has failed while the stream was
  /// paused, or its input full, and there is no output left to wait for.
  void on_drained(Handler handler);
  /// The stream is closed: the last callback of all.
  void on_closed(ClosedHandler handler);

  /// Descriptors have come over a Unix socket, close-on-exec. Called before the `on_data` that tells of the byte with which
  /// they were sent, and after every one that told of earlier bytes; the input has that byte already. Other bytes may have come
  /// before it in the same receive, none behind those of the send that brought it: whose they are is for the protocol to say.
  /// Without this callback, and on other kinds of streams, none is received: the system closes what was sent.
  ///
  /// Errors: a stream whose descriptors the process has no numbers for fails with std::errc::too_many_files_open, for what it
  ///         would go on with is not what was sent. Source: unix(7), SCM_RIGHTS.
  using DescriptorsHandler = Callback<void(Stream&, std::vector<sys::Descriptor>)>;
  void on_descriptors(DescriptorsHandler handler);

  // --- reading ---

  /// What has arrived and was not taken yet. Taking from it, anywhere, lets reading go on when it falls to the low mark.
  Buffer& input() noexcept { return input_; }
  /// Stops reading, and `on_data`, until `resume()`. The peer's end or reset is noticed when reading goes on; that writing
  /// has failed is told at the latest when the write limit has passed.
  void pause() noexcept;
  void resume();
  /// False while it connects.
  bool is_connected() const noexcept { return (suspended_ & connecting) == 0; }
  /// The peer has finished sending; perhaps `on_end` has yet to tell it.
  bool has_peer_ended() const noexcept { return (suspended_ & at_end) != 0; }
  bool is_paused() const noexcept { return (suspended_ & by_user) != 0; }

  /// Reads one frame: `handler` is called once, later, with the frame or with the reason why there will be none: errc::eof
  /// when the peer has ended before, errc::limit for one too long, the terminal error otherwise; what had come of it is
  /// left in the input. One at a time; `on_data` waits meanwhile. Not called after `abort()` or destruction.
  using ReadHandler = Callback<void(Stream&, Result<Buffer>)>;
  template <Framer F>
  void read_frame(F framer, ReadHandler handler);
  void read_exactly(std::size_t count, ReadHandler handler);
  /// Up to `delimiter`, which is taken off.
  void read_until(std::string delimiter, ReadHandler handler, std::size_t limit = DelimiterReader::default_limit);
  void read_line(ReadHandler handler, LineReader reader = LineReader());

  /// Goes on reading until the input has `count` bytes, though its high mark is lower: for an `on_data` that leaves there what
  /// it cannot use yet. Holds until the next call; 0 takes it back. False, and no change, above `StreamOptions::input_limit`.
  [[nodiscard]] bool need_input(std::size_t count);

  // --- writing ---

  /// Appends to the output: copied, shared, or moved. What follows the answer is on Accepted.
  Accepted write(Bytes bytes);
  Accepted write(std::string_view text) { return write(as_bytes(text)); }
  Accepted write(const char* text) { return write(std::string_view(text)); }
  Accepted write(const Slice& slice);
  Accepted write(Buffer&& buffer);
  /// A part of a file, which plain sockets are sent by sendfile(2), and what is no socket, or has a filter, in pieces that are read
  /// when their turn comes. However long, it is taken if the output is below its limit; `errc::file_too_short` ends the
  /// stream when the file has become shorter. Reading it may wait for the disk.
  Accepted write(const FileRange& range);
  /// True over a Unix socket, also while it connects: descriptors may travel with its bytes. No other kind can do that.
  bool can_pass_descriptors() const noexcept { return ByteSlot::can_pass(); }
  /// The most that may be written with one call, and wait to be sent in all: SCM_MAX_FD, unix(7).
  static constexpr std::size_t most_descriptors = 253;
  /// As `write`; the descriptors travel with the first of those bytes, of which there must be one, and are closed here once
  /// they are on their way, or never will be. Requires `can_pass_descriptors()`.
  ///
  ///     stream.write_with_descriptors("here is a file\n", std::move(files));
  ///
  /// `refused`, with descriptors untouched, also when more than `most_descriptors` would wait: `on_drained` tells when none
  /// does. While the system has too many under way (ETOOMANYREFS) the stream waits, as for a peer that does not read.
  Accepted write_with_descriptors(Bytes bytes, std::vector<sys::Descriptor>&& descriptors);
  Accepted write_with_descriptors(std::string_view text, std::vector<sys::Descriptor>&& descriptors) {
    return write_with_descriptors(as_bytes(text), std::move(descriptors));
  }
  Accepted write_with_descriptors(Buffer&& buffer, std::vector<sys::Descriptor>&& descriptors);
  /// What was written and has not reached the kernel yet.
  const Buffer& output() const noexcept { return output_; }
  /// Sends now instead of when the callback returns or the turn ends; what the kernel had no room for, too, for it reports
  /// room only when much of it has become free. Outside of `run` no callback is called: what became known is told in the next
  /// turn.
  void flush_now();
  /// Sends nothing until `resume_writing()`. What is written waits, and no write limit counts. `finish()` resumes it.
  void pause_writing() noexcept;
  void resume_writing();
  bool is_writing_paused() const noexcept { return (sending_suspended_ & by_user) != 0; }
  /// True at or above the high mark, where `write` answers `slow_down` or refuses.
  bool is_output_full() const noexcept { return output_.size() >= settings_->write_marks.high; }
  /// Calls back once when everything written so far has reached the kernel, at the latest with the terminal error; in
  /// order. With nothing to wait for it is called at the end of the turn. Not called after `abort()` or destruction, nor
  /// when the stream is closed already.
  void when_sent(Callback<void(std::error_code)> callback);

  // --- limits; all may be changed at any time and take effect at once ---

  void set_read_marks(Marks marks);
  void set_write_marks(Marks marks);
  void set_output_limit(std::size_t bytes);
  void set_time_limits(const TimeLimits& limits);
  /// How many bytes a second it may move by itself; in a group as well, if it is in one. `finish()` lifts that on reading. A
  /// stream that its rate holds up is not late: no read or write limit counts meanwhile.
  void set_rate_limits(const RateLimits& limits);
  /// Joins a group, of the same loop, or leaves it with null.
  void set_rate_group(RateGroup* group);
  /// The stream fails with errc::deadline_passed at that moment, whatever has moved before; TimePoint::max() takes it back.
  void set_deadline(TimePoint deadline);
  using IoSlot::priority;
  using IoSlot::set_priority;

  /// What EventLoop::insight and EventLoop::snapshot call it, such as its peer's address. Copied; none at first.
  using Slot::name;
  using Slot::set_name;

  // --- ends ---

  /// Accepts no more writes, flushes, sends the end, and closes when the peer has ended too or `linger` is over. Input
  /// that still arrives is thrown away, so that it cannot turn the close into a reset that destroys what was just sent.
  void finish();
  /// Half close: flushes and sends the end, and goes on reading.
  void finish_writing();
  /// Closes at once: unsent output is lost, and a TCP peer sees a reset. No callback runs any more.
  void abort() noexcept;
  /// Closes at once, as if the connection had failed: unsent output is lost, a TCP peer sees a reset, and `on_closed` hears
  /// `error`, which must be one.
  void fail(std::error_code error);
  /// The same once everything written has been sent; nothing more is taken until then.
  void fail_when_sent(std::error_code error) noexcept;

  /// True until the terminal event.
  bool is_open() const noexcept { return state_ != State::closed; }
  /// When bytes last moved, either way, or began to wait for the peer to take them; at first, when the stream was made. For
  /// owners with limits of their own, on several streams together say.
  TimePoint last_moved() const noexcept { return std::max(last_received_, last_sent_); }
  /// True while `write` takes anything.
  bool is_writable() const noexcept { return state_ == State::open; }

  // --- the rest ---

  Result<Address> local_address() const;
  Result<Address> peer_address() const;
  EventLoop& loop() const noexcept { return Slot::loop(); }
  /// A reference that any thread may keep; it has no effect once the stream is gone.
  StreamRef ref() noexcept;

  /// Keeps an object with the stream and destroys it with the stream's callbacks; replaces an earlier one.
  template <class T, class... Args>
  T& attach(Args&&... args) {
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    T& result = *object;
    set_attachment(object.release(), [](void* old) { delete static_cast<T*>(old); });
    return result;
  }
  /// What `attach<T>` made. Requires that it was the same T and not replaced since.
  template <class T>
  T& attached() noexcept {
    return *static_cast<T*>(attachment_);
  }

  /// For the library's own owners of streams.
  void set_owner(StreamOwner* owner) noexcept { owner_ = owner; }
  StreamOwner* owner() const noexcept { return owner_; }
  /// Runs a `handler` of the owner's, or a posted task, as if it were one of the stream's own callbacks.
  void call_for_owner(Handler& handler);

 protected:
  Stream(EventLoop& loop, StreamSettings settings);

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
  /// As `received`, from what is no descriptor. Calls nothing back yet: `deliver` does.
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

  template <class Function>
  void run_own(Function function);
  template <class AnyHandler, class... Args>
  void call(AnyHandler& handler, Args... args);
  void tell_data();
  void serve_read();
  void end_read(Result<Buffer> result);
  void begin_read(Callback<Result<std::optional<Buffer>>(Buffer&)> next, std::size_t longest, ReadHandler handler);
  void fail_reading(std::error_code error);
  void apply_read_marks();
  std::size_t high_mark() const noexcept { return std::max(settings_->read_marks.high, needed_); }
  bool may_go_on(std::uint8_t version) noexcept;
  void suspend(std::uint8_t reasons) noexcept;
  void unsuspend(std::uint8_t reasons) noexcept;
  void changed(Buffer& input, const BufferChange& change) noexcept override;
  bool takes(std::size_t count, Accepted& answer) const noexcept;
  Accepted taken();
  void settle_later() noexcept;
  void settle();
  void wait_to_send(TimePoint since) noexcept;
  void count_taken_out(std::size_t count) noexcept;
  void count_left(std::size_t count);
  void advance_end();
  void begin_to_end(bool discards) noexcept;
  void discard(std::size_t count) noexcept;
  void finish_broken();
  void close(std::error_code error, bool reset);
  bool has_sent_news() const noexcept;
  void tell_sent();
  void run_first_sent_callback(std::error_code error);
  void tell_peer_ended();
  void tell_closed(std::error_code error);
  void destroy() noexcept;
  void drop_callbacks() noexcept;
  void drop_attachment() noexcept { set_attachment(nullptr, nullptr); }
  bool caught(std::exception_ptr exception) override;
  void describe(ObjectState& state) const noexcept override;
  std::string_view phase() const noexcept;
  void loop_ends() noexcept override;
  void fired() override;
  void fail_unless_data_waits(std::error_code what);
  void fail_unless_room_waits();
  void fail_at_deadline();
  void fail_if_sent();
  void limit_time() noexcept;
  TimePoint deadline(std::error_code* what = nullptr) const noexcept;
  void read_on_while_output_full();
  // For what moves bytes past the buffers.
  void hold_receiving() noexcept { suspend(by_kind); }
  void release_receiving() noexcept { unsuspend(by_kind); }
  void send_diverted();
  std::size_t room_in_output() const noexcept {
    return settings_->output_limit - std::min(output_.size(), settings_->output_limit);
  }
  void note_received(std::size_t count) noexcept;
  void note_sent(std::size_t count, bool has_more) noexcept;
  void note_no_room() noexcept;
  Passing& passing();
  bool takes_descriptors(std::size_t bytes, const std::vector<sys::Descriptor>& descriptors, Accepted& answer);
  void depart(std::size_t bytes_before, std::vector<sys::Descriptor>&& descriptors) noexcept;
  Departure next_departure() const noexcept override;
  void descriptors_departed() noexcept override;
  void reserve_arrivals() override;
  void descriptors_arrived(std::span<const int> numbers) noexcept override;
  bool tell_descriptors();
  bool waits_for_departures() const noexcept;
  bool is_drained() const noexcept;
  void drop_arrivals() noexcept;
  void drop_departures() noexcept;
  RateState& rate_state();
  void count_received(std::size_t bytes) noexcept;
  void count_sent(std::size_t bytes) noexcept;
  TimePoint rate_resumes_at() const noexcept;
  void resume_due_rates() noexcept;
  void set_attachment(void* object, void (*destroy_object)(void*)) noexcept;
  Extras& extras();

  Handler on_data_;
  Handler on_end_;
  ClosedHandler on_closed_;
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

/// What `Stream::pair` makes.
struct StreamPair {
  std::unique_ptr<Stream> first;
  std::unique_ptr<Stream> second;
};

template <Framer F>
void Stream::on_frame(F framer, Callback<void(Stream&, Buffer)> handler) {
  expects(static_cast<bool>(handler));
  on_data([framer = std::move(framer), handler = std::move(handler)](Stream& stream) mutable {
    const std::uint8_t version = stream.data_handlers_;
    do {
      Result<std::optional<Buffer>> frame = framer.next(stream.input());
      if (!frame) return stream.fail_reading(frame.error());
      if (!*frame) {
        if (!stream.need_input(framer.longest_frame())) stream.fail_reading(errc::limit);
        return;
      }
      handler(stream, std::move(**frame));
    } while (stream.may_go_on(version));
  });
}

template <Framer F>
void Stream::read_frame(F framer, ReadHandler handler) {
  const std::size_t longest = framer.longest_frame();
  begin_read([framer = std::move(framer)](Buffer& input) mutable { return framer.next(input); }, longest,
             std::move(handler));
}

}  // namespace weir
