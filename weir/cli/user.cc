// weir: becoming another user for good.
// SPDX-License-Identifier: MIT
#include "weir/cli/user.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "weir/base/error.h"

namespace weir::cli {
namespace {

Result<void> checked(int result) { return result == 0 ? Result<void>() : Result<void>(system_error(errno)); }

bool is_root(const User& user) { return user.id == 0; }

/// Real, effective and saved ids are all the user's, and root's cannot be had again.
bool is_for_good(const User& user) {
  std::array<uid_t, 3> ids{};
  std::array<gid_t, 3> groups{};
  if (::getresuid(&ids[0], &ids[1], &ids[2]) != 0 || ::getresgid(&groups[0], &groups[1], &groups[2]) != 0) return false;
  for (const uid_t id : ids) {
    if (id != user.id) return false;
  }
  for (const gid_t group : groups) {
    if (group != user.group) return false;
  }
  return is_root(user) || (::setuid(0) != 0 && ::seteuid(0) != 0);
}

}  // namespace

std::optional<User> find_user(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());  // NOLINT(concurrency-mt-unsafe): there is one thread
  if (entry == nullptr) return std::nullopt;
  return User{name, entry->pw_uid, entry->pw_gid};
}

/// In this order: without root's id the groups cannot be changed any more.
Result<void> become(const User& user) {
  if (::getuid() == user.id && ::geteuid() == user.id) return {};
  if (auto set = checked(::initgroups(user.name.c_str(), user.group)); !set) return set;
  if (auto set = checked(::setgid(user.group)); !set) return set;
  if (auto set = checked(::setuid(user.id)); !set) return set;
  return is_for_good(user) ? Result<void>() : Result<void>(system_error(EPERM));
}

}  // namespace weir::cli
