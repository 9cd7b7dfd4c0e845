// What the tests of config/ share: a directory for configuration files, and a good configuration.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.h"

namespace dmpm::config::test {

// A configuration with all its sections' groups and virtual hosts in one.
struct Flat : Configuration {
  explicit Flat(Configuration configuration);
  std::map<std::string, Group> groups;
  std::vector<VirtualHost> virtual_hosts;
};

// A directory that goes away with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  // "@DIR@" in `text` stands for the directory, "@NUL@" for a zero byte. Directories are made.
  void write(std::string_view name, std::string_view text, unsigned mode = 0644) const;
  void remove(std::string_view name) const;

 private:
  std::string path_;
};

std::string replaced(std::string text, std::string_view from, std::string_view to);

// Every problem as a line, with "@DIR@" for the directory.
std::vector<std::string> lines(const std::vector<Problem>& problems,
                               const TemporaryDirectory& directory);

// Users that Debian has on every machine: the services run as daemon, bin and sys, the group alice
// as games; man, lp and mail are free. Needs the files a.crt and a.key in the directory.
extern const char kGood[];
// Writes those two.
void write_certificate(const TemporaryDirectory& directory);

// A site file with one group and one virtual host without TLS.
std::string site(std::string_view group, std::string_view user, std::string_view host);

}  // namespace dmpm::config::test

// So that a failed comparison of lines shows them.
template <>
struct doctest::StringMaker<std::vector<std::string>> {
  static doctest::String convert(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += "\n    " + line;
    return out.c_str();
  }
};
