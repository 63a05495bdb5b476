// weir: carries TCP connections to another address, at a limited rate: tunnel LISTEN TO.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

#include <cstdio>
#include <memory>

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: tunnel LISTEN TO, such as: tunnel :8080 192.0.2.7:80\n", stderr), 2;
  const char* to = argv[2];
  weir::EventLoop loop;
  weir::RateGroup all(loop, {.read = {.bytes_per_second = 10'000'000}});
  auto server = weir::Server::listen(loop, {.address = argv[1]});
  if (!server) return weir::report(server.error());
  (*server)->on_stream([&](weir::Stream& client) {
    auto onward = weir::Stream::connect(client.loop(), to);  // writes wait for the connection
    if (!onward) return client.abort();
    client.set_rate_group(&all);
    auto& upstream = client.attach<std::unique_ptr<weir::Stream>>(*std::move(onward));
    weir::pump(client, *upstream);
  });
  return weir::report(loop.run());
}
