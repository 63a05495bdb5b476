// weir: the sequences that are kept as text.
// SPDX-License-Identifier: MIT
#include "tests/buffer_model/regressions.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace weir::buffer_model {

std::vector<Regression> read_regressions(const std::filesystem::path& folder) {
  std::vector<Regression> regressions;
  if (!std::filesystem::is_directory(folder)) return regressions;
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    regressions.push_back({entry.path().stem(), text.str()});
  }
  std::ranges::sort(regressions, {}, &Regression::name);
  return regressions;
}

}  // namespace weir::buffer_model
