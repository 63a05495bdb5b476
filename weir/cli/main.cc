// weir: the command-line tool.
// SPDX-License-Identifier: MIT
#include <exception>

#include <fmt/core.h>

#include "weir/cli/bench_echo.h"
#include "weir/cli/command_line.h"
#include "weir/cli/echo.h"
#include "weir/cli/process.h"
#include "weir/cli/proxy.h"

int main(int argc, char** argv) {
  using namespace weir::cli;
  try {
    const CommandLine line = parse_command_line(argc, argv);
    if (const auto* ended = std::get_if<Ended>(&line)) return ended->exit_code;
    prepare_process();
    if (const auto* echo = std::get_if<EchoOptions>(&line)) return run_echo(*echo);
    if (const auto* proxy = std::get_if<ProxyOptions>(&line)) return run_proxy(*proxy);
    return run_bench_echo(std::get<BenchEchoOptions>(line));
  } catch (const std::exception& error) {
    fmt::print(stderr, "weir: {}\n", error.what());
    return exit_failure;
  }
}
