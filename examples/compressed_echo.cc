// weir: an echo over a compressed connection, and what that saves on the wire, counted by a filter of its own.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include <weir/stream/zlib_filter.h>
#include <weir/weir.h>

namespace {

/// Passes all bytes on as they are, and counts those that are sent.
class SentBytes final : public weir::Filter {
 public:
  explicit SentBytes(std::size_t& count) : count_(count) {}

  weir::Result<Flow> decode(Step& step) override { return pass(step); }
  weir::Result<Flow> encode(Step& step) override {
    count_ += std::min(step.from.size(), step.room);
    return pass(step);
  }

 private:
  static Flow pass(Step& step) {
    step.to.append(step.from.take(std::min(step.from.size(), step.room)));
    return step.from.is_empty() ? Flow::wants_more : Flow::has_more;
  }

  std::size_t& count_;
};

}  // namespace

int main() {
  weir::EventLoop loop;
  auto server = weir::Server::listen(loop, {.address = "127.0.0.1:0"});
  if (!server) return weir::report(server.error());
  std::unique_ptr<weir::Stream> echo;
  (*server)->on_stream([&](weir::Stream& stream) {
    echo = weir::Stream::filter((*server)->take(stream), weir::make_zlib_filter());
    echo->on_data([](weir::Stream& s) { s.write(s.input().take_all()); });
  });

  auto socket = weir::Stream::connect(loop, (*server)->address(), {});
  if (!socket) return weir::report(socket.error());
  std::size_t on_the_wire = 0;
  auto counted = weir::Stream::filter(*std::move(socket), std::make_unique<SentBytes>(on_the_wire));
  auto client = weir::Stream::filter(std::move(counted), weir::make_zlib_filter({.level = 9}));

  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + " of a text that says much the same again\n";
  weir::Buffer answer;
  client->on_data([&](weir::Stream& s) { answer.append(s.input().take_all()); });
  client->on_closed([&](weir::Stream&, std::error_code error) {
    if (error) (void)weir::report(error);
    loop.stop();
  });
  client->write(text);
  client->finish_writing();
  if (auto end = loop.run(); !end) return weir::report(end.error());

  std::printf("%zu bytes were sent as %zu, and the echo is %s\n", text.size(), on_the_wire,
              answer == text ? "the same" : "another");
  return answer == text && on_the_wire < text.size() / 3 ? 0 : 1;
}
