// weir: the loop's workloads, done with standalone Asio, for comparison.
// SPDX-License-Identifier: MIT
#include <asio.hpp>

#include "bench/loop/posts.h"
#include "bench/measure/cases.h"

namespace bench {
namespace {

/// L6. Settings, the best reasonable ones: a concurrency hint of 1, since one thread runs the context and others only post;
/// the io_context's own executor type, not the type-erased one.
class AsioPosts {
 public:
  template <class Work>
  void post(Work work) {
    asio::post(context_.get_executor(), work);
  }
  void run() { context_.run(); }
  void stop() { context_.stop(); }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> lifetime_{context_.get_executor()};
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Cases cases;
  bench::add_post_cases<bench::AsioPosts>(cases, "asio");
  return cases.run(argc, argv);
}
