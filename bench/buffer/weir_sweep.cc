// weir: M12: from which size on sharing is cheaper than copying; the thresholds in weir/buffer come from here.
// SPDX-License-Identifier: MIT
#include <sys/uio.h>

#include <array>
#include <string>

#include "bench/buffer/weir_cases.h"
#include "bench/measure/cases.h"
#include "bench/measure/data.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/pool.h"

namespace bench {
namespace {

// Every operation has both ways, whatever the buffer itself would choose:
// - to copy is `append(Bytes)`, and then the slice or foreign memory is let go;
// - to share is `append(Slice)` to a buffer without room of its own, which never copies.
enum class Way { copy, share };

weir::Slice filled_block(std::size_t size) {
  const Text text(letters(size));
  return weir::Slice::copy_of(weir::as_bytes(text), weir::Pool::default_pool());
}

/// Slices of blocks that something else holds too are handed over, described for writev, and dropped.
class MovedSlices final : public Workload {
 public:
  static constexpr std::size_t slices = 16;

  MovedSlices(Way way, std::size_t size) : way_(way), size_(size) {
    for (weir::Slice& block : blocks_) block = filled_block(size + 1);
  }

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      if (way_ == Way::copy) output_.append("!");  // it has a block with room, as after any small append
      for (const weir::Slice& block : blocks_) {
        weir::Slice moved = block.subslice(0, size_);
        if (way_ == Way::copy) {
          output_.append(moved.bytes());
        } else {
          output_.append(std::move(moved));
        }
        clobber();
      }
      std::array<iovec, slices + 1> entries;
      keep(output_.gather(entries));
      output_.drop(output_.size());
    }
  }

 private:
  Way way_;
  std::size_t size_;
  std::array<weir::Slice, slices> blocks_;
  weir::Buffer output_;
};

/// Pieces are cut off a block of `capacity` bytes, and dropped.
class Border final : public Workload {
 public:
  Border(Way way, std::size_t size, std::size_t capacity) : way_(way), size_(size), block_(filled_block(capacity)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      if (input_.size() < size_) {
        input_.clear();
        input_.append(block_);
      }
      weir::Buffer part;
      if (way_ == Way::copy) {
        part.append(input_.front().first(size_));
      } else {
        part = input_.share(0, size_);
      }
      keep(part);
      input_.drop(size_);
    }
  }

 private:
  Way way_;
  std::size_t size_;
  weir::Slice block_;
  weir::Buffer input_;
};

/// The same as `take` does it.
class Take final : public Workload {
 public:
  Take(std::size_t size, std::size_t capacity) : size_(size), block_(filled_block(capacity)) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      if (input_.size() < size_) {
        input_.clear();
        input_.append(block_);
      }
      keep(input_.take(size_));
    }
  }

 private:
  std::size_t size_;
  weir::Slice block_;
  weir::Buffer input_;
};

/// Memory of the program's that is told when it is free again.
class Foreign final : public Workload {
 public:
  static constexpr std::size_t pieces = 16;

  Foreign(Way way, std::size_t size) : way_(way), source_(letters(size)) {}

  void run(std::size_t rounds) override {
    const weir::Bytes bytes = weir::as_bytes(source_);
    for (std::size_t round = 0; round < rounds; ++round) {
      if (way_ == Way::copy) output_.append("!");
      for (std::size_t i = 0; i < pieces; ++i) {
        weir::Callback<void()> release = [bytes]() noexcept { keep(bytes); };
        if (way_ == Way::copy) {
          output_.append(bytes);
          weir::Callback<void()> taken = std::move(release);
          taken();
        } else {
          output_.append(weir::Slice::foreign(bytes, std::move(release)));
        }
        clobber();
      }
      std::array<iovec, pieces + 1> entries;
      keep(output_.gather(entries));
      output_.drop(output_.size());
    }
  }

 private:
  Way way_;
  Text source_;
  weir::Buffer output_;
};

}  // namespace

void add_weir_sweep_cases(Cases& cases) {
  for (std::size_t size = 16; size <= 64 * kib; size *= 2) {
    for (const Way way : {Way::copy, Way::share}) {
      const std::string subject = way == Way::copy ? "weir-copy" : "weir-share";
      cases.add<MovedSlices>("M12", "moved/" + std::to_string(size), subject, MovedSlices::slices, way, size);
      cases.add<Foreign>("M12", "foreign/" + std::to_string(size), subject, Foreign::pieces, way, size);
      for (const std::size_t capacity : {2 * kib, 64 * kib}) {
        if (size >= capacity) continue;
        const std::string name = "border/" + std::to_string(size) + "/of=" + std::to_string(capacity);
        cases.add<Border>("M12", name, subject, 1, way, size, capacity);
        if (way == Way::copy) cases.add<Take>("M12", name, "weir", 1, size, capacity);
      }
    }
  }
}

}  // namespace bench
