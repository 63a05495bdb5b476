// weir: the cases of a benchmark program that measures itself, and how bench/run asks for them.
// SPDX-License-Identifier: MIT
#include "bench/measure/cases.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>

namespace bench {
namespace {

bool smoke = false;

double nanoseconds(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

const char* name_of(Kind kind) { return kind == Kind::time ? "time" : kind == Kind::mallocs ? "mallocs" : "once"; }

/// What the preloaded library has counted.
std::uint64_t malloc_count() {
  using Count = std::uint64_t (*)();
  static const auto count = reinterpret_cast<Count>(dlsym(RTLD_DEFAULT, "bench_malloc_count"));
  if (count == nullptr) {
    std::fprintf(stderr, "allocations are only counted with malloc_count.so preloaded\n");
    std::exit(1);
  }
  return count();
}

}  // namespace

bool is_smoke() noexcept { return smoke; }
double cpu_nanoseconds() noexcept { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
double wall_nanoseconds() noexcept { return nanoseconds(CLOCK_MONOTONIC); }

double Workload::measure(std::size_t rounds) {
  const double start = cpu_nanoseconds();
  run(rounds);
  return cpu_nanoseconds() - start;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    std::size_t kilobytes = 0;
    if (word == "Rss:" && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

void Cases::add_figure(std::string id, std::string name, std::string subject, std::string unit, Kind kind,
                       std::function<double(double seconds)> measure) {
  cases_.push_back({std::move(id), std::move(name), std::move(subject), std::move(unit), kind, std::move(measure)});
}

void Cases::add_timed(std::string id, std::string name, std::string subject, std::size_t operations, Maker make) {
  auto* owner = new char;  // an address of its own; programs live as long as their cases
  add_figure(std::move(id), std::move(name), std::move(subject), "ns/op", Kind::time,
             [this, owner, make = std::move(make), operations](double seconds) {
               return measure_time(owner, make, operations, seconds);
             });
}

void Cases::add_counted(std::string id, std::string name, std::string subject, std::size_t operations, Maker make) {
  add_figure(std::move(id), std::move(name), std::move(subject), "mallocs/op", Kind::mallocs,
             [make = std::move(make), operations](double) {
               const std::unique_ptr<Workload> workload = make();
               workload->run(3);  // caches and tables are filled
               constexpr std::size_t rounds = 16;
               const std::uint64_t before = malloc_count();
               workload->run(rounds);
               return static_cast<double>(malloc_count() - before) / static_cast<double>(rounds * operations);
             });
}

/// The first time for a case it makes the workload and finds out how many rounds take so long.
double Cases::measure_time(const void* owner, const Maker& make, std::size_t operations, double seconds) {
  const double wanted = seconds * 1e9;
  if (owner_ != owner) {
    workload_.reset();
    workload_ = make();
    owner_ = owner;
    rounds_ = 1;
    double taken = workload_->measure(1);
    while (taken < wanted / 4) {
      rounds_ *= 2;
      taken = workload_->measure(rounds_);
    }
    if (wanted > 0) rounds_ = static_cast<std::size_t>(static_cast<double>(rounds_) * wanted / taken) + 1;
  }
  return workload_->measure(rounds_) / static_cast<double>(rounds_ * operations);
}

void Cases::list() const {
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    const Case& entry = cases_[i];
    std::printf(R"({"index": %zu, "id": "%s", "case": "%s", "subject": "%s", "unit": "%s", "kind": "%s"})"
                "\n",
                i, entry.id.c_str(), entry.name.c_str(), entry.subject.c_str(), entry.unit.c_str(),
                name_of(entry.kind));
  }
}

int Cases::answer() {
  char line[64];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    char* rest = nullptr;
    const std::size_t index = std::strtoul(line, &rest, 10);
    const double seconds = std::strtod(rest, nullptr);
    if (rest == line || index >= cases_.size()) {
      std::fprintf(stderr, "there is no case %s", line);
      return 2;
    }
    std::printf("%.9g\n", cases_[index].measure(smoke ? 0 : seconds));
    std::fflush(stdout);
  }
  return 0;
}

int Cases::run(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    list();
    return 0;
  }
  smoke = argc == 2 && std::strcmp(argv[1], "--smoke") == 0;
  if (argc == 1 || smoke) return answer();
  std::fprintf(stderr, "usage: %s [--list | --smoke]\n", argv[0]);
  return 2;
}

}  // namespace bench
