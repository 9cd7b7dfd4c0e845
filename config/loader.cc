#include "config/loader.h"

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

MainFile read_main(const std::string& path, Tools& tools, ProblemList& problems) {
  auto read = tools.files.read(path, limits::kMaxMainFile);
  if (read) return read_main_file(std::move(read->text), tools, problems);
  problems.add(read.error().message);
  return {};
}

bool has_tls(const FileContent& content) {
  for (const VirtualHost& host : content.virtual_hosts) {
    if (host.tls) return true;
  }
  return false;
}

// A listener for TLS needs a certificate to show. While a site file is wrong, it may be in there.
void check_tls(const MainFile& main, const std::vector<const FileContent*>& sites,
               bool sites_are_right, ProblemList& problems) {
  if (!main.tls_listener || has_tls(main.content) || !sites_are_right) return;
  for (const FileContent* site : sites) {
    if (has_tls(*site)) return;
  }
  problems.add(*main.tls_listener,
               "this listener has \"tls\", but no virtual host in any file has: expected at least "
               "one with \"tls\": {\"certificate\": ..., \"key\": ...}");
}

Configuration assemble(MainFile main, const std::vector<const FileContent*>& sites) {
  Configuration configuration = std::move(main.settings);
  auto& groups = configuration.groups;
  auto& hosts = configuration.virtual_hosts;
  size_t count = main.content.virtual_hosts.size();
  for (const FileContent* site : sites) count += site->virtual_hosts.size();

  hosts = std::move(main.content.virtual_hosts);
  hosts.reserve(count);
  for (Group& group : main.content.groups) {
    std::string name = group.name;
    groups.emplace_hint(groups.end(), std::move(name), std::move(group));
  }
  for (const FileContent* site : sites) {
    for (const Group& group : site->groups) groups.emplace(group.name, group);
    hosts.insert(hosts.end(), site->virtual_hosts.begin(), site->virtual_hosts.end());
  }
  return configuration;
}

}  // namespace

Loader::Loader(const std::string& path)
    : path_(absolute(path)), site_files_(std::make_unique<SiteFiles>()) {}

Loader::~Loader() = default;

LoadOutcome Loader::load() {
  LoadOutcome outcome;
  Tools tools;
  ProblemList problems(std::make_shared<const std::string>(path_));
  MainFile main = read_main(path_, tools, problems);
  Claims claims;
  claims.claim(main.content, problems);
  const std::vector<std::string> paths = expand(main.include, problems);
  if (!problems.empty()) {
    problems.move_to(outcome.problems);
    return outcome;
  }
  std::vector<Problem> site_problems;
  const SiteFiles::Update sites =
      site_files_->update(paths, main.surroundings, tools, claims, site_problems);
  check_tls(main, sites.contents, site_problems.empty(), problems);
  outcome.site_files = paths.size();
  outcome.site_files_read = sites.read;
  const bool main_is_right = problems.empty();
  problems.move_to(outcome.problems);
  for (Problem& problem : site_problems) outcome.problems.push_back(std::move(problem));
  if (main_is_right) outcome.configuration = assemble(std::move(main), sites.contents);
  return outcome;
}

}  // namespace dmpm::config
