// weir: what scripts need of the machine they run on: a place of their own, and whether it has IPv6.
// SPDX-License-Identifier: MIT
#include "tests/conformance/scratch.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "weir/sys/calls.h"
#include "weir/sys/descriptor.h"

namespace weir::conformance {

Scratch::Scratch() {
  std::string folder = "/tmp/weir-conformance-XXXXXX";
  EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  places_ = {folder + '/', folder.substr(folder.find_last_of('/') + 1) + ':', true};
}

Scratch::~Scratch() { std::filesystem::remove_all(places_.folder); }

bool Scratch::is_empty() const { return std::filesystem::is_empty(places_.folder); }

Places simulated_places() { return {"/tmp/weir-conformance-simkrn/", "weir-conformance-simkrn:", false}; }

bool has_ipv6() {
  static const bool result = [] {
    const sys::Descriptor socket(sys::open_socket(AF_INET6, SOCK_DGRAM).number());
    sys::SocketName name;
    name.v6 = {
        .sin6_family = AF_INET6, .sin6_port = 0, .sin6_flowinfo = 0, .sin6_addr = in6addr_loopback, .sin6_scope_id = 0};
    name.length = sizeof name.v6;
    return static_cast<bool>(sys::bind(socket.number(), name));
  }();
  return result;
}

bool is_the_kernel_to_compare_with() {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2)
    return false;  // NOLINT(cert-err34-c)
  return major > 6 || (major == 6 && minor >= 1);
}

}  // namespace weir::conformance
