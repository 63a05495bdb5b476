// weir: one attempt to connect to an address.
// SPDX-License-Identifier: MIT
#include "weir/net/connector.h"

#include "weir/loop/backend.h"
#include "weir/loop/event_loop.h"

namespace weir {
namespace {

Result<void> bind_to(Socket& socket, const ConnectOptions& options) {
  const Address& local = options.local_address;
  if (local.family() == Address::Family::none) return {};
  if (local.family() != Address::Family::local) {
    if (options.reuse_address) {
      if (auto set = socket.set_reuse_address(true); !set) return set;
    }
    if (local.port() == 0) {
      if (auto set = socket.set_bind_without_port(true); !set) return set;
    }
  }
  return socket.bind(local);
}

}  // namespace

class Connector::State final : public ConnectSlot, public WheelTimer {
 public:
  State(EventLoop& loop, Callback<void(Result<Socket>)> on_done) : ConnectSlot(loop), on_done_(std::move(on_done)) {
    expects(static_cast<bool>(on_done_));
  }

  void start(const Address& address, const ConnectOptions& options) {
    outcome_ = attempt(address, options);
    if (outcome_ == std::errc::operation_in_progress) {
      loop().arm(*this, add_saturated(loop().clock(), options.timeout));
    } else {
      loop().defer(*this);
    }
  }

  void describe(ObjectState& state) const noexcept override {
    state.kind = ObjectKind::connector;
    state.phase = is_attached() ? "connecting" : "done";
    state.descriptor = descriptor();
    if (WheelTimer::is_armed()) state.deadline = loop().time_of(tick());
  }

  void destroy() noexcept {
    give_up();
    release();
  }

 private:
  /// None when the connection stands already, `operation_in_progress` when the loop has to wait for it.
  std::error_code attempt(const Address& address, const ConnectOptions& options) {
    Result<Socket> opened = Socket::open_stream(address.family());
    if (!opened) return opened.error();
    socket_ = *std::move(opened);
    if (auto set = socket_.set_options(options.socket, address.family()); !set) return set.error();
    if (auto bound = bind_to(socket_, options); !bound) return bound.error();
    const Result<void> begun = socket_.connect(address);
    if (begun) return {};
    if (begun.error() != std::errc::operation_in_progress) return begun.error();
    if (auto attached = loop().slots_backend().attach(*this, std::move(socket_).release()); !attached) {
      return attached.error();
    }
    loop().slots_backend().start_connect(*this);
    return begun.error();
  }

  void connected(std::error_code error) override {
    loop().cancel(*this);
    socket_ = Socket(loop().slots_backend().detach(*this));
    done(error);
  }

  void fired() override {
    const SlotHold hold(*this);
    const CallbackSpan span(*this);
    loop().recorder().limit_passed(loop().time_of(tick()));
    give_up();
    done(errc::connect_timed_out);
  }

  void run_deferred() override {
    if (!is_released()) done(outcome_);
  }

  void give_up() noexcept {
    loop().cancel(*this);
    if (is_attached()) socket_ = Socket(loop().slots_backend().detach(*this));
    if (!socket_) return;
    socket_ = Socket();
    loop().descriptor_freed();
  }

  void done(std::error_code error) {
    if (error) give_up();
    Slot* outer = loop().exchange_running_slot(this);
    if (error) {
      on_done_(error);
    } else {
      on_done_(std::move(socket_));
    }
    loop().exchange_running_slot(outer);
  }

  Callback<void(Result<Socket>)> on_done_;
  Socket socket_;
  std::error_code outcome_;
};

Connector Connector::start(EventLoop& loop, const Address& address, ConnectOptions options,
                           Callback<void(Result<Socket>)> on_done) {
  Connector connector(*new State(loop, std::move(on_done)));
  if (!options.name.empty()) connector.set_name(options.name);
  connector.state_->start(address, options);
  return connector;
}

Connector::Connector(Connector&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

Connector& Connector::operator=(Connector&& other) noexcept {
  Connector old(std::move(*this));
  state_ = std::exchange(other.state_, nullptr);
  return *this;
}

Connector::~Connector() {
  if (state_ != nullptr) state_->destroy();
}

void Connector::set_name(std::string_view name) {
  expects(state_ != nullptr);
  state_->set_name(name);
}

}  // namespace weir
