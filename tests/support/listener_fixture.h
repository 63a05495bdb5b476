// weir: a listener on a loop whose system calls can be made to fail, for tests.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/descriptor_check.h"
#include "tests/support/test_sockets.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/timer.h"
#include "weir/net/listener.h"
#include "weir/sys/fault_kernel.h"

namespace weir::testing_support {

inline const Address any_port = *Address::parse("127.0.0.1:0");

/// Keeps what it accepts, and what the loop remarks.
class ListenerTest : public testing::Test {
 protected:
  ListenerTest()
      : loop_(
            *EventLoop::create({.on_diagnostic = [this](const Diagnostic& d) { remarks_.emplace_back(d.message); }})) {}

  void open(const Address& address = any_port, ListenOptions options = {}) {
    Result<Listener> opened = Listener::open(*loop_, address, options, [this](Socket socket, const Address& peer) {
      accepted_.push_back(std::move(socket));
      peers_.push_back(peer);
      if (on_accepted_) on_accepted_();
    });
    ASSERT_TRUE(opened) << opened.error().message();
    listener_ = *std::move(opened);
  }

  /// Connects `count` times to where the listener is.
  std::vector<sys::Descriptor> clients(std::size_t count) {
    std::vector<sys::Descriptor> result;
    for (; count > 0; --count) result.push_back(connect_to(listener_.address().name()));
    return result;
  }

  /// False when the condition does not hold within `limit` of the test's clock, or when the loop spins and it stands still.
  bool run_until(const std::function<bool()>& condition, Duration limit = std::chrono::seconds(10)) {
    Timer timer(*loop_, [](Timer&) {});
    timer.start(limit);
    const std::uint64_t last_turn = loop_->counters().turns + 20'000;
    EXPECT_TRUE(
        loop_->run_until([&] { return condition() || !timer.is_armed() || loop_->counters().turns > last_turn; }));
    return condition();
  }

  std::vector<std::string> remarks_;
  sys::FaultKernel kernel_;
  sys::ScopedKernel installed_{kernel_};
  std::unique_ptr<EventLoop> loop_;
  std::vector<Socket> accepted_;
  std::vector<Address> peers_;
  std::function<void()> on_accepted_;
  Listener listener_;
};

}  // namespace weir::testing_support
