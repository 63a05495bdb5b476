// weir: the echo server on libevent's bufferevent, for comparison.
// SPDX-License-Identifier: MIT

// Settings given to libevent 2.1, the best reasonable ones:
// - no locks (EVENT_BASE_FLAG_NOLOCK, no evthread call): one thread;
// - changes of interest are collected before each wait (EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST): 3 to 5 % cheaper for
//   small messages, 3 % dearer at 16 KiB;
// - single reads and writes of up to 64 KiB (libevent 2.1 still reads at most 4 KiB in one call: a constant inside it);
// - the echo moves the input evbuffer onto the output evbuffer, so no byte is copied;
// - no deferred callbacks, no watermarks, no time limits: each of them costs something.

#include <cstddef>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "bench/echo_program.h"

namespace {

void on_read(bufferevent* connection, void*) {
  evbuffer_add_buffer(bufferevent_get_output(connection), bufferevent_get_input(connection));
}

void on_event(bufferevent* connection, short what, void*) {
  if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) bufferevent_free(connection);
}

void on_accept(evconnlistener* listener, evutil_socket_t descriptor, sockaddr*, int, void*) {
  bench::set_nodelay(descriptor);
  bufferevent* connection =
      bufferevent_socket_new(evconnlistener_get_base(listener), descriptor, BEV_OPT_CLOSE_ON_FREE);
  if (connection == nullptr) bench::fail("bufferevent_socket_new");
  bufferevent_set_max_single_read(connection, bench::read_size);
  bufferevent_set_max_single_write(connection, bench::read_size);
  bufferevent_setcb(connection, on_read, nullptr, on_event, nullptr);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
}

}  // namespace

int main(int argc, char** argv) {
  const sockaddr_in address = bench::listen_address(argc, argv);
  bench::prepare_process();
  const int listening = bench::open_listening(address);

  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  event_base* base = event_base_new_with_config(config);
  if (base == nullptr) bench::fail("event_base_new_with_config");
  if (evconnlistener_new(base, on_accept, nullptr, LEV_OPT_CLOSE_ON_FREE, 0, listening) == nullptr) {
    bench::fail("evconnlistener_new");
  }
  bench::announce(listening);
  return event_base_dispatch(base) == 0 ? 0 : 1;
}
