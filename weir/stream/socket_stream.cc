// weir: a stream over a socket.
// SPDX-License-Identifier: MIT
#include "weir/net/option_setter.h"
#include "weir/stream/descriptor_stream.h"
#include "weir/stream/stream_socket.h"
#include "weir/stream/stream_state.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

class SocketStream final : public DescriptorStream {
 public:
  SocketStream(EventLoop& loop, StreamSettings settings) : DescriptorStream(loop, std::move(settings)) {}

  Result<void> open(Socket socket) {
    const Address::Family family = socket.family();
    if (family == Address::Family::local) allow_passing();
    if (family == Address::Family::v4 || family == Address::Family::v6) trust_short_reads();
    if (auto attached = backend().attach(*this, std::move(socket).release()); !attached) return attached;
    connection_stands();
    return {};
  }

  void connect(const Address& address, ConnectOptions options) {
    wait_for_connection();
    if (address.family() == Address::Family::local) allow_passing();
    if (options.name.empty()) options.name = name();
    connector_ = Connector::start(loop(), address, std::move(options), [this](Result<Socket> socket) {
      const SlotHold hold(*this);
      connector_ = {};
      if (!socket) return connection_failed(socket.error());
      if (auto opened = open(*std::move(socket)); !opened) connection_failed(opened.error());
    });
  }

  /// Of a stream of any kind: asked through the base that all share.
  static int descriptor_of(const Stream& stream) noexcept {
    const IoSlot& slot = stream;
    return slot.is_attached() ? slot.descriptor() : sys::Descriptor::none;
  }

 private:
  Result<void> send_end() override {
    return loop().is_inherited() ? Result<void>() : sys::shutdown(descriptor(), SHUT_WR).to_result();
  }

  void close_transport(bool reset) noexcept override {
    connector_ = {};
    if (!is_attached()) return;
    Socket socket(backend().detach(*this));
    if (reset && !loop().is_inherited()) (void)socket.set_reset_on_close();
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

  bool is_plain_socket() const noexcept override { return is_attached() && !takes_arrivals(); }

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

Result<void> set_socket_options(Stream& stream, const SocketOptions& options) {
  const int descriptor = SocketStream::descriptor_of(stream);
  return descriptor != sys::Descriptor::none ? apply_options(descriptor, options) : system_error(ENOTCONN);
}

Result<std::unique_ptr<Stream>> Stream::connect(EventLoop& loop, const Address& address, ConnectingOptions options) {
  auto* stream = new SocketStream(loop, std::move(options.stream));
  std::unique_ptr<Stream> owned(stream);
  stream->connect(address, std::move(options.connect));
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
