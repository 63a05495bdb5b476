// weir: M7, M11 and M15 with bare arrays of slices: is a slice of 16 bytes worth its table of handles?
// SPDX-License-Identifier: MIT
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/limit/limit_cases.h"
#include "bench/measure/data.h"

namespace bench {
namespace {

/// What a slice counts in; a cache line each, as in weir.
struct alignas(64) Header {
  std::size_t count = 0;
  std::uint32_t handle = 0;
};

/// The slice points at its header.
struct Slice24 {
  const char* data;
  std::size_t size;
  Header* owner;

  static Slice24 of(const char* data, std::size_t size, Header& header) { return {data, size, &header}; }
  Header& header() const noexcept { return *owner; }
};

/// A header is found through a table. Slices above 4 GiB would have to be cut.
struct Slice16 {
  const char* data;
  std::uint32_t size;
  std::uint32_t handle;

  static Slice16 of(const char* data, std::size_t size, Header& header) {
    return {data, static_cast<std::uint32_t>(size), header.handle};
  }
  Header& header() const noexcept { return *table[handle]; }

  static inline std::vector<Header*> table;
};
static_assert(sizeof(Slice24) == 24 && sizeof(Slice16) == 16);

/// So many headers, known to the table.
std::unique_ptr<Header[]> make_headers(std::size_t count) {
  auto headers = std::make_unique<Header[]>(count);
  for (std::size_t i = 0; i < count; ++i) {
    headers[i].handle = static_cast<std::uint32_t>(Slice16::table.size());
    Slice16::table.push_back(&headers[i]);
  }
  return headers;
}

/// A buffer in which three slices have room, and what else one needs.
template <class Slice>
struct Output {
  std::array<Slice, 3> slices;
  std::size_t count = 0;
  std::size_t size = 0;
  std::array<void*, 6> rest{};

  void push(const Slice& slice) noexcept {
    slices[count++] = slice;
    size += slice.size;
  }
};

/// M7: segments go from one array to another and are let go. An operation is a segment.
template <class Slice>
class HandOver final : public Workload {
 public:
  static constexpr std::size_t segments = 1000;

  HandOver() : text_(letters(64)), headers_(make_headers(segments)), input_(segments), output_(segments) {
    for (std::size_t i = 0; i < segments; ++i) input_[i] = Slice::of(text_.data(), 64, headers_[i]);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < segments; ++i) {
        output_[i] = input_[i];
        ++output_[i].header().count;
      }
      clobber();
      std::size_t dead = 0;
      for (const Slice& slice : output_) dead += --slice.header().count == 0;
      keep(dead);
    }
  }

 private:
  Text text_;
  std::unique_ptr<Header[]> headers_;
  std::vector<Slice> input_;
  std::vector<Slice> output_;
};

/// M11: one slice goes to a thousand outputs, which let it go. An operation is an output.
template <class Slice>
class Share final : public Workload {
 public:
  static constexpr std::size_t outputs = 1000;

  Share()
      : text_(letters(64)),
        headers_(make_headers(1)),
        payload_(Slice::of(text_.data(), 64, headers_[0])),
        outputs_(outputs) {
    payload_.header().count = 1;
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (auto& output : outputs_) {
        ++payload_.header().count;
        output.push(payload_);
        clobber();
      }
      std::size_t dead = 0;
      for (auto& output : outputs_) {
        output.size -= output.slices[0].size;
        dead += --output.slices[--output.count].header().count == 0;
        clobber();
      }
      keep(dead);
    }
  }

 private:
  Text text_;
  std::unique_ptr<Header[]> headers_;
  Slice payload_;
  std::vector<Output<Slice>> outputs_;
};

/// M15: slices become entries for a system call. An operation is a segment.
template <class Slice>
class Describe final : public Workload {
 public:
  static constexpr std::size_t segments = 1000;

  Describe() : text_(letters(64)), headers_(make_headers(segments)), slices_(segments), entries_(segments) {
    for (std::size_t i = 0; i < segments; ++i) slices_[i] = Slice::of(text_.data() + i % 64, 64, headers_[i]);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < segments; ++i) entries_[i] = {const_cast<char*>(slices_[i].data), slices_[i].size};
      clobber();
    }
  }

 private:
  Text text_;
  std::unique_ptr<Header[]> headers_;
  std::vector<Slice> slices_;
  std::vector<iovec> entries_;
};

template <class Slice>
void add_layout(Cases& cases, const std::string& subject) {
  cases.add<HandOver<Slice>>("M7", "layout/hand-over", subject, HandOver<Slice>::segments);
  cases.add<Share<Slice>>("M11", "layout/share", subject, Share<Slice>::outputs);
  cases.add<Describe<Slice>>("M15", "layout/gather", subject, Describe<Slice>::segments);
}

}  // namespace

void add_layout_cases(Cases& cases) {
  add_layout<Slice24>(cases, "slice-24");
  add_layout<Slice16>(cases, "slice-16");
}

}  // namespace bench
