// weir: a server on one loop, which owns its streams.
// SPDX-License-Identifier: MIT
#include "weir/server/server.h"

#include "weir/server/server_state.h"

namespace weir {

std::shared_ptr<ConnectionLimits> Server::limits_of(const ServerOptions& options) {
  if (options.connection_limit == unlimited && options.connection_limit_per_host == unlimited) return nullptr;
  return std::make_shared<ConnectionLimits>(options.connection_limit, options.connection_limit_per_host);
}

Result<std::unique_ptr<Server>> Server::listen(EventLoop& loop, ServerOptions options) {
  const Result<Address> address = Address::parse(options.address);
  if (!address) return address.error();
  auto limits = limits_of(options);
  std::unique_ptr<Server> server(new Server(*new State(loop, options, std::move(limits))));
  if (auto listening = server->state_->listen(*address, options.listen); !listening) return listening.error();
  return server;
}

Server::~Server() { state_->destroy(); }

const Address& Server::address() const noexcept { return state_->address(); }

void Server::on_stream(Stream::Handler handler) { state_->on_stream(std::move(handler)); }

void Server::on_exception(Callback<void(Stream&, std::exception_ptr)> handler) {
  state_->on_exception(std::move(handler));
}

std::size_t Server::stream_count() const noexcept { return state_->stream_count(); }

void Server::set_name(std::string_view name) { state_->name_all(name); }

std::unique_ptr<Stream> Server::take(Stream& stream) { return state_->take(stream); }

void Server::adopt(std::unique_ptr<Stream> stream) { state_->adopt(std::move(stream)); }

void Server::stop(Duration within, Callback<void()> on_stopped) {
  state_->stop(within, State::Ending::finish, std::move(on_stopped));
}

void Server::drain(Duration within, Callback<void()> on_stopped) {
  state_->stop(within, State::Ending::by_themselves, std::move(on_stopped));
}

}  // namespace weir
