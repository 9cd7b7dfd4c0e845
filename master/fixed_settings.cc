#include "master/fixed_settings.h"

#include <utility>

#include "base/text.h"

namespace dmpm::master {

std::vector<std::string> fixed_settings_changed(const config::Configuration& now,
                                                const config::Configuration& next) {
  const std::pair<const char*, bool> settings[] = {
      {"listen", now.listen == next.listen},
      {"runtime_directory", now.runtime_directory == next.runtime_directory},
      {"log_directory", now.log_directory == next.log_directory},
      {"dispatcher", now.dispatcher == next.dispatcher},
      {"keyholder", now.keyholder == next.keyholder},
      {"logger", now.logger == next.logger},
  };
  std::vector<std::string> sentences;
  for (const auto& [name, same] : settings) {
    if (same) continue;
    sentences.push_back(
        concat({"\"", name, "\" cannot be changed while dmpm runs: stop and start it"}));
  }
  return sentences;
}

}  // namespace dmpm::master
