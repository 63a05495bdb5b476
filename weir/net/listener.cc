// weir: accepts connections at an address.
// SPDX-License-Identifier: MIT
#include "weir/net/listener.h"

#include <algorithm>
#include <string>
#include <utility>

#include "weir/base/time.h"
#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"
#include "weir/net/bound_socket.h"
#include "weir/sys/calls.h"

namespace weir {
namespace {

using namespace weir::literals;

constexpr Duration shortest_pause = 10ms;
constexpr Duration longest_pause = 100ms;
constexpr Duration between_remarks = 1s;

/// What a listener does not survive: its descriptor is not a listening socket.
bool is_fatal(std::error_code error) {
  return error == std::errc::bad_file_descriptor || error == std::errc::invalid_argument ||
         error == std::errc::not_a_socket;
}

}  // namespace

class Listener::State final : public AcceptSlot, public WheelTimer, public StarvedListener {
 public:
  State(EventLoop& loop, const ListenOptions& options, Callback<void(Socket, const Address&)> on_connection)
      : AcceptSlot(loop),
        options_(options),
        on_connection_(std::move(on_connection)) {
    expects(static_cast<bool>(on_connection_));
    set_priority(options.priority);
  }

  Result<void> open(const Address& address) {
    Result<Socket> socket = open_bound(address, options_);
    if (!socket) return socket.error();
    address_ = address;
    if (!address.path().empty()) (void)sys::describe_file(address.name().local.sun_path, file_);
    Result<void> listening = listen(*std::move(socket));
    if (!listening) remove_file();
    return listening;
  }

  void destroy() noexcept {
    close();
    release();
  }

  const Address& address() const noexcept { return address_; }

  void describe(ObjectState& state) const noexcept override {
    const bool is_waiting = WheelTimer::is_armed() || is_starved();
    state.kind = ObjectKind::listener;
    state.phase = !is_attached() ? "closed" : is_paused_ ? "paused" : is_waiting ? "waiting" : "accepting";
    state.descriptor = descriptor();
    if (WheelTimer::is_armed()) state.deadline = loop().time_of(tick());
  }

  void pause() noexcept {
    is_paused_ = true;
    if (is_attached()) loop().slots_backend().stop_accept(*this);
  }

  void resume() noexcept {
    if (std::exchange(is_paused_, false) && is_attached()) go_on();
  }

  void replace(Callback<void(Socket, const Address&)> callback) {
    expects(static_cast<bool>(callback));
    loop().replace_callback(on_connection_, std::move(callback));
  }
  void on_failed(Callback<void(std::error_code)> callback) { loop().replace_callback(on_failed_, std::move(callback)); }

 private:
  Result<void> listen(Socket socket) {
    if (auto listening = socket.listen(options_.backlog); !listening) return listening;
    Result<Address> bound = socket.local_address();
    if (!bound) return bound.error();
    address_ = *bound;
    if (auto attached = loop().slots_backend().attach(*this, std::move(socket).release()); !attached) return attached;
    loop().slots_backend().start_accept(*this);
    return {};
  }

  void accepted(sys::Descriptor connection, const sys::SocketName& peer) override {
    pause_ = shortest_pause;
    Socket socket(std::move(connection));
    // The system has taken TCP's from the listening socket; a Unix one is new.
    if (address_.family() == Address::Family::local) (void)socket.set_options(options_.socket, address_.family());
    Slot* outer = loop().exchange_running_slot(this);
    loop().invoke(on_connection_, std::move(socket), Address(peer));
    loop().exchange_running_slot(outer);
  }

  void accept_failed(std::error_code error) override {
    if (is_fatal(error)) return fail(error);
    loop().arm(*this, loop().now() + pause_);
    loop().add_starved(*this);
    pause_ = std::min(pause_ * 2, longest_pause);
    remark(error);
  }

  void remark(std::error_code error) {
    if (last_remark_ != TimePoint{} && loop().now() - last_remark_ < between_remarks) return;
    last_remark_ = loop().now();
    loop().say(Diagnostic::Level::warning, "accepting at " + address_.to_string() + " pauses: " + error.message(),
               error);
  }

  void fail(std::error_code error) {
    close();
    loop().say(Diagnostic::Level::error, "accepting at " + address_.to_string() + " ended: " + error.message(), error);
    if (!on_failed_ || is_released()) return;
    Slot* outer = loop().exchange_running_slot(this);
    loop().invoke(on_failed_, error);
    loop().exchange_running_slot(outer);
  }

  void fired() override { go_on(); }

  void descriptor_freed() noexcept override { go_on(); }

  void go_on() noexcept {
    loop().cancel(*this);
    ListHook<StarvedTag>::unlink();
    if (!is_paused_) loop().slots_backend().start_accept(*this);
  }

  void close() noexcept {
    loop().cancel(*this);
    ListHook<StarvedTag>::unlink();
    if (!is_attached()) return;
    loop().slots_backend().detach(*this).reset();
    remove_file();
    loop().descriptor_freed();
  }

  /// Removes the socket's file, unless somebody else has put theirs in its place, or the listener is a parent's.
  void remove_file() noexcept {
    sys::FileIdentity file;
    const char* path = address_.name().local.sun_path;
    if (loop().is_inherited() || address_.path().empty() || !sys::describe_file(path, file) || !(file == file_)) return;
    (void)sys::unlink(path);
  }

  ListenOptions options_;
  Address address_;
  sys::FileIdentity file_;  // of the path of a Unix address
  Callback<void(Socket, const Address&)> on_connection_;
  Callback<void(std::error_code)> on_failed_;
  Duration pause_ = shortest_pause;
  TimePoint last_remark_{};
  bool is_paused_ = false;
};

Result<Listener> Listener::open(EventLoop& loop, const Address& address, ListenOptions options,
                                Callback<void(Socket, const Address&)> on_connection) {
  Listener listener(*new State(loop, options, std::move(on_connection)));
  if (!options.name.empty()) listener.set_name(options.name);
  if (auto opened = listener.state_->open(address); !opened) return opened.error();
  return listener;
}

Listener::Listener(Listener&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  Listener old(std::move(*this));
  state_ = std::exchange(other.state_, nullptr);
  return *this;
}

Listener::~Listener() {
  if (state_ != nullptr) state_->destroy();
}

const Address& Listener::address() const noexcept {
  expects(state_ != nullptr);
  return state_->address();
}

void Listener::set_name(std::string_view name) {
  expects(state_ != nullptr);
  state_->set_name(name);
}

void Listener::pause() noexcept {
  expects(state_ != nullptr);
  state_->pause();
}

void Listener::resume() noexcept {
  expects(state_ != nullptr);
  state_->resume();
}

void Listener::on_failed(Callback<void(std::error_code)> callback) { state_->on_failed(std::move(callback)); }

void Listener::on_connection(Callback<void(Socket, const Address&)> callback) { state_->replace(std::move(callback)); }

}  // namespace weir
