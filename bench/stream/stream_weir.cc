// weir: the streams' workloads, done with weir.
// SPDX-License-Identifier: MIT
#include <memory>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/stream/broadcast.h"
#include "bench/stream/fairness.h"
#include "bench/stream/file_reply.h"
#include "bench/stream/relay.h"
#include "weir/buffer/file_range.h"
#include "weir/weir.h"

namespace bench {
namespace {

std::unique_ptr<weir::Stream> adopt(weir::EventLoop& loop, int socket) {
  return *weir::Stream::adopt(loop, weir::Socket(weir::sys::Descriptor(socket)));
}

class WeirRelay {
 public:
  WeirRelay(int left, int right) : left_(adopt(loop_, left)), right_(adopt(loop_, right)) {
    weir::pump(*left_, *right_);
  }
  ~WeirRelay() {
    left_->abort();
    right_->abort();
  }
  void turn() { (void)loop_.poll(); }

 private:
  weir::EventLoop loop_;
  std::unique_ptr<weir::Stream> left_;
  std::unique_ptr<weir::Stream> right_;
};

class WeirFileReply {
 public:
  WeirFileReply(int socket, int file, std::size_t size)
      : stream_(adopt(loop_, socket)),
        file_(weir::SharedFile::adopt(weir::sys::Descriptor(dup(file)))),
        size_(size) {}
  ~WeirFileReply() { stream_->abort(); }

  void reply() {
    static const std::string head(head_size, 'h');
    stream_->write(head);
    stream_->write(file_.range(0, size_));
  }
  void turn() { (void)loop_.poll(); }

 private:
  weir::EventLoop loop_;
  std::unique_ptr<weir::Stream> stream_;
  weir::SharedFile file_;
  const std::size_t size_;
};

class WeirBroadcast {
 public:
  WeirBroadcast() {
    static const std::string text(message_size, 'm');
    weir::Buffer message;
    message.append(text);
    message_ = message.take_all();
  }
  ~WeirBroadcast() {
    for (const auto& stream : streams_) stream->abort();
  }

  void add(int socket) { streams_.push_back(adopt(loop_, socket)); }
  void broadcast() {
    for (const auto& stream : streams_) stream->write(message_.share());
  }
  void turn() { (void)loop_.poll(); }

 private:
  weir::EventLoop loop_;
  weir::Buffer message_;
  std::vector<std::unique_ptr<weir::Stream>> streams_;
};

class WeirFairness {
 public:
  ~WeirFairness() {
    for (const auto& stream : streams_) stream->abort();
  }

  void echo(int socket) {
    add(socket).on_data([](weir::Stream& s) { s.write(s.input().take_all()); });
  }
  void swallow(int socket) {
    add(socket).on_data([this](weir::Stream& s) {
      swallowed_ += s.input().size();
      s.input().clear();
    });
  }
  void turn() { (void)loop_.poll(); }
  std::size_t swallowed() const { return swallowed_; }

 private:
  weir::Stream& add(int socket) {
    streams_.push_back(adopt(loop_, socket));
    return *streams_.back();
  }

  weir::EventLoop loop_;
  std::vector<std::unique_ptr<weir::Stream>> streams_;
  std::size_t swallowed_ = 0;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::string subject = "weir";
  bench::Cases cases;
  bench::add_relay_cases<bench::WeirRelay>(cases, subject);
  bench::add_file_cases<bench::WeirFileReply>(cases, subject);
  bench::add_broadcast_cases<bench::WeirBroadcast>(cases, subject);
  bench::add_fairness_cases<bench::WeirFairness>(cases, subject);
  return cases.run(argc, argv);
}
