// weir: one part of a program accepts connections and hands them over to another, which serves them.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

#include <cstdio>
#include <memory>
#include <vector>

namespace {

/// Connections come with the bytes of `control`, one with each.
void work(weir::Stream& control) {
  auto& served = control.attach<std::vector<std::unique_ptr<weir::Stream>>>();
  control.on_descriptors([&served](weir::Stream& s, std::vector<weir::sys::Descriptor> connections) {
    for (weir::sys::Descriptor& connection : connections) {
      auto stream = weir::Stream::adopt(s.loop(), weir::Socket(std::move(connection)));
      if (!stream) continue;
      (*stream)->write("served by the worker\n");
      (*stream)->finish();
      served.push_back(*std::move(stream));
    }
  });
  control.on_data([](weir::Stream& s) { s.input().clear(); });
}

}  // namespace

int main() {
  weir::EventLoop loop;  // the worker would usually be another process
  auto worker = weir::Server::listen(loop, {.address = "unix:@weir-hand-over"});
  if (!worker) return weir::report(worker.error());
  (*worker)->on_stream(&work);

  auto control = weir::Stream::connect(loop, "unix:@weir-hand-over");
  if (!control) return weir::report(control.error());
  auto front = weir::Listener::open(loop, *weir::Address::parse("127.0.0.1:0"), {}, [&](weir::Socket socket, auto&) {
    std::vector<weir::sys::Descriptor> connection;
    connection.push_back(std::move(socket).release());
    (*control)->write_with_descriptors("x", std::move(connection));  // what is refused is closed here
  });
  if (!front) return weir::report(front.error());

  auto client = weir::Stream::connect(loop, front->address(), {});
  if (!client) return weir::report(client.error());
  (*client)->read_line([&](weir::Stream&, weir::Result<weir::Buffer> line) {
    if (line) std::printf("%zu bytes from the worker\n", line->size());
    loop.stop();
  });
  return weir::report(loop.run());
}
