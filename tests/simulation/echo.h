// weir: clients that send, and a server that sends back; each ends when and as it likes.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "tests/simulation/party.h"
#include "tests/simulation/scenario.h"
#include "weir/loop/timer.h"

namespace weir::testing_support {

class EchoNet;

/// The client's end: writes its flow, and ends as was drawn.
class EchoClient final : public Party {
 public:
  EchoClient(EchoNet& net, sim::Host& host, std::uint64_t key);

  void start();
  bool is_done() const { return has_opened_ && is_over(); }
  /// What must hold when all is over. `has_whole_answer`: the server's end has closed in order.
  void check(bool has_whole_answer);

 private:
  enum class Ending : std::uint8_t { half_close, finish, abort, destroy };

  void draw();
  void open();
  void fired();
  void plan();
  void go_on();
  void end_writing();
  bool ends_suddenly();
  void try_later(Duration delay);
  void take_some();

  void connected() override;
  void data() override;
  void ended() override;
  void drained() override;
  void told_sent() override;

  EchoNet& net_;
  sim::Host& host_;
  StreamOptions options_;
  ConnectOptions connect_options_;
  std::uint64_t goal_;
  std::size_t piece_ = 50'000;
  Ending ending_ = Ending::half_close;
  std::optional<std::uint64_t> steps_left_;  // until the sudden end
  std::uint64_t disturbances_ = 0;
  Duration begin_{};
  Duration pace_{};  // the longest time between two pieces
  std::size_t untaken_ = 0;
  bool has_opened_ = false;
  bool is_waiting_ = false;
  bool must_try_again_ = false;
  Timer timer_;
};

/// The server's end: sends back what comes.
class EchoAnswerer : public Party {
 public:
  EchoAnswerer(EchoNet& net, Stream& stream);

  /// Reads on, sends back what it can, and ends when the peer has.
  void serve();

 protected:
  EchoNet& net() noexcept { return net_; }
  /// Does something rare. True when there is nothing more to do in this callback.
  virtual bool surprises();

 private:
  void data() override;
  void ended() override { serve(); }
  void drained() override { serve(); }
  void told_sent() override { serve(); }
  void let_go() override { held_.clear(); }
  void later();
  bool find_out_who_it_is();

  EchoNet& net_;
  std::size_t most_;  // to be taken at a time
  Buffer held_;       // what was refused
  Timer timer_;
};

/// Clients and a server.
class EchoNet : public NetScenario {
 public:
  EchoNet(sim::Trial& run, const Play& play, std::uint64_t clients);
  ~EchoNet() override { server_ = nullptr; }

  void start() override;
  bool is_done() override;
  void check() override;

  /// Null when no client has that key.
  Conversation* find(std::uint64_t key);
  const StreamOptions& server_options() const { return server_options_; }

 protected:
  /// The server's end of a connection that has come.
  virtual std::unique_ptr<EchoAnswerer> answer(Stream& stream);
  std::unique_ptr<Server>& server() { return server_; }
  /// In the order in which they came.
  std::vector<std::unique_ptr<EchoAnswerer>>& answerers() { return answerers_; }

 private:
  std::vector<std::unique_ptr<Conversation>> conversations_;
  StreamOptions server_options_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<EchoAnswerer>> answerers_;
  std::list<EchoClient> clients_;
};

}  // namespace weir::testing_support
