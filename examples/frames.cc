// weir: asks for a line and then for a number of bytes, over and over, between two streams in memory.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

#include <cstdio>
#include <span>
#include <string>

namespace {

constexpr std::size_t body_size = 5;

std::string text_of(const weir::Buffer& buffer) {
  std::string text(buffer.size(), '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text)));
  return text;
}

void serve(weir::Stream& stream) {
  stream.read_line([](weir::Stream& s, weir::Result<weir::Buffer> name) {
    if (!name) return s.finish();  // errc::eof: the client is done
    s.read_exactly(body_size, [name = text_of(*name)](weir::Stream& again, weir::Result<weir::Buffer> body) {
      if (!body) return again.finish();
      again.write(name + " is " + text_of(*body) + "\n");
      serve(again);
    });
  });
}

}  // namespace

int main() {
  weir::EventLoop loop;
  auto [client, server] = weir::Stream::pair(loop);
  serve(*server);
  client->on_frame(weir::LineReader(), [](weir::Stream&, weir::Buffer line) { std::puts(text_of(line).c_str()); });
  client->write("grass\ngreencoal\nblack");
  client->finish_writing();
  return weir::report(loop.run());  // until nothing is left to do
}
