// weir: a byte stream with an input and an output buffer.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
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
#include "weir/net/address.h"
#include "weir/net/connector.h"
#include "weir/net/socket.h"
#include "weir/stream/filter.h"
#include "weir/stream/pipe_ends.h"
#include "weir/stream/rate_limit.h"
#include "weir/stream/stream_core.h"
#include "weir/stream/stream_options.h"
#include "weir/stream/stream_owner.h"
#include "weir/stream/stream_ref.h"

namespace weir {

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
class WEIR_API Stream : public StreamCore {
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
  using StreamCore::StreamCore;  // for the kinds: see stream_core.h
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
      if (!frame) return stream.fail(frame.error());
      if (!*frame) {
        if (!stream.need_input(framer.longest_frame())) stream.fail(errc::limit);
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
