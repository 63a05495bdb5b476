// weir: one simulated machine: its descriptors, addresses, ports and files.
// SPDX-License-Identifier: MIT
#include "weir/sys/sim_kernel/machine.h"

#include <algorithm>
#include <utility>

namespace weir::sys {
namespace {

/// 10.0.0.1, 10.0.0.2, …, and fd00::1, fd00::2, …
InternetAddress v4_of(int number) { return InternetAddress::v4((10U << 24) + static_cast<std::uint32_t>(number)); }
InternetAddress v6_of(int number) {
  in6_addr address{};
  address.s6_addr[0] = 0xFD;
  address.s6_addr[14] = static_cast<std::uint8_t>(number >> 8);
  address.s6_addr[15] = static_cast<std::uint8_t>(number);
  return InternetAddress::v6(address);
}

}  // namespace

Machine::Machine(Network& network, int number, std::string name, const MachineOptions& options)
    : tcp_ports(network.timeline(), network.random(), options_.ephemeral_ports),
      udp_ports(network.timeline(), network.random(), options_.ephemeral_ports),
      network_(network),
      number_(number),
      name_(std::move(name)),
      options_(options),
      v4_(v4_of(number)),
      v6_(v6_of(number)),
      files_(3) {
  network.add(*this, v4_);
  network.add(*this, v6_);
}

Machine::~Machine() { crash(); }

CallResult Machine::install(std::shared_ptr<File> file) {
  while (first_free_ < files_.size() && files_[first_free_] != nullptr) ++first_free_;
  if (first_free_ >= options_.descriptor_limit) return CallResult::failure(EMFILE);
  if (first_free_ == files_.size()) files_.emplace_back();
  files_[first_free_] = std::move(file);
  ++open_;
  return CallResult::success(first_number() + static_cast<std::int64_t>(first_free_++));
}

bool Machine::has_room() noexcept {
  while (first_free_ < files_.size() && files_[first_free_] != nullptr) ++first_free_;
  return first_free_ < options_.descriptor_limit;
}

File* Machine::find(int descriptor) const noexcept {
  const auto place = static_cast<std::size_t>(own_number(descriptor));
  return descriptor >= first_number() && descriptor - first_number() < numbers_per_start && place < files_.size()
             ? files_[place].get()
             : nullptr;
}

std::shared_ptr<File> Machine::share(int descriptor) const noexcept {
  return find(descriptor) != nullptr ? files_[static_cast<std::size_t>(own_number(descriptor))] : nullptr;
}

bool Machine::close(int descriptor) {
  if (find(descriptor) == nullptr) return false;
  const auto place = static_cast<std::size_t>(own_number(descriptor));
  std::shared_ptr<File> file = std::move(files_[place]);  // out of the table before anything is woken
  first_free_ = std::min(first_free_, place);
  --open_;
  file.reset();
  in_flight.collect(files_);
  return true;
}

void Machine::set_file(const std::string& path, std::string contents) {
  FileNode& node = files[path];
  if (node.contents == nullptr) node = {std::make_shared<std::string>(), nullptr, next_inode++};
  *node.contents = std::move(contents);
}

void Machine::crash() {
  is_on_ = false;
  ++crashes_;
  files_.resize(3);
  first_free_ = 3;
  open_ = 0;
  tcp_ports.clear();
  udp_ports.clear();
  abstract_names.clear();
  in_flight.clear();
}

}  // namespace weir::sys
