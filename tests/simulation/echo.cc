// weir: clients that send, and a server that sends back; each ends when and as it likes.
// SPDX-License-Identifier: MIT
#include "tests/simulation/echo.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::testing_support {

using namespace weir::literals;

// --- the client ---

EchoClient::EchoClient(EchoNet& net, sim::Host& host, std::uint64_t key)
    : Party(net.run(), "client " + std::to_string(key)),
      net_(net),
      host_(host),
      options_(net.eager_options()),
      connect_options_(net.connect_options()),
      goal_(key == 1 ? 100 : 150'000),
      timer_(host.loop(), [this](Timer&) { fired(); }) {
  out = &net.find(key)->up;
  in = &net.find(key)->down;
  if (!net.play().is_calm) draw();
}

void EchoClient::draw() {
  goal_ = key_size + (net_.chance(0.1) ? net_.random().between(300'000, 2'000'000) : net_.of_any_size(1'000'000));
  piece_ = 1 + goal_ / 200 + net_.of_any_size(60'000);
  ending_ = Ending{static_cast<std::uint8_t>(net_.random().below(4))};
  if (ending_ >= Ending::abort && net_.chance(0.4)) ending_ = Ending::half_close;
  if (ending_ >= Ending::abort) steps_left_ = net_.of_any_size(40);
  disturbances_ = net_.of_any_size(40);
  begin_ = net_.is_in_step() ? Duration::zero() : net_.up_to(4s);
  if (net_.is_in_step() || net_.chance(0.5)) pace_ = net_.is_in_step() ? Duration(100ms) : net_.up_to(400ms);
}

void EchoClient::start() { begin_ == Duration::zero() ? open() : timer_.start(begin_); }

void EchoClient::check(bool has_whole_answer) {
  const bool is_orderly = is_closed() && !error() && has_ended() && ending_ == Ending::half_close;
  if (is_orderly && (in->is_whole || has_whole_answer)) {
    expect(in->received + untaken_ == in->accepted, "everything is there after an orderly end");
  }
}

void EchoClient::open() {
  has_opened_ = true;
  auto opened = host_.run([&] {
    return Stream::connect(host_.loop(), net_.server_address(), {.connect = connect_options_, .stream = options_});
  });
  if (!expect(static_cast<bool>(opened), "connect reports failures later")) return;
  own(*std::move(opened), options_);
  go_on();
  plan();
}

void EchoClient::plan() {
  if (is_over() || timer_.is_armed()) return;
  if (disturbances_ > 0 || must_try_again_) timer_.start(net_.up_to(500ms));
}

void EchoClient::fired() {
  if (!has_opened_) return open();
  if (is_over()) return;
  must_try_again_ = false;
  if (disturbances_ > 0) {
    --disturbances_;
    if (!has_ended() && net_.chance(0.2)) {
      pause();
    } else {
      disturb();
    }
    if (disturbances_ == 0 && !is_over()) resume();
  }
  take_some();
  go_on();
  plan();
}

/// Writes on until told to slow down, then ends; unless it is time for a sudden end.
void EchoClient::go_on() {
  while (!is_over() && stream()->is_writable() && !is_waiting_) {
    if (ends_suddenly()) return;
    if (out->accepted >= goal_) return end_writing();
    const bool was_taken = write(std::min<std::size_t>(piece_, goal_ - out->accepted));
    if (net_.play().is_calm || net_.chance(0.2)) when_sent();
    if (!was_taken) {
      if (piece_ > 1000) piece_ /= 2;
      return try_later(100ms);
    }
    is_waiting_ = is_told_to_slow_down();
    if (pace_ > Duration::zero()) return try_later(net_.is_in_step() ? pace_ : net_.up_to(pace_));
  }
}

void EchoClient::end_writing() {
  is_waiting_ = true;
  ending_ == Ending::finish ? finish() : finish_writing();
}

bool EchoClient::ends_suddenly() {
  if (!steps_left_ || (*steps_left_)-- != 0) return false;
  ending_ == Ending::abort ? abort() : destroy();
  return true;
}

void EchoClient::try_later(Duration delay) {
  must_try_again_ = true;
  if (!timer_.is_armed()) timer_.start(delay);
}

void EchoClient::take_some() {
  if (is_over() || stream()->input().is_empty()) return;
  const std::size_t all = stream()->input().size();
  (void)take(net_.chance(0.2) && disturbances_ > 0 ? net_.random().between(1, all) : all);
  untaken_ = stream()->input().size();
}

void EchoClient::connected() { (void)ends_suddenly(); }

void EchoClient::data() {
  if (!ends_suddenly()) take_some();
}

void EchoClient::ended() {
  if (ends_suddenly()) return;
  if (!stream()->input().is_empty()) (void)take(stream()->input().size());
  untaken_ = 0;
  if (stream()->is_writable()) finish_writing();
}

void EchoClient::drained() {
  is_waiting_ = !stream()->is_writable();
  go_on();
}

void EchoClient::told_sent() { (void)ends_suddenly(); }

// --- the server ---

EchoAnswerer::EchoAnswerer(EchoNet& net, Stream& stream)
    : Party(net.run(), "server"),
      net_(net),
      most_(std::min<std::size_t>(net.server_options().output_limit / 2, 100'000)),
      timer_(stream.loop(), [this](Timer&) { serve(); }) {
  watch(stream, net.server_options());
}

bool EchoAnswerer::surprises() {
  if (!net_.chance(0.005)) return false;
  abort();
  return true;
}

void EchoAnswerer::data() {
  if (surprises()) return;
  if (net_.chance(0.1)) {
    pause();
    return later();
  }
  if (net_.chance(0.1)) return later();
  serve();
}

void EchoAnswerer::later() {
  if (!timer_.is_armed()) timer_.start(net_.up_to(300ms));
}

void EchoAnswerer::serve() {
  if (is_over()) return;
  if (stream()->is_paused()) resume();
  if (in == nullptr && !find_out_who_it_is()) return;
  while (!is_over() && stream()->is_writable() && (!held_.is_empty() || !stream()->input().is_empty())) {
    if (held_.is_empty()) held_ = take(most_);
    if (!write(std::move(held_))) {
      if (most_ > 1000) most_ /= 2;
      return when_sent();
    }
    held_.clear();
  }
  if (!is_over() && has_ended() && stream()->is_writable()) finish();
}

bool EchoAnswerer::find_out_who_it_is() {
  std::array<std::byte, key_size> key{};
  if (stream()->input().size() < key_size) {
    if (has_ended()) finish();
    return false;
  }
  stream()->input().copy_to(key);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < key_size; ++i) number |= std::to_integer<std::uint64_t>(key[i]) << (8 * i);
  Conversation* conversation = net_.find(number);
  if (!expect(conversation != nullptr, "the first bytes are those of a client")) return false;
  in = &conversation->up;
  out = &conversation->down;
  return true;
}

// --- all of them ---

EchoNet::EchoNet(sim::Trial& run, const Play& how, std::uint64_t clients)
    : NetScenario(run, how),
      server_options_(stream_options()) {
  for (std::uint64_t key = 1; key <= clients; ++key) {
    conversations_.push_back(std::make_unique<Conversation>());
    Conversation& conversation = *conversations_.back();
    conversation.up.key = conversation.down.key = key;
    conversation.up.is_whole = conversation.down.is_whole = !how.is_local && !how.is_calm;
    clients_.emplace_back(*this, client_host(), key);
  }
}

void EchoNet::start() {
  server_ = listen(server_options_, [this](Stream& stream) { answerers_.push_back(answer(stream)); });
  for (EchoClient& client : clients_) client.start();
}

std::unique_ptr<EchoAnswerer> EchoNet::answer(Stream& stream) { return std::make_unique<EchoAnswerer>(*this, stream); }

bool EchoNet::is_done() {
  return std::all_of(clients_.begin(), clients_.end(), [](const EchoClient& client) { return client.is_done(); }) &&
         std::all_of(answerers_.begin(), answerers_.end(), [](const auto& party) { return party->is_over(); });
}

void EchoNet::check() {
  NetScenario::check();
  const auto is_known = [](const auto& answerer) { return answerer->in != nullptr; };
  const bool are_all_known = std::all_of(answerers_.begin(), answerers_.end(), is_known);
  for (EchoClient& client : clients_) {
    if (has_lost() && client.is_closed()) {
      const bool was_late = client.error() == std::errc::timed_out;
      run().probe(was_late ? "a partition outlasts a time limit" : "a partition is outlived");
    }
    const auto found = std::find_if(answerers_.begin(), answerers_.end(),
                                    [&](const auto& answerer) { return answerer->out == client.in; });
    if (found != answerers_.end()) {
      client.check((*found)->is_closed() && !(*found)->error());
      check_no_stall(client, **found);
    } else {
      client.check(false);
      if (are_all_known && server_ != nullptr) check_was_accepted(client);
    }
  }
}

Conversation* EchoNet::find(std::uint64_t key) {
  return key >= 1 && key <= conversations_.size() ? conversations_[key - 1].get() : nullptr;
}

sim::Swarm echo_swarm(const Play& play) {
  sim::SwarmOptions options = swarm_options("echo_swarm()");
  options.probes = {"a failure told on resuming",
                    "a reset arrives",
                    "a short count",
                    "a short write inside a piece",
                    "a write is refused",
                    "abort",
                    "abort with output waiting",
                    "accepting pauses for want of a descriptor",
                    "closed in order: finish",
                    "closed in order: half closes",
                    "closed: Connection reset by peer",
                    "closed: Too many open files",
                    "closed: connect timed out",
                    "data and the end in one turn",
                    "destroy",
                    "destroy with output waiting",
                    "half close before the peer's",
                    "no descriptor is left",
                    "paused",
                    "slow down, then drained",
                    "something is lost and repeated",
                    "the peer ends first",
                    "the peer ends second",
                    "when_sent hears of the failure"};
  return sim::Swarm(std::move(options), [play](sim::Trial& run) {
    return std::make_unique<EchoNet>(run, play, play.is_calm ? 2 : run.random().between(1, 6));
  });
}

}  // namespace weir::testing_support
