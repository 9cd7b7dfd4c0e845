// What is the matter with the files and directories that groups use.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "cli/warnings_certificates.h"
#include "config/configuration.h"

namespace dmpm::cli {

class FileWarnings {
 public:
  // Of so many groups.
  explicit FileWarnings(size_t groups) : many_(groups > kFew) {}

  void look_at(const config::Group& group, const Warn& warn);

 private:
  // Beyond, all users are read once instead of looking each one up.
  static constexpr size_t kFew = 32;
  std::string home_of(const std::string& user);

  const bool many_;
  std::unordered_map<std::string, std::string> homes_;  // by user
  std::unordered_set<std::string> looked_at_;           // users whose home was
};

}  // namespace dmpm::cli
