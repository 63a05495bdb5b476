// weir: `weir echo`, a server that sends back what it receives.
// SPDX-License-Identifier: MIT
#include "weir/cli/echo.h"

#include <memory>
#include <utility>

#include "weir/base/bytes.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/line_reader.h"
#include "weir/cli/peer_name.h"
#include "weir/cli/process.h"

namespace weir::cli {
namespace {

using namespace weir::literals;

constexpr std::size_t line_limit = LineReader::default_limit;
constexpr std::size_t longest_line_end = 2;

/// What is left in the input after all complete lines were taken is at most a line that is still allowed and the "\r" of
/// its end. Reading must go on with that much in it, and must not pause before a line is known to be too long.
constexpr Marks marks_for_lines{.low = line_limit + longest_line_end, .high = 2 * line_limit};

/// Moves the first bytes of `from` to the end of `to`. Short lines are copied: to share each would cost more than its bytes.
void move_front(Buffer& from, std::size_t count, Buffer& to) {
  constexpr std::size_t most_copied = 1_KiB;
  const Bytes front = from.front();
  if (count > most_copied || count > front.size()) return to.append(from.take(count));
  to.append(front.first(count));
  from.drop(count);
}

/// Echoes, and tells in the log what becomes of each connection.
///
/// Lifetime: its streams' callbacks refer to it, so it outlives their server.
/// Threads:  what concerns one stream is called on the thread of its loop, and changes nothing here.
class Echo {
 public:
  Echo(bool echoes_lines, const Log& log) : log_(log), echoes_lines_(echoes_lines) {}

  void serve(Stream& stream) const {
    if (echoes_lines_) {
      stream.attach<LineReader>(line_limit);
      stream.on_data([this](Stream& s) { echo_lines(s); });
    } else {
      stream.on_data([](Stream& s) { s.write(s.input().take_all()); });
    }
    if (log_.says(LogLevel::warning)) tell_end_of(stream);
  }

 private:
  void echo_lines(Stream& stream) const {
    auto& reader = stream.attached<LineReader>();
    Buffer lines(stream.loop().pool());
    while (true) {
      const Found end = reader.find(stream.input());
      if (end) {
        move_front(stream.input(), end.end(), lines);
        continue;
      }
      if (!lines.is_empty()) stream.write(std::move(lines));
      if (end.error()) end_at_long_line(stream);
      return;
    }
  }

  void end_at_long_line(Stream& stream) const {
    log_.warning("the connection from {} ends: a line is longer than {} bytes", PeerName::of(stream).to_string(),
                 line_limit);
    stream.finish();
  }

  /// The address has to be asked for now: when the stream has closed, its socket is gone.
  void tell_end_of(Stream& stream) const {
    const PeerName peer = PeerName::of(stream);
    if (log_.says(LogLevel::debug)) log_.debug("a connection from {}", peer.to_string());
    auto tell = [this, peer](Stream&, std::error_code error) { tell_end(peer, error); };
    static_assert(sizeof tell <= 32, "stored inside the callback, so it takes no memory of its own");
    stream.on_closed(tell);
  }

  void tell_end(const PeerName& peer, std::error_code error) const {
    if (!error && !log_.says(LogLevel::debug)) return;
    if (!error) return log_.debug("the connection from {} has ended", peer.to_string());
    // What weir decided, a time limit, is worth more attention than what peers do all day.
    if (error.category() == weir_category()) {
      return log_.warning("the connection from {} was cut: {}", peer.to_string(), error.message());
    }
    log_.info("the connection from {} broke: {}", peer.to_string(), error.message());
  }

  const Log& log_;
  const bool echoes_lines_;
};

}  // namespace

int run_echo(const EchoOptions& options) {
  const Log log("weir echo", options.service.log);
  const std::unique_ptr<LoopThreads> loops = make_loops(options.service, log);
  if (loops == nullptr) return exit_failure;
  const Echo echo(options.lines, log);
  Service service(*loops, options.service, log, {.name = "echo"});
  ServerOptions server;
  if (options.lines) server.stream.read_marks = marks_for_lines;
  if (!service.listen(std::move(server), [&echo](Stream& stream) { echo.serve(stream); })) return exit_failure;
  return service.run();
}

}  // namespace weir::cli
