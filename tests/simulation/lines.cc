// weir: clients that send lines, and a server that tells how long each was.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/party.h"
#include "tests/simulation/scenario.h"
#include "weir/buffer/line_reader.h"
#include "weir/loop/timer.h"

namespace weir::testing_support {
namespace {

using namespace weir::literals;

constexpr std::size_t longest_line = 2000;
constexpr std::string_view too_long = "too long\n";

std::string text_of(const Buffer& buffer, std::size_t count) {
  std::string text(count, '\0');
  buffer.copy_to(std::as_writable_bytes(std::span(text.data(), text.size())));
  return text;
}

class Lines;

/// Sends its script in pieces that know nothing of lines, then ends.
class LineClient final : public Party {
 public:
  LineClient(Lines& net, sim::Host& host, std::uint64_t key);

  void start() { timer_.start(begin_); }
  bool is_done() const { return has_opened_ && is_over(); }

 private:
  void fired();
  void go_on();
  void data() override { (void)take(stream()->input().size()); }
  void drained() override { go_on(); }
  void ended() override {
    if (stream()->is_writable()) finish_writing();
  }

  Lines& net_;
  sim::Host& host_;
  StreamOptions options_;
  std::size_t piece_;
  Duration begin_;
  bool has_opened_ = false;
  Timer timer_;
};

/// Reads line by line and answers each.
class LineAnswerer final : public Party {
 public:
  LineAnswerer(Lines& net, Stream& stream);

 private:
  void data() override { serve(); }
  void ended() override { serve(); }
  void drained() override { serve(); }
  void told_sent() override { serve(); }
  void serve();
  bool answer(const std::string& text);
  bool take_line(const Buffer& line, std::size_t length);

  Lines& net_;
  LineReader reader_{longest_line};
  std::uint64_t lines_ = 0;
  std::string unanswered_;
};

class Lines final : public NetScenario {
 public:
  Lines(sim::Trial& run, const Play& how) : NetScenario(run, how), server_options_(stream_options()) {
    // Reading goes on at the low mark: what waits there for its end must not be above.
    server_options_.read_marks.low = std::max(server_options_.read_marks.low, longest_line + 1);
    server_options_.read_marks.high = std::max(server_options_.read_marks.high, longest_line + 2);
    server_options_.output_limit = std::max<std::size_t>(server_options_.output_limit, 100);
    const std::uint64_t count = how.is_calm ? 2 : random().between(1, 4);
    for (std::uint64_t key = 0; key < count; ++key) {
      conversations_.push_back(std::make_unique<Conversation>());
      write_script(*conversations_.back(), key);
      clients_.emplace_back(*this, client_host(), key);
    }
  }
  ~Lines() override { server_ = nullptr; }

  void start() override {
    server_ = listen(server_options_, [this](Stream& stream) { answerers_.emplace_back(*this, stream); });
    for (LineClient& client : clients_) client.start();
  }
  bool is_done() override {
    return std::all_of(clients_.begin(), clients_.end(), [](const LineClient& client) { return client.is_done(); }) &&
           std::all_of(answerers_.begin(), answerers_.end(), [](const Party& party) { return party.is_over(); });
  }

  void check() override {
    NetScenario::check();
    for (LineClient& client : clients_) {
      for (LineAnswerer& answerer : answerers_) {
        if (answerer.out == client.in) check_no_stall(client, answerer);
      }
    }
  }

  Conversation& conversation(std::uint64_t key) { return *conversations_[key]; }
  std::size_t conversation_count() const { return conversations_.size(); }
  const StreamOptions& server_options() const { return server_options_; }

 private:
  /// Any bytes but line ends; and the answers that are due.
  void write_script(Conversation& conversation, std::uint64_t key) {
    std::string& script = conversation.up.text = std::to_string(key) + "\n";
    std::string& answers = conversation.down.text;
    const std::uint64_t lines = play().is_calm ? 30 : of_any_size(150);
    for (std::uint64_t i = 0; i < lines; ++i) {
      const bool is_too_long = chance(0.01);
      std::size_t size = is_too_long ? longest_line + 1 + random().below(500) : random().below(longest_line + 1);
      if (chance(0.5)) size = random().below(4);
      std::string line(size, 'x');
      for (char& c : line) c = static_cast<char>(random().below(256));
      std::replace(line.begin(), line.end(), '\n', ' ');
      if (!line.empty() && line.back() == '\r') line.back() = 'r';
      script += line + (random().chance(0.5) ? "\n" : "\r\n");
      if (size > longest_line) {
        answers += too_long;
        run().probe("a line is too long");
        break;  // what comes behind it is not read
      }
      answers += std::to_string(i) + " " + std::to_string(size) + "\n";
    }
    conversation.up.is_whole = conversation.down.is_whole = false;
  }

  std::vector<std::unique_ptr<Conversation>> conversations_;
  StreamOptions server_options_;
  std::unique_ptr<Server> server_;
  std::list<LineAnswerer> answerers_;
  std::list<LineClient> clients_;
};

LineClient::LineClient(Lines& net, sim::Host& host, std::uint64_t key)
    : Party(net.run(), "client " + std::to_string(key)),
      net_(net),
      host_(host),
      options_(net.eager_options()),
      piece_(net.conversation(key).up.text.size() / 200 + 1 + net.of_any_size(10'000)),
      begin_(net.up_to(4s)),
      timer_(host.loop(), [this](Timer&) { fired(); }) {
  out = &net.conversation(key).up;
  in = &net.conversation(key).down;
}

void LineClient::fired() {
  if (!has_opened_) {
    has_opened_ = true;
    auto opened = host_.run([&] {
      return Stream::connect(host_.loop(), net_.server_address(),
                             {.connect = net_.connect_options(), .stream = options_});
    });
    if (!expect(static_cast<bool>(opened), "connect reports failures later")) return;
    own(*std::move(opened), options_);
  }
  if (!is_over()) go_on();
}

void LineClient::go_on() {
  while (stream()->is_writable() && !is_told_to_slow_down()) {
    const std::size_t left = out->text.size() - out->accepted;
    if (left == 0) return finish_writing();
    if (!write(std::min(piece_, left)) || net_.chance(0.3)) return timer_.start(net_.up_to(200ms));
  }
}

LineAnswerer::LineAnswerer(Lines& net, Stream& stream) : Party(net.run(), "server"), net_(net) {
  watch(stream, net.server_options());
}

void LineAnswerer::serve() {
  while (!is_over() && stream()->is_writable()) {
    if (!unanswered_.empty() && !answer(unanswered_)) return;
    const Found line = reader_.find(stream()->input());
    if (line.error()) {
      expect(line.error() == errc::limit, "a reader of lines knows one error");
      if (in != nullptr && answer(std::string(too_long))) finish();
      return;
    }
    if (!line) {
      if (has_ended()) finish();
      return;
    }
    if (!take_line(stream()->input().take(line.end()), *line)) return;
  }
}

/// The first line tells who the client is; each of the others gets an answer.
bool LineAnswerer::take_line(const Buffer& line, std::size_t length) {
  if (in == nullptr) {
    const std::size_t key = static_cast<std::size_t>(std::atoi(text_of(line, length).c_str()));
    if (!expect(key < net_.conversation_count(), "the first line names a client")) return false;
    in = &net_.conversation(key).up;
    out = &net_.conversation(key).down;
    count(line);
    return true;
  }
  count(line);
  return answer(std::to_string(lines_++) + " " + std::to_string(length) + "\n");
}

/// Keeps what is refused; false then.
bool LineAnswerer::answer(const std::string& text) {
  unanswered_ = text;
  expect(out->next(text.size()) == text, "the answers are those that are due");
  if (!write(text.size())) {
    if (!is_over() && stream()->is_writable()) when_sent();
    return false;
  }
  unanswered_.clear();
  return true;
}

}  // namespace

sim::Swarm lines_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("lines_swarm()");
  options.probes = {"a line is too long", "half close after the peer's"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) { return std::make_unique<Lines>(run, play); });
}

}  // namespace weir::testing_support
