// weir: the streams' workloads, done with libevent's bufferevents.
// SPDX-License-Identifier: MIT
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <string>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/peers/libevent_base.h"
#include "bench/stream/broadcast.h"
#include "bench/stream/fairness.h"

namespace bench {
namespace {

class LibeventBroadcast {
 public:
  ~LibeventBroadcast() {
    for (bufferevent* stream : streams_) bufferevent_free(stream);
  }

  void add(int socket) {
    bufferevent* stream = bufferevent_socket_new(base_.get(), socket, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_enable(stream, EV_WRITE);
    bufferevent_set_max_single_write(stream, message_size);
    streams_.push_back(stream);
  }
  void broadcast() {
    static const std::string message(message_size, 'm');
    for (bufferevent* stream : streams_)
      evbuffer_add_reference(bufferevent_get_output(stream), message.data(), message.size(), nullptr, nullptr);
  }
  void turn() { event_base_loop(base_.get(), EVLOOP_NONBLOCK); }

 private:
  Base base_ = make_base();
  std::vector<bufferevent*> streams_;
};

class LibeventFairness {
 public:
  ~LibeventFairness() {
    for (bufferevent* stream : streams_) bufferevent_free(stream);
  }

  void echo(int socket) {
    add(socket, [](bufferevent* stream, void*) {
      evbuffer_add_buffer(bufferevent_get_output(stream), bufferevent_get_input(stream));
    });
  }
  void swallow(int socket) {
    add(socket, [](bufferevent* stream, void* self) {
      evbuffer* input = bufferevent_get_input(stream);
      static_cast<LibeventFairness*>(self)->swallowed_ += evbuffer_get_length(input);
      evbuffer_drain(input, evbuffer_get_length(input));
    });
  }
  void turn() { event_base_loop(base_.get(), EVLOOP_NONBLOCK); }
  std::size_t swallowed() const { return swallowed_; }

 private:
  void add(int socket, bufferevent_data_cb read) {
    bufferevent* stream = bufferevent_socket_new(base_.get(), socket, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_set_max_single_read(stream, 65536);
    bufferevent_setcb(stream, read, nullptr, nullptr, this);
    bufferevent_enable(stream, EV_READ | EV_WRITE);
    streams_.push_back(stream);
  }

  Base base_ = make_base();
  std::vector<bufferevent*> streams_;
  std::size_t swallowed_ = 0;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const std::string subject = "libevent";
  bench::Cases cases;
  bench::add_broadcast_cases<bench::LibeventBroadcast>(cases, subject);
  bench::add_fairness_cases<bench::LibeventFairness>(cases, subject);
  return cases.run(argc, argv);
}
