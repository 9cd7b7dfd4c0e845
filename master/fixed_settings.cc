#include "master/fixed_settings.h"

#include <utility>

#include "base/text.h"
#include "base/wire.h"

namespace dmpm::master {

std::string fixed_settings(const config::Configuration& configuration) {
  WireWriter writer;
  writer.string(configuration.runtime_directory)
      .string(configuration.log_directory)
      .string(configuration.private_directories);
  for (const config::Identity* identity :
       {&configuration.dispatcher.identity, &configuration.keyholder, &configuration.logger}) {
    writer.u32(identity->uid).u32(identity->gid);
  }
  return writer.take();
}

Status fixed_settings_unchanged(const config::Configuration& now,
                                const config::Configuration& next) {
  const std::pair<const char*, bool> settings[] = {
      {"\"runtime_directory\"", now.runtime_directory == next.runtime_directory},
      {"\"log_directory\"", now.log_directory == next.log_directory},
      {"\"private_directories\"", now.private_directories == next.private_directories},
      {"the dispatcher's user or group", now.dispatcher.identity == next.dispatcher.identity},
      {"the keyholder's user or group", now.keyholder == next.keyholder},
      {"the logger's user or group", now.logger == next.logger},
  };
  std::string names;
  for (const auto& [name, same] : settings) {
    if (!same) names += concat({names.empty() ? "" : ", ", name});
  }
  if (names.empty() && now.metrics != next.metrics) {
    return Error{"\"metrics\" is not changed by a reload: \"dmpm upgrade\" puts it in force"};
  }
  if (names.empty()) return {};
  return Error{concat({names, " cannot be changed while dmpm runs: stop and start it"})};
}

}  // namespace dmpm::master
