#include "cli/configuration_file.h"

#include "cli/command.h"

namespace dmpm::cli {

Subject subject_of(const Options& options) {
  Subject subject;
  auto status = ask_status(runtime_directory(options));
  if (status) {
    subject.running = std::move(*status);
  } else {
    subject.not_running = status.error().message;
  }
  subject.file = options.value_or(
      "--config", subject.running ? subject.running->configuration_file : kConfigurationFile);
  subject.outcome = config::Loader(subject.file).load();
  if (subject.outcome.configuration) subject.sites.emplace(*subject.outcome.configuration);
  return subject;
}

}  // namespace dmpm::cli
