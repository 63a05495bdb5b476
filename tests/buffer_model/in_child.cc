// weir: plays sequences in child processes, so that one that ends the process is found out and made shorter too.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/in_child.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace weir::buffer_model {
namespace {

constexpr unsigned longest_play_seconds = 20;
constexpr std::string_view ended_by_signal = "the process was ended by signal ";

struct Told {
  std::array<char, 512> text;
};

void silence() {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDERR_FILENO);
}

/// Why `sequence` fails; empty when it does not.
std::string failure_in_child(const Alphabet& alphabet, const Sequence& sequence) {
  Shared<Told> told;
  const std::string end = wait_for(start_child([&] {
    silence();
    ::alarm(longest_play_seconds);
    const Outcome outcome = replay(alphabet, sequence);
    const std::size_t count = std::min(outcome.failure.size(), told->text.size() - 1);
    std::memcpy(told->text.data(), outcome.failure.data(), count);
    return 0;
  }));
  return end.empty() ? std::string(told->text.data()) : end;
}

}  // namespace

std::string wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFSIGNALED(status)) return std::string(ended_by_signal) + std::to_string(WTERMSIG(status));
  return status == 0 ? std::string() : "the process exited with " + std::to_string(WEXITSTATUS(status));
}

std::string report_in_child(const Alphabet& alphabet, std::uint64_t seed, std::size_t length) {
  Shared<Choices::Mirror> mirror;
  (void)wait_for(start_child([&] {
    silence();
    ::alarm(longest_play_seconds);
    Choices choices = Choices::from_seed(seed);
    choices.keep_copy_in(&*mirror);
    return play(alphabet, choices, length).has_failed() ? 1 : 0;
  }));
  return report_in_child(alphabet, recorded(*mirror));
}

std::string report_in_child(const Alphabet& alphabet, const Sequence& sequence) {
  const std::string original = failure_in_child(alphabet, sequence);
  if (original.empty()) return {};
  // A shorter one must end the process too if the first did: what goes wrong otherwise may be something else.
  const auto fails = [&](const Sequence& candidate) {
    const std::string failure = failure_in_child(alphabet, candidate);
    return !failure.empty() && (failure == original || !original.starts_with(ended_by_signal));
  };
  const Sequence shortest = minimised(sequence, fails);
  return "# " + failure_in_child(alphabet, shortest) + '\n' + to_text(shortest, alphabet.names);
}

}  // namespace weir::buffer_model
