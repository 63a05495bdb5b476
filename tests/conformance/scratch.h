// weir: what scripts need of the machine they run on: a place of their own, and whether it has IPv6, and how old it is.
// SPDX-License-Identifier: MIT
#pragma once

#include "tests/conformance/address_book.h"

namespace weir::conformance {

/// A folder of this run's own, and a word that begins no other's abstract names.
class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();

  const Places& places() const { return places_; }
  bool is_empty() const;

 private:
  Places places_;
};

/// What the simulated kernel has in place of a scratch; the names are as long.
Places simulated_places();

/// Whether this machine has an IPv6 loopback.
bool has_ipv6();

/// Whether this is Linux 6.1 or newer. Older ones, and systems that imitate Linux, differ in small things from what the
/// simulated kernel was modelled on.
bool is_the_kernel_to_compare_with();

}  // namespace weir::conformance
