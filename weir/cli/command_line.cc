// weir: the tool's command line.
// SPDX-License-Identifier: MIT
#include "weir/cli/command_line.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include "weir/cli/command_help.h"
#include "weir/cli/process.h"
#include "weir/cli/rate_text.h"
#include "weir/net/address.h"

namespace weir::cli {
namespace {

std::string check_address(const std::string& text) {
  const Result<Address> address = Address::parse(text);
  return address ? std::string() : fmt::format("'{}' is {}", text, address.error().message());
}

template <class Number>
CLI::Option& add_number(CLI::App& command, const char* name, Number& value, Number least, Number most,
                        const char* help) {
  return *command.add_option(name, value, help)
              ->check([least, most](const std::string& text) {
                Number number{};
                const bool is_number = CLI::detail::lexical_cast(text, number) && !text.starts_with('-');
                if (is_number && number >= least && number <= most) return std::string();
                return fmt::format("'{}' is not a number from {} to {}", text, least, most);
              })
              ->capture_default_str()
              ->type_name(std::is_floating_point_v<Number> ? "S" : "N");
}

/// A time that is off unless it is given.
void add_seconds(CLI::App& command, const char* name, double& value, const char* help) {
  add_number<double>(command, name, value, 0.01, 1e6, help).default_str("");
}

/// Options that take one of a few words.
template <class Value>
void add_choice(CLI::App& command, const char* name, Value& value, const std::map<std::string, Value>& words,
                const char* type, const char* help) {
  command
      .add_option_function<std::string>(
          name, [&value, words](const std::string& word) { value = words.at(word); }, help)
      ->check([words](const std::string& word) {
        if (words.count(word) != 0) return std::string();
        std::string all;
        for (const auto& [known, ignored] : words) (all += all.empty() ? "" : ", ") += known;
        return fmt::format("'{}' is none of {}", word, all);
      })
      ->type_name(type);
}

/// What all servers have.
void add_service(CLI::App& command, ServiceOptions& options) {
  command.add_option("--listen", options.address, "Where to listen")
      ->required()
      ->check(check_address)
      ->type_name("ADDR");
  add_number<std::size_t>(command, "--threads", options.threads, 1, 1024,
                          "How many threads serve, each its own connections");
  add_choice<BackendChoice>(
      command, "--backend", options.backend,
      {{"auto", BackendChoice::automatic}, {"epoll", BackendChoice::epoll}, {"poll", BackendChoice::poll}}, "NAME",
      "What drives the event loop: auto (the default; WEIR_BACKEND overrides it), epoll or poll");
  add_choice<LogLevel>(command, "--log", options.log,
                       {{"error", LogLevel::error},
                        {"warning", LogLevel::warning},
                        {"info", LogLevel::info},
                        {"debug", LogLevel::debug}},
                       "LEVEL", "What to tell on stderr, see below: error, warning (the default), info or debug");
  add_seconds(command, "--stats", options.stats_seconds,
              "How often to print a line of figures, such as 1 or 0.5; see below");
  command.add_option("--user", options.user, "The user to become when it listens; see below")
      ->check([](const std::string& name) { return name.empty() ? "a name is missing" : std::string(); })
      ->type_name("NAME");
}

CLI::App& add_echo(CLI::App& app, EchoOptions& options) {
  CLI::App& echo = *app.add_subcommand("echo", "A server that sends back what it receives");
  add_service(echo, options.service);
  echo.add_flag("--lines", options.lines, "Echo complete lines only, with their ends as they came (LF or CRLF)")
      ->disable_flag_override();
  echo.footer(service_help + std::string(echo_help) + stats_help + echo_examples);
  return echo;
}

std::string check_target(const std::string& text) {
  if (std::string wrong = check_address(text); !wrong.empty()) return wrong;
  const Address address = *Address::parse(text);
  const bool lacks_port = address.family() != Address::Family::local && address.port() == 0;
  return lacks_port ? fmt::format("'{}' has port 0, which nobody can be connected to at", text) : std::string();
}

std::string check_rate(const std::string& text) {
  if (parse_rate(text)) return {};
  return fmt::format("'{}' is not a rate; use bytes per second, at least 1, such as 512k, 10M, 1.5G or 64KiB", text);
}

/// Each connection would cause another one, until there are no descriptors.
void check_not_itself(const ProxyOptions& options) {
  const Address listening = *Address::parse(options.service.address);
  for (const std::string& target : options.targets) {
    if (*Address::parse(target) == listening)
      throw CLI::ValidationError("--to", fmt::format("'{}' is where it listens itself", target));
  }
}

CLI::App& add_proxy(CLI::App& app, ProxyOptions& options) {
  CLI::App& proxy = *app.add_subcommand("proxy", "Passes connections on to other servers");
  add_service(proxy, options.service);
  proxy.add_option("--to", options.targets, "A server to pass connections on to; may be repeated")
      ->required()
      ->check(check_target)
      ->type_name("ADDR");
  proxy
      .add_option_function<std::string>(
          "--limit", [&options](const std::string& text) { options.bytes_per_second = *parse_rate(text); },
          "How many bytes a second may pass in each direction, such as 10M; see below")
      ->check(check_rate)
      ->type_name("RATE");
  add_number<std::size_t>(proxy, "--max-connections", options.max_connections, 1, 1'000'000'000,
                          "How many connections there may be at a time")
      .default_str("");
  add_seconds(proxy, "--timeout", options.idle_seconds, "Cut connections on which nothing has moved for so long");
  add_number<double>(proxy, "--connect-timeout", options.connect_seconds, 0.01, 1e6,
                     "How long a target has to take a connection");
  proxy.callback([&options] { check_not_itself(options); });
  proxy.footer(service_help + std::string(proxy_help) + stats_help + proxy_examples);
  return proxy;
}

CLI::App& add_bench_echo(CLI::App& app, BenchEchoOptions& options) {
  CLI::App& bench = *app.add_subcommand("bench", "Load generators");
  bench.require_subcommand(1);
  CLI::App& echo = *bench.add_subcommand("echo", "Load for an echo server, with rates and latencies");
  echo.add_option("--connect", options.address, "The server")->required()->check(check_address)->type_name("ADDR");
  add_number<std::size_t>(echo, "--connections", options.connections, 1, 1'000'000, "How many connections");
  add_number<std::size_t>(echo, "--size", options.size, 1, std::size_t{1} << 30, "Bytes of a request");
  add_number<std::size_t>(echo, "--pipeline", options.pipeline, 1, 100'000, "Requests in flight on each connection");
  add_number<double>(echo, "--seconds", options.seconds, 0.001, 1e6, "How long to measure, such as 10 or 0.25");
  echo.add_flag("--json", options.json, "Print one line of JSON instead of a table")->disable_flag_override();
  echo.footer(bench_help);
  return echo;
}

/// The last command that the arguments named.
const CLI::App& command_of(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

/// "weir bench echo"
std::string full_name(const CLI::App& command) {
  return command.get_parent() == nullptr ? command.get_name()
                                         : full_name(*command.get_parent()) + ' ' + command.get_name();
}

/// What is wrong, in words of ours where those of CLI11 do not say it.
std::string reason(const CLI::App& command, const CLI::ParseError& error) {
  const bool wants_command = command.get_require_subcommand_min() != 0;
  const std::vector<std::string> rest = command.remaining();
  if (!rest.empty() && rest.front().starts_with('-')) return "there is no option " + rest.front();
  if (!rest.empty())
    return fmt::format("{} '{}'", wants_command ? "there is no command" : "unexpected argument", rest.front());
  if (wants_command) return "a command is missing";
  return error.what();
}

/// One line, whatever the arguments held.
std::string in_one_line(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  return text;
}

Ended complain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = command_of(app);
  const std::string name = full_name(command);
  fmt::print(stderr, "{}: {} (see {} --help)\n", name, in_one_line(reason(command, error)), name);
  return {exit_usage};
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CLI::App app("weir: network I/O for Linux, built around a shared buffer. This tool shows the library at work.",
               "weir");
  app.set_version_flag("--version", std::string("weir ") + WEIR_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  app.set_help_flag("--help,-h", "Print this help and exit");
  app.footer(tool_help);
  EchoOptions echo_options;
  ProxyOptions proxy_options;
  BenchEchoOptions bench_options;
  const CLI::App& echo = add_echo(app, echo_options);
  const CLI::App& proxy = add_proxy(app, proxy_options);
  add_bench_echo(app, bench_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return Ended{app.exit(asked)};
  } catch (const CLI::ParseError& error) {
    return complain(app, error);
  }
  if (echo.parsed()) return echo_options;
  if (proxy.parsed()) return proxy_options;
  return bench_options;
}

}  // namespace weir::cli
