// weir: the same operations on buffers and on libevent's evbuffers.
// SPDX-License-Identifier: MIT
#include "tests/evbuffer/evbuffer_rig.h"

#include <sys/mman.h>
#include <unistd.h>

namespace weir::evbuffer_test {
namespace {

constexpr std::size_t most_content = 60'000;

/// A file in memory that holds the fixed text; the same for all rigs.
int text_file() {
  static const int file = [] {
    const int descriptor = ::memfd_create("weir_evbuffer_test", MFD_CLOEXEC);
    const std::string_view text = buffer_model::file_text();
    std::size_t written = 0;
    while (descriptor >= 0 && written < text.size()) {
      const ssize_t count = ::write(descriptor, text.data() + written, text.size() - written);
      if (count <= 0) break;
      written += static_cast<std::size_t>(count);
    }
    return descriptor;
  }();
  return file;
}

class Table {
 public:
  Table() {
    add({"begin", 0, nullptr});
    for (const Operation& operation : changing_operations()) add(operation);
    for (const Operation& operation : looking_operations()) add(operation);
  }

  std::span<const std::string_view> names() const { return names_; }
  const Operation& operator[](std::size_t number) const { return operations_[number]; }
  std::size_t chosen(Choices& choices) const { return by_weight_[choices.operation_below(by_weight_.size())]; }

 private:
  void add(const Operation& operation) {
    by_weight_.insert(by_weight_.end(), operation.weight, operations_.size());
    operations_.push_back(operation);
    names_.push_back(operation.name);
  }

  std::vector<Operation> operations_;
  std::vector<std::string_view> names_;
  std::vector<std::size_t> by_weight_;
};

const Table& table() {
  static const Table table;
  return table;
}

}  // namespace

const buffer_model::Alphabet& evbuffer_alphabet() {
  static const buffer_model::Alphabet alphabet{table().names(), [] { return std::make_unique<EvbufferRig>(); }};
  return alphabet;
}

EvbufferRig::EvbufferRig() : file_(text_file()) {
  for (int i = 0; i < 3; ++i) twins_.push_back(std::make_unique<Twin>());
}

std::size_t EvbufferRig::pick(Choices& choices) { return table().chosen(choices); }

void EvbufferRig::run(std::size_t operation, Choices& choices) {
  choices_ = &choices;
  if (operation == 0) {
    for (const std::unique_ptr<Twin>& twin : twins_) {
      const std::size_t how = below(5);
      if (how < 2) continue;
      if (how < 4) {
        twin->follow();
        continue;
      }
      if (loop_ == nullptr) loop_.reset(event_base_new());
      twin->follow_deferred(loop_.get());
    }
    return;
  }
  for (const std::unique_ptr<Twin>& twin : twins_) {
    if (twin->text.size() < most_content || twin->buffer.is_front_frozen()) continue;
    const std::size_t count = twin->text.size() - 500;
    twin->buffer.drop(count);
    evbuffer_drain(twin->other, count);
    twin->text.erase(0, count);
  }
  table()[operation].run(*this);
  for (const std::unique_ptr<Twin>& twin : twins_) {
    if (twin->text.empty()) twin->refers_to = 0;
    check(twin->buffer.size() == twin->text.size(), "the buffer has another size");
    check(evbuffer_get_length(twin->other) == twin->text.size(), "the evbuffer has another size");
  }
  constexpr std::size_t steps_between_checks = 16;
  if (++steps_ % steps_between_checks != 0) return;
  tell();
  for (const std::unique_ptr<Twin>& twin : twins_) {
    if (std::string difference = twin->difference(); !difference.empty()) fail(std::move(difference));
  }
}

void EvbufferRig::tell() {
  for (const std::unique_ptr<Twin>& twin : twins_) twin->tell();
}

void EvbufferRig::finish() {
  tell();
  for (const std::unique_ptr<Twin>& twin : twins_) {
    if (std::string difference = twin->difference(); !difference.empty()) fail(std::move(difference));
  }
  twins_.clear();
  for (const std::unique_ptr<Lent>& lent : lent_)
    check(lent->released == 1 && lent->other_released == 1, "lent memory did not come back once");
}

bool EvbufferRig::is_refused(bool is_frozen, int answer) {
  if (is_frozen) check(answer == -1, "the evbuffer does at a frozen end what a buffer would not");
  return is_frozen;
}

unsigned EvbufferRig::bit_of(const Twin& twin) const {
  for (std::size_t i = 0; i < twins_.size(); ++i) {
    if (twins_[i].get() == &twin) return 1U << i;
  }
  return 0;
}

bool EvbufferRig::would_hold_itself(const Twin& to, const Twin& from) const {
  unsigned reached = from.refers_to;
  for (std::size_t round = 0; round < twins_.size(); ++round) {
    for (std::size_t i = 0; i < twins_.size(); ++i) {
      if ((reached >> i & 1) != 0) reached |= twins_[i]->refers_to;
    }
  }
  return (reached & bit_of(to)) != 0;
}

bool EvbufferRig::shares_memory(const Twin& twin) const {
  unsigned shared = twin.refers_to;
  for (const std::unique_ptr<Twin>& other : twins_) shared |= other->refers_to & bit_of(twin);
  return shared != 0;
}

EvbufferRig::Lent& EvbufferRig::lend(std::string_view text) {
  lent_.push_back(std::make_unique<Lent>());
  lent_.back()->memory.assign(as_bytes(text).begin(), as_bytes(text).end());
  return *lent_.back();
}

}  // namespace weir::evbuffer_test
