// Loader: reads the configuration file and its includes into a Configuration.
//
// Called by the master at start and at each reload, and by `dmpm check`. Keeps what each included
// file said last, so that a reload parses only the files that changed, and a file that became wrong
// stays in force as it was.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/configuration.h"

namespace dmpm::config {

struct Problem {
  Location location;
  std::string message;  // what is wrong and what was expected
  // "file:line:column: message"; without a line when the file could not be read at all.
  std::string to_string() const;
};

struct LoadOutcome {
  // Nothing when the main file is wrong: then nothing must be started or changed.
  std::optional<Configuration> configuration;
  std::vector<Problem> problems;     // of the main file and of every included one
  size_t site_files = 0;             // included
  size_t site_files_read = 0;        // of them: new, changed or wrong before
  std::vector<std::string> include;  // the patterns, as the main file has them
};

class ProblemList;
class SiteFiles;
struct MainFile;
struct Tools;

class Loader {
 public:
  // A relative path means the one below the present working directory, also later.
  explicit Loader(const std::string& path);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // As if the main file's "include" ended with that file (absolute): to try one before it is there.
  void also_include(std::string path) { tried_ = std::move(path); }

  // Never throws. With problems in included files only, `configuration` is there, with those files'
  // previous version (or without them, at the first load).
  LoadOutcome load();

 private:
  MainFile read_main(Tools& tools, ProblemList& problems) const;

  const std::shared_ptr<const std::string> path_;
  std::string tried_;                            // empty: none
  std::shared_ptr<const Section> main_section_;  // of the last good main file
  std::unique_ptr<SiteFiles> site_files_;        // the last good version of each
};

}  // namespace dmpm::config
