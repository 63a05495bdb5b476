// weir: the echo server on standalone Asio, for comparison.
// SPDX-License-Identifier: MIT

// Settings given to Asio, the best reasonable ones:
// - header-only and standalone, one thread, all locks off (ASIO_CONCURRENCY_HINT_UNSAFE);
// - the io_context's own executor type instead of the type-erased any_io_executor;
// - a 64 KiB buffer for each session, async_read_some and async_write_some, no composed operation in between;
// - sessions own themselves: no shared_ptr; Asio recycles the memory of its operations.

#include <array>
#include <cstddef>
#include <utility>

#include <asio.hpp>

#include "bench/echo_program.h"

namespace {

using Executor = asio::io_context::executor_type;
using Connection = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Listener = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

/// One connection; deletes itself when the peer ends or fails. At any time it has exactly one operation.
class Session {
 public:
  explicit Session(Connection connection) : connection_(std::move(connection)) {}

  void read() {
    connection_.async_read_some(asio::buffer(buffer_), [this](std::error_code error, std::size_t received) {
      if (error) return delete this;
      begin_ = 0;
      end_ = received;
      write();
    });
  }

 private:
  void write() {
    connection_.async_write_some(asio::buffer(buffer_.data() + begin_, end_ - begin_),
                                 [this](std::error_code error, std::size_t sent) {
                                   if (error) return delete this;
                                   begin_ += sent;
                                   if (begin_ < end_) return write();
                                   read();
                                 });
  }

  Connection connection_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::array<char, bench::read_size> buffer_;  // not zeroed: an idle session's pages stay untouched
};

void accept(Listener& listener) {
  listener.async_accept([&listener](std::error_code error, Connection connection) {
    if (!error) {
      bench::set_nodelay(connection.native_handle());
      (new Session(std::move(connection)))->read();
    }
    accept(listener);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const sockaddr_in address = bench::listen_address(argc, argv);
  bench::prepare_process();
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  Listener listener(context.get_executor(), asio::ip::tcp::v4(), bench::open_listening(address));
  accept(listener);
  bench::announce(listener.native_handle());
  context.run();
}
