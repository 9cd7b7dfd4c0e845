#include "config/loader.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "config/claims.h"
#include "config/include.h"
#include "config/limits.h"
#include "config/main_reader.h"
#include "config/site_files.h"

namespace dmpm::config {
namespace {

std::string absolute(std::string_view path) {
  if (path.starts_with('/')) return std::string(path);
  std::error_code ignored;  // then the file is looked for in "/", and not found
  return concat({std::filesystem::current_path(ignored).native(), "/", path});
}

bool has_tls(const Section& section) {
  for (const VirtualHost& host : section.virtual_hosts) {
    if (host.tls) return true;
  }
  return false;
}

// A listener for TLS needs a certificate to show. Site files may bring one later: a machine waits for
// its first customer, or has lost its last.
void check_tls(const MainFile& main, ProblemList& problems) {
  if (!main.tls_listener || has_tls(main.content.section) || !main.include.empty()) return;
  problems.add(
      *main.tls_listener,
      "this listener has \"tls\", but no virtual host has, and nothing is included: expected "
      "at least one with \"tls\": {\"certificate\": ..., \"key\": ...}");
}

// Down to the places, which messages name.
template <typename T>
bool identical(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return x == y && x.location == y.location; });
}

}  // namespace

Loader::Loader(const std::string& path)
    : path_(std::make_shared<const std::string>(absolute(path))),
      site_files_(std::make_unique<SiteFiles>()) {}

Loader::~Loader() = default;

LoadOutcome Loader::load() {
  LoadOutcome outcome;
  Tools tools;
  ProblemList problems(path_);
  MainFile main = read_main(tools, problems);
  std::vector<std::string> paths = expand(main.include, problems);
  if (!tried_.empty()) paths.push_back(tried_);
  if (problems.empty()) check_tls(main, problems);
  if (!problems.empty()) {
    problems.move_to(outcome.problems);
    return outcome;
  }
  const auto& last = main_section_;
  if (!last || !identical(last->groups, main.content.section.groups) ||
      !identical(last->virtual_hosts, main.content.section.virtual_hosts)) {
    main_section_ = std::make_shared<const Section>(std::move(main.content.section));
  }
  SiteFiles::Update sites =
      site_files_->update(paths, {*path_, main_section_, main.content.places, main.surroundings},
                          tools, outcome.problems);
  Configuration& all = main.settings;
  all.sections = std::move(sites.sections);
  all.sections.insert(all.sections.begin(), main_section_);
  outcome.site_files = paths.size();
  for (const IncludePattern& pattern : main.include) outcome.include.push_back(pattern.pattern);
  outcome.site_files_read = sites.read;
  outcome.configuration = std::move(all);
  return outcome;
}

MainFile Loader::read_main(Tools& tools, ProblemList& problems) const {
  auto read = tools.files.read(*path_, limits::kMaxMainFile);
  if (!read) {
    problems.add(read.error().message);
    return {};
  }
  MainFile main = read_main_file(std::move(read->text), tools, problems);
  Claims().claim(path_.get(), main.content.section, main.content.places, problems);
  return main;
}

}  // namespace dmpm::config
