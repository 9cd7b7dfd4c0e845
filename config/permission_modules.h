// PermissionModules: the shared libraries that the groups of a configuration name, each loaded once
// in the life of the object: one load of the configuration. A module is root's code, so its file
// must be one that only root can change (trusted_files.h).
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "config/configuration.h"
#include "config/trusted_files.h"
#include "master/permission_module.h"

namespace dmpm::config {

class PermissionModules {
 public:
  struct Loaded {
    std::string path;
    FileStamp stamp;
    const dmpm_module* descriptor = nullptr;  // valid as long as the PermissionModules
  };

  // `files` must outlive it.
  explicit PermissionModules(TrustedFiles& files) : files_(files) {}

  // The module DIRECTORY/NAME.so; else a whole sentence.
  const Result<Loaded>& get(const std::string& directory, const std::string& name);

 private:
  struct Unload {
    void operator()(void* library) const;
  };
  Result<Loaded> load(const std::string& directory, const std::string& name);

  TrustedFiles& files_;
  std::vector<std::unique_ptr<void, Unload>> libraries_;
  std::unordered_map<std::string, Result<Loaded>> modules_;  // by path
};

// permission-modules in the directory of the running program.
std::string default_module_directory();

}  // namespace dmpm::config
