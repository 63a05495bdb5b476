// weir: standard input to a connection, and the connection to standard output.
// SPDX-License-Identifier: MIT
#include <weir/weir.h>

#include <cstdio>

namespace {

/// Takes what has come, unless there is no more room for it: then the rest waits, and nothing more is read.
void pass_on(weir::Stream& from, weir::Stream& to) {
  from.on_data([&](weir::Stream& s) {
    if (to.write(s.input().take_all()) == weir::Accepted::slow_down) s.pause();
  });
  to.on_drained([&](weir::Stream&) { from.resume(); });
  from.on_end([&](weir::Stream&) { to.finish_writing(); });
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: netcat ADDRESS\n");
    return 2;
  }
  weir::EventLoop loop;
  auto ends = weir::PipeEnds::standard();
  if (!ends) return weir::report(ends.error());
  auto terminal = weir::Stream::adopt_pipe(loop, *std::move(ends));  // or pipes, or files
  if (!terminal) return weir::report(terminal.error());
  auto connection = weir::Stream::connect(loop, arguments[1]);
  if (!connection) return weir::report(connection.error());
  (*terminal)->set_time_limits({.write = weir::TimeLimits::no_limit});  // whoever reads the output may take his time

  pass_on(**terminal, **connection);
  pass_on(**connection, **terminal);
  std::error_code failure;
  (*connection)->on_closed([&](weir::Stream&, std::error_code error) {
    if (error) failure = error;
    (*terminal)->finish();
  });
  (*terminal)->on_closed([&](weir::Stream&, std::error_code error) {
    if (error) failure = error;
    (*connection)->finish();
  });
  if (auto end = loop.run(); !end) return weir::report(end.error());
  return weir::report(failure);
}
