// weir: what the tests of simulated networks share: an echo server, a client that records, plain sockets.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <memory>
#include <string>
#include <utility>

#include "weir/server/server.h"
#include "weir/sim/world.h"
#include "weir/stream/stream.h"
#include "weir/sys/calls.h"
#include "weir/sys/descriptor.h"

namespace weir::testing_support {

/// An echo server on a host, at all its addresses.
inline std::unique_ptr<Server> start_echo(sim::Host& host, StreamOptions options = {}, std::uint16_t port = 7777) {
  return host.run([&] {
    auto listening =
        Server::listen(host.loop(), {.address = "0.0.0.0:" + std::to_string(port), .stream = std::move(options)});
    EXPECT_TRUE(listening);
    (*listening)->on_stream([](Stream& stream) { stream.on_data([](Stream& s) { s.write(s.input().take_all()); }); });
    return *std::move(listening);
  });
}

/// A stream on a host that writes down what it is told.
class Client {
 public:
  Client(sim::Host& host, const Address& server, StreamOptions options = {}, ConnectOptions connecting = {}) {
    stream_ = host.run([&] {
      auto made = Stream::connect(host.loop(), server, {.connect = connecting, .stream = options});
      EXPECT_TRUE(made);
      return *std::move(made);
    });
    stream_->on_connected([this](Stream&) { is_connected = true; });
    stream_->on_data([this](Stream& s) {
      const std::size_t before = received.size();
      received.resize(before + s.input().size());
      s.input().copy_to(std::as_writable_bytes(std::span(received.data() + before, received.size() - before)));
      s.input().clear();
    });
    stream_->on_closed([this](Stream&, std::error_code error) {
      ++closed;
      end = error;
    });
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Stream* operator->() const { return stream_.get(); }
  void destroy() { stream_.reset(); }

  bool is_connected = false;
  std::string received;
  int closed = 0;
  std::error_code end;

 private:
  std::unique_ptr<Stream> stream_;
};

/// A descriptor of `host`, and calls on it: for what streams do not show.
class PlainSocket {
 public:
  PlainSocket(sim::Host& host, int type) {
    descriptor_ = host.run([&] { return sys::Descriptor(sys::open_socket(AF_INET, type).number()); });
  }
  explicit PlainSocket(sys::Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  int number() const { return descriptor_.number(); }
  sys::CallResult bind(std::uint16_t port) {
    sys::SocketName name;
    name.v4 = {};
    name.v4.sin_family = AF_INET;
    name.v4.sin_port = htons(port);
    name.length = sizeof name.v4;
    return sys::bind(number(), name);
  }
  sys::CallResult connect(const Address& address) { return sys::connect(number(), address.name()); }
  sys::CallResult send(std::string_view text) { return sys::send(number(), as_bytes(text)); }
  /// What is there now; "" when there is nothing, the end, or an error, which `last_error` tells.
  std::string receive() {
    std::string text(65536, '\0');
    const sys::CallResult got = sys::receive(number(), std::as_writable_bytes(std::span(text.data(), text.size())));
    last_error = got.error_number();
    text.resize(got ? got.count() : 0);
    return text;
  }
  int take_error() const {
    int error = 0;
    EXPECT_TRUE(sys::get_option(number(), SOL_SOCKET, SO_ERROR, error));
    return error;
  }
  template <class T>
  void set_option(int level, int option, T value) {
    EXPECT_TRUE(sys::set_option(number(), level, option, value));
  }
  void close() { descriptor_.reset(); }

  int last_error = 0;

 private:
  sys::Descriptor descriptor_;
};

}  // namespace weir::testing_support
