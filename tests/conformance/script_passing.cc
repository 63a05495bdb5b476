// weir: system calls on descriptors that have names: passing descriptors over Unix sockets.
// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include <cerrno>

#include "tests/conformance/script.h"
#include "weir/base/bytes.h"
#include "weir/sys/calls.h"
#include "weir/sys/sim_kernel/sim_kernel.h"

namespace weir::conformance {
namespace {

std::string joined(std::initializer_list<std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ",").append(name);
  return text.empty() ? "nothing" : text;
}

sys::CallResult send_with(int socket, std::string_view text, std::span<const int> passed) {
  const iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};  // only read
  return sys::send_with_descriptors(socket, {&piece, 1}, passed);
}

/// The first number that a program may not have, on whichever kernel: numbers from there on are refused. Gives the old one.
std::size_t exchange_limit(std::size_t limit) {
  if (auto* simulated = static_cast<sys::SimKernel*>(sys::installed_kernel)) {
    return std::exchange(simulated->local().options().descriptor_limit, limit);
  }
  rlimit limits{};
  ::getrlimit(RLIMIT_NOFILE, &limits);
  const std::size_t previous = limits.rlim_cur;
  limits.rlim_cur = limit;
  ::setrlimit(RLIMIT_NOFILE, &limits);
  return previous;
}

}  // namespace

void Script::pass(std::string_view socket, std::string_view text, std::initializer_list<std::string_view> names) {
  std::vector<int> numbers;
  for (const std::string_view name : names) numbers.push_back(number(name));
  note({"pass", socket, quoted(text), "with", joined(names)}, count_text(send_with(number(socket), text, numbers)));
}

void Script::pass_many(std::string_view socket, std::string_view text, std::string_view name, std::size_t count) {
  const std::vector<int> numbers(count, number(name));
  note({"pass", socket, quoted(text), "with", name, std::to_string(count), "times"},
       count_text(send_with(number(socket), text, numbers)));
}

void Script::receive_passed(std::string_view socket, std::initializer_list<std::string_view> names, std::size_t most) {
  bytes_.assign(most, {});
  sys::PassedDescriptors passed;
  const sys::CallResult got = sys::receive_with_descriptors(number(socket), bytes_, passed);
  std::string text = got ? quoted(as_text(Bytes(bytes_).first(got.count()))) : "";
  if (got) text += " with " + std::to_string(passed.count);
  if (got && passed.are_missing) text += ", some missing";
  auto name = names.begin();
  for (const int number : passed.all()) {
    if (name == names.end()) {
      (void)sys::close(number);
    } else {
      keep(*name++, number, false);
    }
  }
  note({"receive passed", socket}, outcome_text(got, text));
}

void Script::allow_descriptors(std::size_t count) {
  lift_limit();
  const int lowest = sys::create_event_counter().number();
  (void)sys::close(lowest);
  int limit = lowest;
  for (std::size_t left = count; left > 0; ++limit) {
    if (sys::status_flags(limit).error_number() == EBADF) --left;
  }
  const bool is_simulated = sys::installed_kernel != nullptr;
  old_limit_ = exchange_limit(static_cast<std::size_t>(is_simulated ? sys::Machine::own_number(limit) : limit));
}

void Script::lift_limit() {
  if (old_limit_) (void)exchange_limit(*old_limit_);
  old_limit_.reset();
}

}  // namespace weir::conformance
