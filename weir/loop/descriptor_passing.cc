// weir: one system call's part of the descriptors that travel with a slot's bytes; internal.
// SPDX-License-Identifier: MIT
#include "weir/loop/descriptor_passing.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "weir/sys/calls.h"

namespace weir {
namespace {

OfferLimits within(const OfferLimits& most, std::size_t count) {
  return {.memory = std::min(most.memory, count), .file = std::min(most.file, count)};
}

}  // namespace

sys::CallResult receive_with_descriptors(ByteSlot& slot, MutableBytes room) {
  slot.reserve_arrivals();
  sys::PassedDescriptors passed;
  const sys::CallResult got = sys::receive_with_descriptors(slot.descriptor(), room, passed);
  if (passed.count != 0) slot.descriptors_arrived(passed.all());
  return passed.are_missing ? sys::CallResult::failure(EMFILE) : got;
}

Offer offer_with_descriptors(Sink sink, ByteSlot& slot, OfferLimits most, PoolReserve& reserve) {
  const ByteSlot::Departure next = slot.next_departure();
  if (next.bytes_before != 0) return offer_front(sink, slot.output_buffer(), within(most, next.bytes_before), reserve);
  std::array<int, sys::PassedDescriptors::most> numbers;  // filled as far as it is used
  std::transform(next.descriptors.begin(), next.descriptors.end(), numbers.begin(),
                 [](const sys::Descriptor& descriptor) { return descriptor.number(); });
  sink.passed = std::span(numbers).first(next.descriptors.size());
  Offer offer = offer_front(sink, slot.output_buffer(), within(most, next.bytes_to_next), reserve);
  // Too many are under way, of this user's processes together; nobody tells when there are fewer. unix(7)
  if (offer.taken.error_number() == ETOOMANYREFS) offer.must_retry = true;
  if (offer.taken && offer.taken.count() != 0) slot.descriptors_departed();
  return offer;
}

}  // namespace weir
