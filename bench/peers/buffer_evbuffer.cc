// weir: the buffer workloads, done with libevent's evbuffer.
// SPDX-License-Identifier: MIT
#include "bench/buffer/append.h"
#include "bench/buffer/connections.h"
#include "bench/buffer/edges.h"
#include "bench/buffer/lines.h"
#include "bench/buffer/message.h"
#include "bench/buffer/search.h"
#include "bench/buffer/share.h"
#include "bench/buffer/split.h"
#include "bench/measure/cases.h"
#include "bench/peers/evbuffer_subject.h"

int main(int argc, char** argv) {
  using Subject = bench::EvbufferSubject;
  const std::string subject = "evbuffer";
  bench::Cases cases;
  bench::add_append_cases<Subject>(cases, subject);
  bench::add_message_cases<Subject>(cases, subject);
  bench::add_bulk_cases<Subject>(cases, subject);
  bench::add_split_cases<Subject>(cases, subject);
  bench::add_line_cases<Subject>(cases, subject);
  bench::add_parse_cases<Subject>(cases, subject);
  bench::add_proxy_cases<Subject>(cases, subject);
  bench::add_write_cases<Subject>(cases, subject);
  bench::add_insert_cases<Subject>(cases, subject);
  bench::add_share_cases<Subject>(cases, subject);
  bench::add_search_cases<Subject>(cases, subject);
  bench::add_gather_cases<Subject>(cases, subject);
  bench::add_contiguous_cases<Subject>(cases, subject);
  bench::add_connection_cases<Subject>(cases, subject);
  bench::add_pinning_cases<Subject>(cases, subject);
  bench::add_prepend_cases<Subject>(cases, subject);
  bench::add_observer_cases<Subject>(cases, subject);
  bench::add_print_cases<Subject>(cases, "printf", subject);
  return cases.run(argc, argv);
}
