// weir: which backend a loop gets.
// SPDX-License-Identifier: MIT
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "weir/loop/epoll_backend.h"
#include "weir/loop/poll_backend.h"
#include "weir/sys/environment.h"

namespace weir {
namespace {

constexpr const char* variable = "WEIR_BACKEND";

std::optional<BackendChoice> choice_of(std::string_view word) {
  if (word.empty() || word == "auto") return BackendChoice::automatic;
  if (word == "epoll") return BackendChoice::epoll;
  if (word == "poll") return BackendChoice::poll;
  return {};
}

/// The system has no epoll, or a filter of system calls forbids it. Being out of descriptors is another matter: poll would
/// only hide that.
bool is_missing(std::error_code error) { return error == system_error(ENOSYS) || error == system_error(EPERM); }

}  // namespace

Result<std::unique_ptr<Backend>> make_backend(EventLoop& loop, BackendChoice choice, Pool& pool, int wake_descriptor) {
  if (choice == BackendChoice::automatic) {
    const std::string_view word = sys::environment(variable);
    const std::optional<BackendChoice> named = choice_of(word);
    if (!named) {
      const std::string what = "the environment variable WEIR_BACKEND is '" + std::string(word) + "'";
      loop.say(Diagnostic::Level::error, what + ": it may be auto, epoll or poll", errc::unavailable);
      return errc::unavailable;
    }
    choice = *named;
  }
  if (choice == BackendChoice::poll) return PollBackend::create(loop, pool, wake_descriptor);
  auto epoll = EpollBackend::create(loop, pool, wake_descriptor);
  if (epoll || !is_missing(epoll.error())) return epoll;
  if (choice == BackendChoice::epoll) {
    loop.say(Diagnostic::Level::error, "the backend epoll was asked for, and the system does not offer it",
             epoll.error());
    return errc::unavailable;
  }
  loop.say(Diagnostic::Level::warning, "the system does not offer epoll, so the loop runs on poll", epoll.error());
  return PollBackend::create(loop, pool, wake_descriptor);
}

}  // namespace weir
