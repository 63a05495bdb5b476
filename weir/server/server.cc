// weir: a server on one loop, which owns its streams.
// SPDX-License-Identifier: MIT
#include "weir/server/server.h"

#include "weir/loop/event_loop.h"

namespace weir {

class Server::State final : public Slot, public WheelTimer, public StreamOwner {
 public:
  State(EventLoop& loop, const ServerOptions& options) : Slot(loop), settings_(options.stream) {}

  Result<void> listen(const Address& address, const ListenOptions& options) {
    auto listener = Listener::open(loop(), address, options, [this](Socket socket, const Address&) {
      const SlotHold hold(*this);
      take_connection(std::move(socket));
    });
    if (!listener) return listener.error();
    listener_ = *std::move(listener);
    address_ = listener_.address();
    return {};
  }

  void destroy() noexcept {
    listener_ = {};
    loop().cancel(*this);
    while (Stream* stream = streams_.pop_front()) delete stream;
    release();
  }

  std::unique_ptr<Stream> take(Stream& stream) {
    expects(stream.owner() == this);
    forget(stream);
    return std::unique_ptr<Stream>(&stream);
  }

  void stop(Duration within, Callback<void()> on_stopped) {
    if (on_stopped) loop().replace_callback(on_stopped_, std::move(on_stopped));
    const TimePoint deadline = add_saturated(loop().clock(), std::max(within, Duration::zero()));
    if (!is_stopping_ || deadline < stop_deadline_) {
      stop_deadline_ = deadline;
      loop().arm(*this, deadline);
    }
    is_stopping_ = true;
    listener_ = {};
    streams_.for_each([](Stream& stream) { stream.finish(); });
    if (count_ == 0) loop().defer(*this);
  }

  void on_stream(Stream::Handler handler) { loop().replace_callback(on_stream_, std::move(handler)); }
  void on_exception(Callback<void(Stream&, std::exception_ptr)> handler) {
    loop().replace_callback(on_exception_, std::move(handler));
  }
  const Address& address() const noexcept { return address_; }
  std::size_t stream_count() const noexcept { return count_; }

 private:
  void take_connection(Socket socket) {
    Result<std::unique_ptr<Stream>> adopted = Stream::adopt(loop(), std::move(socket), settings_);
    if (!adopted) {
      return loop().say(Diagnostic::Level::error,
                        "a connection was dropped, for the loop cannot listen to it: " + adopted.error().message(),
                        adopted.error());
    }
    Stream& stream = *adopted->release();
    streams_.push_back(stream);
    stream.set_owner(this);
    ++count_;
    if (!on_stream_) return stream.finish();
    stream.call_for_owner(on_stream_);
  }

  void forget(Stream& stream) noexcept {
    stream.ListHook<OwnedTag>::unlink();
    stream.set_owner(nullptr);
    if (--count_ == 0 && is_stopping_) loop().defer(*this);
  }

  void stream_closed(Stream& stream) noexcept override {
    forget(stream);
    delete &stream;
  }

  bool stream_threw(Stream& stream, std::exception_ptr exception) override {
    struct Abort {
      ~Abort() {
        if (stream.owner() == owner) stream.abort();
      }
      State* owner;
      Stream& stream;
    };
    const SlotHold hold(*this);
    const Abort abort{this, stream};  // also when the handler itself throws
    if (on_exception_) {
      loop().invoke(on_exception_, stream, std::move(exception));
    } else {
      loop().say(Diagnostic::Level::error,
                 "a callback of a stream threw, and the stream is aborted; Server::on_exception hears more");
    }
    return true;
  }

  /// The time for stopping in order is over.
  void fired() override {
    const SlotHold hold(*this);
    // Aborting one may run release callbacks of foreign memory, which may destroy others: so each is looked up anew, and
    // those that are done go to the back.
    for (std::size_t left = count_; left > 0 && !streams_.is_empty(); --left) {
      Stream& stream = *streams_.front();
      stream.ListHook<OwnedTag>::unlink();
      streams_.push_back(stream);
      if (stream.is_open()) stream.abort();  // one that is closed goes at the end of the turn
    }
  }

  void run_deferred() override {
    if (is_released() || count_ != 0 || !is_stopping_) return;
    loop().cancel(*this);
    if (!on_stopped_) return;
    Callback<void()> on_stopped = std::move(on_stopped_);
    Slot* outer = loop().exchange_running_slot(this);
    on_stopped();
    loop().exchange_running_slot(outer);
  }

  Listener listener_;
  Address address_;
  StreamSettings settings_;
  List<Stream, OwnedTag> streams_;
  std::size_t count_ = 0;
  Stream::Handler on_stream_;
  Callback<void(Stream&, std::exception_ptr)> on_exception_;
  Callback<void()> on_stopped_;
  TimePoint stop_deadline_;
  bool is_stopping_ = false;
};

Result<std::unique_ptr<Server>> Server::listen(EventLoop& loop, ServerOptions options) {
  const Result<Address> address = Address::parse(options.address);
  if (!address) return address.error();
  std::unique_ptr<Server> server(new Server(*new State(loop, options)));
  if (auto listening = server->state_->listen(*address, options.listen); !listening) return listening.error();
  return server;
}

Server::~Server() { state_->destroy(); }

const Address& Server::address() const noexcept { return state_->address(); }

void Server::on_stream(Stream::Handler handler) { state_->on_stream(std::move(handler)); }

void Server::on_exception(Callback<void(Stream&, std::exception_ptr)> handler) {
  state_->on_exception(std::move(handler));
}

std::size_t Server::stream_count() const noexcept { return state_->stream_count(); }

std::unique_ptr<Stream> Server::take(Stream& stream) { return state_->take(stream); }

void Server::stop(Duration within, Callback<void()> on_stopped) { state_->stop(within, std::move(on_stopped)); }

}  // namespace weir
