// weir: the cases of a benchmark program that measures itself, and how bench/run asks for them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Work that is measured: the same work in each round. What it needs is made by its constructor, and stays warm.
class Workload {
 public:
  Workload() noexcept = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  virtual ~Workload() = default;

  virtual void run(std::size_t rounds) = 0;
  /// What of so many rounds counts, in nanoseconds: all of the thread's processor time, unless a part is only preparation.
  virtual double measure(std::size_t rounds);
};

/// How the runner asks for a figure.
enum class Kind {
  time,     ///< again and again in one process, in turn with the other subjects
  mallocs,  ///< in a process of its own that counts allocations (malloc_count.cc, preloaded)
  once,     ///< in a process of its own: resident memory, bytes copied
};

struct Case {
  std::string id;       ///< of the workload: M1
  std::string name;     ///< append/64
  std::string subject;  ///< weir, evbuffer, memcpy
  std::string unit;     ///< ns/op; smaller is better
  Kind kind;
  std::function<double(double seconds)> measure;
};

/// The cases of one program, and its `main`:
///
///     PROGRAM --list         one JSON object a line: index, id, case, subject, unit, kind
///     PROGRAM [--smoke]      answers each line `INDEX SECONDS` on stdin with a line: the figure
///
/// With --smoke every case does one round, and what would take long is done on a small scale.
class Cases {
 public:
  /// A case of `operations` operations a round.
  template <class W, class... Arguments>
  void add(std::string id, std::string name, std::string subject, std::size_t operations, Arguments... arguments) {
    add_timed(std::move(id), std::move(name), std::move(subject), operations,
              [=]() -> std::unique_ptr<Workload> { return std::make_unique<W>(arguments...); });
  }

  /// The same, and how many allocations an operation makes, as the case `mallocs/…`.
  template <class W, class... Arguments>
  void add_with_mallocs(std::string id, std::string name, std::string subject, std::size_t operations,
                        Arguments... arguments) {
    add<W>(id, name, subject, operations, arguments...);
    add_counted(std::move(id), "mallocs/" + name, std::move(subject), operations,
                [=]() -> std::unique_ptr<Workload> { return std::make_unique<W>(arguments...); });
  }

  /// A figure that the function finds by itself, in about so many seconds.
  void add_figure(std::string id, std::string name, std::string subject, std::string unit, Kind kind,
                  std::function<double(double seconds)> measure);

  int run(int argc, char** argv);

 private:
  using Maker = std::function<std::unique_ptr<Workload>()>;

  void add_timed(std::string id, std::string name, std::string subject, std::size_t operations, Maker make);
  void add_counted(std::string id, std::string name, std::string subject, std::size_t operations, Maker make);
  double measure_time(const void* owner, const Maker& make, std::size_t operations, double seconds);
  void list() const;
  int answer();

  std::vector<Case> cases_;
  std::unique_ptr<Workload> workload_;  ///< of the case asked for last
  const void* owner_ = nullptr;         ///< which case that is
  std::size_t rounds_ = 1;              ///< as many as take the time that was asked for
};

/// True when only a small part of a long work should be done. Set before any case runs.
bool is_smoke() noexcept;

/// `count`, or far less in a smoke run.
inline std::size_t scaled(std::size_t count) noexcept {
  return is_smoke() ? (count < 200 ? count : count / 100) : count;
}

/// Processor time of the calling thread; what else runs on the machine does not count.
double cpu_nanoseconds() noexcept;
double wall_nanoseconds() noexcept;

/// Resident size of the process, counted page by page.
std::size_t resident_bytes();

}  // namespace bench
