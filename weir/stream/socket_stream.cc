// weir: a stream over a socket.
// SPDX-License-Identifier: MIT
#include "weir/loop/backend.h"
#include "weir/stream/stream_state.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

/// Carries bytes between a Stream and the loop's backend.
class SocketStream final : public Stream {
 public:
  SocketStream(EventLoop& loop, StreamSettings settings) : Stream(loop, std::move(settings)) {}

  Result<void> open(Socket socket) {
    if (socket.is_internet()) trust_short_reads();
    if (auto attached = backend().attach(*this, std::move(socket).release()); !attached) return attached;
    connection_stands();
    return {};
  }

  void connect(const Address& address, const ConnectOptions& options) {
    wait_for_connection();
    connector_ = Connector::start(loop(), address, options, [this](Result<Socket> socket) {
      const SlotHold hold(*this);
      connector_ = {};
      if (!socket) return connection_failed(socket.error());
      if (auto opened = open(*std::move(socket)); !opened) connection_failed(opened.error());
    });
  }

 private:
  Backend& backend() noexcept { return loop().slots_backend(); }

  void start_receiving() noexcept override {
    if (is_attached()) backend().start_receive(*this);
  }
  void stop_receiving() noexcept override {
    if (is_attached()) backend().stop_receive(*this);
  }
  void receive_rest() override { backend().receive_now(*this); }
  void send_rest() override { backend().send_now(*this); }
  void start_sending() override { backend().start_send(*this); }

  Result<void> send_end() noexcept override { return sys::shutdown(descriptor(), SHUT_WR).to_result(); }

  void close_transport(bool reset) noexcept override {
    connector_ = {};
    if (!is_attached()) return;
    Socket socket(backend().detach(*this));
    if (reset) (void)socket.set_reset_on_close();
    socket = Socket();
    loop().descriptor_freed();
  }

  Result<Address> transport_address(bool of_peer) const override {
    if (!is_attached()) return system_error(ENOTCONN);
    sys::SocketName name;
    const sys::CallResult asked = of_peer ? sys::peer_name(descriptor(), name) : sys::local_name(descriptor(), name);
    if (!asked) return asked.error();
    return Address(name);
  }

  Connector connector_;
};

}  // namespace

Result<std::unique_ptr<Stream>> Stream::adopt(EventLoop& loop, Socket socket, StreamSettings settings) {
  auto* stream = new SocketStream(loop, std::move(settings));
  std::unique_ptr<Stream> owned(stream);
  if (auto opened = stream->open(std::move(socket)); !opened) {
    stream->abort();
    return opened.error();
  }
  return owned;
}

Result<std::unique_ptr<Stream>> Stream::connect(EventLoop& loop, const Address& address, ConnectingOptions options) {
  auto* stream = new SocketStream(loop, std::move(options.stream));
  std::unique_ptr<Stream> owned(stream);
  stream->connect(address, options.connect);
  return owned;
}

Result<std::unique_ptr<Stream>> Stream::connect(EventLoop& loop, std::string_view address, ConnectingOptions options) {
  const Result<Address> parsed = Address::parse(address);
  if (!parsed) return parsed.error();
  return connect(loop, *parsed, std::move(options));
}

Result<std::unique_ptr<Stream>> Stream::connect(EventLoop& loop, std::string_view address) {
  return connect(loop, address, ConnectingOptions{});
}

}  // namespace weir
