// weir: tests of the short form of a peer's address.
// SPDX-License-Identifier: MIT
#include "weir/cli/peer_name.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

TEST(PeerName, says_what_the_address_says) {
  for (const char* text :
       {"127.0.0.1:80", "255.254.253.252:65535", "[::1]:7777", "[2001:db8::12:3]:1", "[fe80::1%2]:9"}) {
    const Result<Address> address = Address::parse(text);
    ASSERT_TRUE(address) << text;

    EXPECT_EQ(PeerName(*address).to_string(), text);
  }
}

TEST(PeerName, of_a_unix_peer_is_not_kept) {
  EXPECT_EQ(PeerName(*Address::parse("unix:/run/a.sock")).to_string(), "a local process");
}

TEST(PeerName, that_could_not_be_asked_for_is_unknown) {
  EXPECT_EQ(PeerName(Address()).to_string(), "an unknown peer");
}

}  // namespace
}  // namespace weir::cli
