// weir: runs a scenario on many seeds, each with troubles of its own, and reduces what fails.
// SPDX-License-Identifier: MIT
#include "weir/sim/swarm.h"

#include <algorithm>
#include <utility>

#include "weir/sim/host_state.h"

namespace weir::sim {
namespace {

constexpr std::size_t shown_lines = 80;

std::string last_lines(const std::string& text, std::size_t count) {
  std::size_t begin = text.size();
  for (std::size_t lines = 0; begin > 0 && lines <= count; --begin) lines += text[begin - 1] == '\n' ? 1U : 0U;
  return begin > 0 ? text.substr(begin + 1) : text;
}

std::string seconds_text(Duration length) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(length).count()) + " ms";
}

std::string_view text_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::met: return "";
    case Outcome::time_up: return "it is not done although no trouble is left: something hangs";
    case Outcome::idle: return "it is not done, and nothing can ever happen any more";
    case Outcome::busy: return "a loop makes turn after turn without letting time pass";
  }
  return "";
}

/// Two for each loop of the programs that run.
std::size_t descriptors_of_loops(Host& host) { return 2 * (host.state().actors.size() - host.state().first_actor); }

bool is_closed(World& world) {
  for (Host* host : world.hosts()) {
    if (host->open_descriptors() > descriptors_of_loops(*host)) return false;
  }
  return true;
}

/// Something of the programs has outlived them: a descriptor, a stream without one, a block.
bool has_leftovers(World& world) {
  for (Host* host : world.hosts()) {
    const bool has_descriptors = host->open_descriptors() > descriptors_of_loops(*host);
    if (has_descriptors || host->pool().stats().blocks > host->state().actors.size()) return true;
  }
  return false;
}

void check_end(Trial& run, Outcome closed) {
  for (Host* host : run.world().hosts()) {
    const std::size_t left = host->open_descriptors() - std::min(host->open_descriptors(), descriptors_of_loops(*host));
    run.expect(left == 0, "descriptors of " + host->name() + " stay open: " + std::to_string(left));
    const std::size_t blocks = host->pool().stats().blocks;  // each loop keeps the one that it receives into
    run.expect(blocks <= host->state().actors.size(), "blocks of " + host->name() + " stay: " + std::to_string(blocks));
  }
  run.expect(closed == Outcome::met, text_of(closed));
}

void check_turns(Trial& run, std::uint64_t most_per_second) {
  std::uint64_t turns = 0;
  for (const Host* host : run.world().hosts()) turns += host->calls(Call::wait_epoll);
  const double seconds = 1.0 + std::chrono::duration<double>(run.world().elapsed()).count();
  run.expect(static_cast<double>(turns) <= seconds * static_cast<double>(most_per_second),
             "the loops make too many turns: " + std::to_string(turns));
}

}  // namespace

Scenario::~Scenario() = default;

void Trial::violated(std::string_view sentence) {
  if (has_failed()) return;
  violation_ = std::string(sentence) + " (after " + seconds_text(world_.elapsed()) + ")";
  trace_ = last_lines(world_.trace(), shown_lines);
}

void Swarm::play(Trial& run, const Schedule& schedule) {
  play_guarded(run, schedule);
  World& world = run.world();
  run.trace_hash_ = world.trace_hash();
  run.events_ = world.event_count();
  run.elapsed_ = world.elapsed();
  if (run.has_failed() && has_leftovers(world)) world.abandon();  // ending it would end the process before the report
}

void Swarm::play_world(Trial& run, const Schedule& schedule) {
  World& world = run.world();
  run.schedule_ = schedule;
  const bool is_patient = options_.patience > World::for_ever - schedule.end();
  const Duration limit = is_patient ? World::for_ever : schedule.end() + options_.patience;
  std::unique_ptr<Scenario> scenario = make_(run);
  for (const std::string& host : options_.draw.hosts) {
    run.expect(world.find(host) != nullptr, "SwarmOptions::draw names a host that the scenario has not made: " + host);
  }
  schedule.apply(world);
  scenario->start();
  const Outcome outcome = world.run_until([&] { return run.has_failed() || scenario->is_done(); }, limit);
  run.expect(outcome == Outcome::met, text_of(outcome));
  if (!run.has_failed()) scenario->check();
  scenario.reset();
  if (run.has_failed()) return;
  check_end(run, world.run_until([&] { return is_closed(world); }, limit));
  check_turns(run, options_.most_turns_per_second);
}

std::string Swarm::replay(std::uint64_t seed, const Schedule& schedule) {
  Trial run(seed);
  play(run, schedule);
  return run.has_failed() ? run.violation() + "\n" + run.trace() : std::string();
}

Schedule Swarm::schedule_of(std::uint64_t seed) const {
  Random random(seed ^ 0x5C4ED01E);  // apart from the chance of the world, which begins with the seed itself
  return Schedule::draw(random, options_.draw);
}

SwarmReport Swarm::run(std::uint64_t first, std::uint64_t count) {
  SwarmReport report;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    report.failure = failure_of(seed, schedule_of(seed), report);
    if (!report.failure.empty()) return report;
  }
  for (const std::string& probe : options_.probes) {
    if (!report.probes.contains(probe)) report.failure += "no seed reaches the probe \"" + probe + "\"\n";
  }
  return report;
}

std::string Swarm::failure_of(std::uint64_t seed, const Schedule& schedule, SwarmReport& report) {
  std::uint64_t hash = 0;
  bool has_failed = false;
  {  // one world at a time
    Trial run(seed);
    play(run, schedule);
    has_failed = run.has_failed();
    ++report.runs;
    report.events += run.events();
    report.elapsed += run.elapsed();
    for (const auto& [name, hits] : run.probes()) report.probes[name] += hits;
    hash = run.trace_hash();
  }
  if (has_failed) return reduced(seed, schedule);
  if (options_.twice_every == 0 || seed % options_.twice_every != 0) return {};
  Trial again(seed);
  play(again, schedule);
  if (again.trace_hash() == hash) return {};
  return difference(seed, schedule);
}

std::vector<std::string> Swarm::lines_of(std::uint64_t seed, const Schedule& schedule) {
  std::vector<std::string> lines;
  Trial run(seed);
  run.world().on_trace([&lines](std::string_view line) { lines.emplace_back(line); });
  play(run, schedule);
  return lines;
}

/// Where two runs of a seed part, as far as that can be made to happen again.
std::string Swarm::difference(std::uint64_t seed, const Schedule& schedule) {
  const std::vector<std::string> one = lines_of(seed, schedule);
  const std::vector<std::string> other = lines_of(seed, schedule);
  const auto [left, right] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  std::string text =
      options_.code + " on seed " + std::to_string(seed) + " does not always do the same: the traces differ\n";
  if (left == one.end() && right == other.end()) return text;
  const auto before = one.begin() + std::max<std::ptrdiff_t>(0, left - one.begin() - 10);
  for (auto line = before; line != left; ++line) text += "  " + *line + "\n";
  text += "- " + (left != one.end() ? *left : "(the end)") + "\n";
  return text + "+ " + (right != other.end() ? *right : "(the end)") + "\n";
}

std::string Swarm::reduced(std::uint64_t seed, const Schedule& schedule) {
  const Schedule small = minimised(schedule, [&](const Schedule& part) { return !replay(seed, part).empty(); });
  return options_.code + " fails on seed " + std::to_string(seed) + ":\n\n" + "TEST(Regression, seed_" +
         std::to_string(seed) + ") {\n  using namespace weir::sim;\n  using namespace weir::literals;\n  EXPECT_EQ(" +
         options_.code + ".replay(" + std::to_string(seed) + ", " + small.to_code() + "),\n            \"\");\n}\n\n" +
         replay(seed, small);
}

}  // namespace weir::sim
