// weir: becoming another user for good.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "weir/base/result.h"

namespace weir::cli {

struct User {
  std::string name;
  uid_t id;
  gid_t group;
};

/// Looks the user up, in the system's databases, by name; none if there is no such user.
std::optional<User> find_user(const std::string& name);

/// Makes the process that user's, with the user's groups and no others, in a way that it cannot take back; nothing, if it is
/// that user's already. It needs to be root's for that. To be called while it has one thread.
/// Errors: the system's, of which some may have changed; it is not to go on then.
Result<void> become(const User& user);

}  // namespace weir::cli
