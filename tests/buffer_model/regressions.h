// weir: the sequences that are kept as text.
// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace weir::buffer_model {

struct Regression {
  std::string name;
  std::string text;
};

/// Those in the folder, by name. Nothing when there is no such folder.
std::vector<Regression> read_regressions(const std::filesystem::path& folder);

}  // namespace weir::buffer_model
