// weir: L9: a small head and a file of 1 MiB to a socket.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/measure/cases.h"
#include "bench/stream/links.h"

namespace bench {

inline constexpr std::size_t head_size = 200;

/// A file without a name that holds so many bytes, in memory.
inline int file_of(std::size_t size) {
  const int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  const std::vector<char> bytes(size, 'f');
  if (file < 0 || write(file, bytes.data(), size) != static_cast<ssize_t>(size)) give_up("a file in /tmp");
  return file;
}

/// A Subject is made of a socket, which it closes, a file and its size; `reply()` begins to send head and file, `turn()` goes on.
template <class Subject>
class FileReply final : public Workload {
 public:
  explicit FileReply(std::size_t size) : size_(size), file_(file_of(size)), subject_(link_.give(), file_, size) {}
  ~FileReply() override { close(file_); }

  void run(std::size_t rounds) override { (void)measure(rounds); }

  double measure(std::size_t rounds) override {
    double spent = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
      double before = cpu_nanoseconds();
      subject_.reply();
      subject_.turn();
      spent += cpu_nanoseconds() - before;
      for (std::size_t received = link_.drain(); received < head_size + size_; received += link_.drain()) {
        before = cpu_nanoseconds();
        subject_.turn();
        spent += cpu_nanoseconds() - before;
      }
    }
    return spent;
  }

 private:
  const std::size_t size_;
  const int file_;
  Link link_;
  Subject subject_;
};

template <class Subject>
void add_file_cases(Cases& cases, const std::string& subject) {
  for (const std::size_t size : {std::size_t{4096}, std::size_t{1} << 20})
    cases.add<FileReply<Subject>>("L9", "file/" + std::to_string(size), subject, 1, size);
}

}  // namespace bench
