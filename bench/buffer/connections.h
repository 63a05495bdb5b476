// weir: M18, M19 and M21: many connections at work, many that are idle, and little that is kept of much.
// SPDX-License-Identifier: MIT
#pragma once

#include <malloc.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <list>
#include <string>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/measure/data.h"

namespace bench {

/// Two buffers, as every connection has.
template <class Subject>
struct Connection {
  typename Subject::Buffer input;
  typename Subject::Buffer output;
};

/// M18: ten thousand connections in turn: a request of 200 bytes comes in and is looked at, an answer of 1 KiB goes out.
template <class Subject>
class Requests final : public Workload {
 public:
  static constexpr std::size_t count = 10000;

  Requests() : request_(letters(200)), answer_(letters(kib)), connections_(count) {}

  void run(std::size_t rounds) override {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (auto& connection : connections_) serve(connection);
    }
  }

 private:
  void serve(Connection<Subject>& connection) {
    Subject::append(connection.input, request_);
    keep(Subject::look(connection.input, request_.size()));
    Subject::drop(connection.input, request_.size());
    Subject::append(connection.output, answer_);
    std::array<iovec, 8> entries;
    keep(Subject::gather(connection.output, entries.data(), entries.size()));
    Subject::drop(connection.output, answer_.size());
  }

  Text request_;
  Text answer_;
  std::vector<Connection<Subject>> connections_;
};

/// Growth of the resident size while `make` works, for each of `count`. What was freed before does not hide a part of it.
template <class Make>
double resident_growth(std::size_t count, Make make) {
  malloc_trim(0);
  const std::size_t before = resident_bytes();
  const auto held = make();
  const std::size_t after = resident_bytes();
  keep(held);
  return static_cast<double>(after - before) / static_cast<double>(count);
}

template <class Subject>
double idle_bytes(std::size_t count) {
  return resident_growth(count, [&] { return std::vector<Connection<Subject>>(count); });
}

/// 200 bytes came in, and one of them has not been read.
template <class Subject>
double half_read_bytes(std::size_t count) {
  const Text request(letters(200));
  return resident_growth(count, [&] {
    std::vector<Connection<Subject>> connections(count);
    for (auto& connection : connections) {
      Subject::append(connection.input, request);
      Subject::drop(connection.input, request.size() - 1);
    }
    return connections;
  });
}

/// What is left when all have served a request.
template <class Subject>
double served_bytes() {
  return resident_growth(Requests<Subject>::count, [] {
    auto requests = std::make_unique<Requests<Subject>>();
    requests->run(2);
    return requests;
  });
}

/// M21: of every 64 KiB that arrive, the first `size` bytes are kept, as they are or compacted.
template <class Subject, bool Compacts>
double pinned_bytes(std::size_t size) {
  const std::size_t count = scaled(10000);
  return resident_growth(count, [&] {
    std::list<typename Subject::Buffer> kept;
    typename Subject::Buffer input;
    for (std::size_t i = 0; i < count; ++i) {
      Subject::receive_written(input, 64 * kib);
      Subject::keep_front(kept.emplace_back(), input, size);
      if constexpr (Compacts) Subject::compact(kept.back());
      Subject::drop(input, Subject::size(input));
    }
    return kept;
  });
}

template <class Subject>
void add_connection_cases(Cases& cases, const std::string& subject) {
  cases.add_with_mallocs<Requests<Subject>>("M18", "requests/10000", subject, Requests<Subject>::count);
  cases.add_figure("M18", "resident/10000", subject, "bytes/conn", Kind::once,
                   [](double) { return served_bytes<Subject>(); });
  for (const std::size_t count : {100000UL, 1000000UL}) {
    cases.add_figure("M19", "empty/" + std::to_string(count), subject, "bytes/conn", Kind::once,
                     [=](double) { return idle_bytes<Subject>(scaled(count)); });
  }
  cases.add_figure("M19", "one-byte-left/100000", subject, "bytes/conn", Kind::once,
                   [](double) { return half_read_bytes<Subject>(scaled(100000)); });
}

template <class Subject>
void add_pinning_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {32, 512}) {
    const std::string name = "kept/" + std::to_string(size) + "-of-65536";
    cases.add_figure("M21", name, subject, "bytes/kept", Kind::once,
                     [=](double) { return pinned_bytes<Subject, false>(size); });
    if constexpr (requires(typename Subject::Buffer & buffer) { Subject::compact(buffer); }) {
      cases.add_figure("M21", name, subject + "-compact", "bytes/kept", Kind::once,
                       [=](double) { return pinned_bytes<Subject, true>(size); });
    }
  }
}

}  // namespace bench
