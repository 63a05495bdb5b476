// weir: a schedule of troubles for a simulated network: its text as C++.
// SPDX-License-Identifier: MIT
#include <bit>
#include <string>

#include "weir/sim/schedule.h"

namespace weir::sim {
namespace {

std::string code_of(Duration length) {
  if (length == World::for_ever) return "World::for_ever";
  const std::int64_t count = length.count();
  if (count % 1'000'000'000 == 0) return std::to_string(count / 1'000'000'000) + "s";
  if (count % 1'000'000 == 0) return std::to_string(count / 1'000'000) + "ms";
  if (count % 1'000 == 0) return std::to_string(count / 1'000) + "us";
  return std::to_string(count) + "ns";
}

std::string code_of(std::uint64_t number) {
  return number == FaultPlan::forever ? "FaultPlan::forever" : std::to_string(number);
}

std::string code_of_size(std::size_t size) { return size == unlimited ? "unlimited" : std::to_string(size); }

/// "0.125" where thousandths say it exactly, else with every bit: "0x1999999999999ap-56". Not negative, and finite.
std::string code_of(double number) {
  const auto thousandths = static_cast<std::uint64_t>(number * 1000.0 + 0.5);
  if (number < 1e9 && static_cast<double>(thousandths) / 1000.0 == number) {
    const std::string fraction = std::to_string(1000 + thousandths % 1000);
    return std::to_string(thousandths / 1000) + "." + fraction.substr(1);
  }
  const auto bits = std::bit_cast<std::uint64_t>(number);
  const auto exponent = static_cast<int>(bits >> 52 & 0x7FF);
  std::uint64_t mantissa = bits & 0xFFFFFFFFFFFFFU;
  if (exponent != 0) mantissa |= std::uint64_t{1} << 52;
  std::string digits;
  for (int shift = 52; shift >= 0; shift -= 4) digits += "0123456789abcdef"[mantissa >> shift & 0xF];
  return "0x" + digits + "p" + std::to_string((exponent != 0 ? exponent : 1) - 1075);
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

/// Fields in braces, those with their default left out.
class Fields {
 public:
  void add(const char* name, const std::string& code) {
    text_ += (text_.empty() ? "." : ", .") + std::string(name) + " = " + code;
  }
  std::string in_braces() const { return "{" + text_ + "}"; }
  bool is_empty() const { return text_.empty(); }

 private:
  std::string text_;
};

std::string name_of_kind(Mishap::Kind kind) {
  switch (kind) {
    case Mishap::Kind::partition: return "partition";
    case Mishap::Kind::one_way_partition: return "one_way_partition";
    case Mishap::Kind::reset: return "reset";
    case Mishap::Kind::bad_link: return "bad_link";
    case Mishap::Kind::few_descriptors: return "few_descriptors";
    case Mishap::Kind::pause: return "pause";
    case Mishap::Kind::failing_calls: return "failing_calls";
  }
  return {};
}

Fields fields_of(const Link& link) {
  Fields fields;
  if (link.latency != Duration::zero()) fields.add("latency", code_of(link.latency));
  if (link.jitter != Duration::zero()) fields.add("jitter", code_of(link.jitter));
  if (link.bytes_per_second != unlimited) fields.add("bytes_per_second", std::to_string(link.bytes_per_second));
  if (link.chunk != unlimited) fields.add("chunk", std::to_string(link.chunk));
  if (link.has_random_chunks) fields.add("has_random_chunks", "true");
  if (link.loss != 0) fields.add("loss", code_of(link.loss));
  if (link.duplication != 0) fields.add("duplication", code_of(link.duplication));
  if (link.reordering != 0) fields.add("reordering", code_of(link.reordering));
  if (link.is_down) fields.add("is_down", "true");
  return fields;
}

Fields fields_of(const Fault& fault) {
  Fields fields;
  if (fault.error != 0) fields.add("error", std::to_string(fault.error));
  if (fault.at_most != unlimited) fields.add("at_most", std::to_string(fault.at_most));
  return fields;
}

Fields fields_of(const FaultRule& rule) {
  Fields fields;
  std::string calls;
  for (const Call call : rule.calls) calls += (calls.empty() ? "Call::" : ", Call::") + std::string(sys::name_of(call));
  if (!calls.empty()) fields.add("calls", "{" + calls + "}");
  if (rule.from != 1) fields.add("from", code_of(rule.from));
  if (rule.to != rule.from) fields.add("to", code_of(rule.to));
  if (rule.probability != 1.0) fields.add("probability", code_of(rule.probability));
  if (const Fields fault = fields_of(rule.fault); !fault.is_empty()) fields.add("fault", fault.in_braces());
  if (rule.seen != 0) fields.add("seen", code_of(rule.seen));
  return fields;
}

std::string code_of(const Mishap& mishap) {
  Fields fields;
  fields.add("kind", "Mishap::Kind::" + name_of_kind(mishap.kind));
  if (mishap.begin != Duration::zero()) fields.add("begin", code_of(mishap.begin));
  if (mishap.length != Duration::zero()) fields.add("length", code_of(mishap.length));
  if (!mishap.host.empty()) fields.add("host", quoted(mishap.host));
  if (!mishap.other.empty()) fields.add("other", quoted(mishap.other));
  if (const Fields link = fields_of(mishap.link); !link.is_empty()) fields.add("link", link.in_braces());
  if (mishap.limit != 0) fields.add("limit", code_of_size(mishap.limit));
  if (const Fields rule = fields_of(mishap.rule); !rule.is_empty()) fields.add("rule", rule.in_braces());
  return fields.in_braces();
}

}  // namespace

std::string Schedule::to_code() const {
  if (mishaps_.empty()) return "Schedule()";
  std::string text = "Schedule({\n";
  for (const Mishap& mishap : mishaps_) text += "    " + code_of(mishap) + ",\n";
  return text + "})";
}

}  // namespace weir::sim
