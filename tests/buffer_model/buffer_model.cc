// weir: does very many random operations on buffers against a model, and plays, or shortens, a sequence kept as text.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/buffer_model/in_child.h"
#include "tests/buffer_model/machine.h"

namespace weir::buffer_model {
namespace {

constexpr std::size_t most_jobs = 64;

struct Options {
  double operations = 1e6;
  std::uint64_t seed = 1;
  std::size_t length = 1000;
  std::size_t jobs = 1;
  std::string sequence;  ///< a file
};

/// What a job has done so far.
struct Progress {
  std::atomic<std::uint64_t> operations;
  std::atomic<std::uint64_t> seed;
};

struct AllProgress {
  Progress jobs[most_jobs];
};

int usage() {
  std::fputs(
      "buffer_model [--operations 1e8] [--seed N] [--length N] [--jobs N]\n"
      "    Plays sequences of `length` operations, seed after seed, and tells how many operations went well in all.\n"
      "    One that fails, or ends the process, is made as short as it can be and printed.\n"
      "buffer_model --sequence FILE\n"
      "    Plays a sequence kept as text; if it fails, it is made shorter and printed.\n",
      stderr);
  return 2;
}

bool parse_options(std::span<char*> arguments, Options& options) {
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    const char* value = arguments[i + 1];
    if (name == "--operations")
      options.operations = std::atof(value);
    else if (name == "--seed")
      options.seed = std::strtoull(value, nullptr, 10);
    else if (name == "--length")
      options.length = std::strtoull(value, nullptr, 10);
    else if (name == "--jobs")
      options.jobs = std::strtoull(value, nullptr, 10);
    else if (name == "--sequence")
      options.sequence = value;
    else
      return false;
  }
  return arguments.size() % 2 == 1 && options.operations >= 1 && options.length > 0 && options.jobs > 0 &&
         options.jobs <= most_jobs;
}

/// Seeds from `first` on, `step` apart. Leaves the seed that failed in `progress`.
int run_job(const Options& options, std::uint64_t first, std::uint64_t operations, Progress& progress) {
  for (std::uint64_t seed = first; progress.operations < operations; seed += options.jobs) {
    progress.seed = seed;
    Choices choices = Choices::from_seed(seed);
    const Outcome outcome = play(machine_alphabet(), choices, options.length);
    if (outcome.has_failed()) return 1;
    progress.operations += outcome.operations;
  }
  return 0;
}

std::uint64_t sum(const AllProgress& all) {
  std::uint64_t total = 0;
  for (const Progress& each : all.jobs) total += each.operations;
  return total;
}

/// Tells once in a while how far it has come, until the process is ended.
int tell_progress(const AllProgress& all, double wanted) {
  for (;;) {
    ::sleep(10);
    const auto total = static_cast<double>(sum(all));
    std::fprintf(stderr, "%.3g operations, %.0f %%\n", total, 100 * total / wanted);
  }
}

int run_many(const Options& options) {
  Shared<AllProgress> all;
  const auto begin = std::chrono::steady_clock::now();
  const auto each = static_cast<std::uint64_t>(options.operations / static_cast<double>(options.jobs));
  const pid_t teller = start_child([&] { return tell_progress(*all, options.operations); });
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < options.jobs; ++i)
    children.push_back(start_child([&] { return run_job(options, options.seed + i, each, all->jobs[i]); }));

  int failed = 0;
  for (std::size_t i = 0; i < options.jobs; ++i) {
    const std::string end = wait_for(children[i]);
    if (end.empty()) continue;
    ++failed;
    const std::uint64_t seed = all->jobs[i].seed;
    const std::string report = report_in_child(machine_alphabet(), seed, options.length);
    std::printf("# seed %llu: %s\n%s", static_cast<unsigned long long>(seed), end.c_str(),
                report.empty() ? "# it went well when it was played again\n" : report.c_str());
  }
  ::kill(teller, SIGKILL);
  (void)wait_for(teller);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("%llu operations went well in %.1f s, %d jobs failed\n", static_cast<unsigned long long>(sum(*all)),
              seconds.count(), failed);
  return failed == 0 ? 0 : 1;
}

int run_sequence(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::string error;
  const std::optional<Sequence> sequence = parse(text.str(), machine_alphabet().names, &error);
  if (!sequence) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), error.c_str());
    return 2;
  }
  const std::string report = report_in_child(machine_alphabet(), *sequence);
  std::fputs(report.empty() ? "It went well.\n" : report.c_str(), stdout);
  return report.empty() ? 0 : 1;
}

}  // namespace
}  // namespace weir::buffer_model

int main(int count, char** arguments) {
  weir::buffer_model::Options options;
  if (!weir::buffer_model::parse_options({arguments, static_cast<std::size_t>(count)}, options))
    return weir::buffer_model::usage();
  return options.sequence.empty() ? weir::buffer_model::run_many(options)
                                  : weir::buffer_model::run_sequence(options.sequence);
}
