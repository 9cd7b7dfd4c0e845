#include "config/include.h"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <unordered_set>

#include "base/text.h"

namespace dmpm::config {
namespace {

struct Glob {
  Glob() = default;
  Glob(const Glob&) = delete;
  Glob& operator=(const Glob&) = delete;
  ~Glob() { ::globfree(&found); }
  glob_t found{};
};

// A directory that is not there matches nothing; one that cannot be read is an error.
int stop_at_unreadable(const char*, int error) {
  return error == ENOENT || error == ENOTDIR ? 0 : 1;
}

std::vector<std::string> matches(const IncludePattern& include, ProblemList& problems) {
  Glob glob;
  const bool wild = include.pattern.find_first_of("*?[") != std::string::npos;
  const int result = ::glob(include.pattern.c_str(), GLOB_NOSORT, stop_at_unreadable, &glob.found);
  if (result == GLOB_NOMATCH) {
    if (!wild) {
      problems.add(include.place, concat({"the file ", quoted(include.pattern),
                                          " to be included does not exist"}));
    }
    return {};
  }
  if (result != 0) {
    problems.add(include.place,
                 concat({"the directories of ", quoted(include.pattern), " cannot be searched"}));
    return {};
  }
  std::vector<std::string> paths(glob.found.gl_pathv, glob.found.gl_pathv + glob.found.gl_pathc);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

std::vector<std::string> expand(const std::vector<IncludePattern>& include, ProblemList& problems) {
  std::vector<std::string> files;
  std::unordered_set<std::string> seen;
  for (const IncludePattern& pattern : include) {
    for (std::string& path : matches(pattern, problems)) {
      if (seen.insert(path).second) files.push_back(std::move(path));
    }
  }
  return files;
}

}  // namespace dmpm::config
