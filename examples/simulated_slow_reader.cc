// weir: back-pressure observed: a sender that is faster than its reader, with a bounded amount of memory.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include <weir/sim/world.h>
#include <weir/weir.h>

using namespace weir::literals;

int main() {
  weir::sim::World world({.link = {.latency = 10ms, .bytes_per_second = 10'000'000}});
  weir::sim::Host& sender_host = world.add_host("sender");
  weir::sim::Host& reader_host = world.add_host("reader");

  // The reader takes 16 KiB ten times a second.
  auto reader = reader_host.run([&] { return weir::Server::listen(reader_host.loop(), {.address = "0.0.0.0:80"}); });
  if (!reader) return weir::report(reader.error());
  std::size_t received = 0;
  weir::Stream* incoming = nullptr;
  (*reader)->on_stream([&](weir::Stream& stream) { incoming = &stream; });
  weir::Timer taking(reader_host.loop(), [&](weir::Timer& timer) {
    if (incoming != nullptr) {
      const std::size_t count = std::min<std::size_t>(incoming->input().size(), 16 * 1024);
      incoming->input().drop(count);
      received += count;
    }
    timer.start(100ms);
  });
  taking.start(100ms);

  // The sender writes as long as it is welcome, and goes on when the output has drained.
  auto stream = sender_host.run([&] { return weir::Stream::connect(sender_host.loop(), reader_host.address(80), {}); });
  if (!stream) return weir::report(stream.error());
  std::size_t written = 0;
  std::size_t most_output = 0;
  int pauses = 0;
  const std::string piece(8 * 1024, 'x');
  const auto write_on = [&](weir::Stream& s) {
    for (;;) {
      const weir::Accepted accepted = s.write(piece);
      if (accepted == weir::Accepted::refused || accepted == weir::Accepted::closed) return;
      written += piece.size();
      most_output = std::max(most_output, s.output().size());
      if (accepted == weir::Accepted::slow_down) break;
    }
    ++pauses;
  };
  (*stream)->on_connected(write_on);
  (*stream)->on_drained(write_on);

  (void)world.run_for(60s);

  std::printf("in a minute the reader took %zu KiB, the sender wrote %zu KiB and paused %d times\n", received / 1024,
              written / 1024, pauses);
  std::printf("the most that waited in the sender: %zu KiB of output, %zu KiB of blocks\n", most_output / 1024,
              sender_host.pool().stats().peak / 1024);
  const bool keeps_pace = received >= 9'000'000 && written - received < 1024 * 1024;
  return keeps_pace && most_output <= 264 * 1024 && pauses > 10 ? 0 : 1;
}
