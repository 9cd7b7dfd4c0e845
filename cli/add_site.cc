// dmpm add-site NAME... --user USER --document-root DIR: a file in the directory of site files, which
// the next reload puts in force.
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration_file.h"
#include "cli/new_file.h"
#include "cli/site_file.h"
#include "cli/sites.h"
#include "cli/text.h"
#include "cli/warnings.h"
#include "config/host_name.h"
#include "config/problem_list.h"
#include "config/values.h"

namespace dmpm::cli {
namespace {

constexpr mode_t kMode = 0644;

// What was given, as far as the loader does not look into it by itself. The error says what is wrong.
Result<Site> site_of(const Options& options) {
  Site site;
  for (const std::string& word : options.words()) {
    auto name = config::parse_host_name(word);
    if (!name)
      return Error{concat({config::quoted(word), " is no host name: ", name.error().message})};
    site.names.push_back(std::move(*name));
  }
  for (const std::string_view needed : {"--user", "--document-root"}) {
    if (!options.has(needed)) return Error{concat({"add-site needs ", needed})};
  }
  if (options.has("--certificate") != options.has("--key")) {
    return Error{"--certificate and --key go together"};
  }
  const std::string& first = site.names.front();
  site.group = options.value_or("--group", first.starts_with("*.") ? first.substr(2) : first);
  if (!config::is_group_name(site.group)) {
    return Error{
        concat({config::quoted(site.group),
                " is no name for a group: give one of at most 64 of A-Z a-z 0-9 _ - . with "
                "--group"})};
  }
  site.user = options.value_or("--user", "");
  site.preset = options.value_or("--preset", "static");
  site.document_root = options.value_or("--document-root", "");
  site.certificate = options.value_or("--certificate", "");
  site.key = options.value_or("--key", "");
  for (const std::string* text :
       {&site.user, &site.preset, &site.document_root, &site.certificate, &site.key}) {
    if (printable(*text) != *text) {
      return Error{
          concat({config::quoted(*text), " has characters that no site file should have"})};
    }
  }
  return site;
}

// "/etc/dmpm/sites.d/*.json" -> "/etc/dmpm/sites.d/NAME.json": the first pattern that takes it.
Result<std::string> place_of(const Site& site, const Subject& subject) {
  constexpr std::string_view kAny = "*.json";
  for (const std::string& pattern : subject.outcome.include) {
    const std::string_view directory =
        std::string_view(pattern).substr(0, pattern.size() - std::min(pattern.size(), kAny.size()));
    if (pattern.ends_with(kAny) && directory.ends_with('/') &&
        directory.find_first_of("*?[\\") == std::string_view::npos) {
      return concat({directory, site.group, ".json"});
    }
  }
  return Error{concat({subject.file,
                       " includes no directory of site files: it needs \"include\": "
                       "[\"/etc/dmpm/sites.d/*.json\"]"})};
}

// Prints those of `problems` that are the draft's, as of the file that it is to be. How many there are:
// others were wrong before, and wrong site files keep nobody from adding one.
size_t say(const std::vector<config::Problem>& problems, const std::string& draft,
           const std::string& path) {
  size_t said = 0;
  for (const config::Problem& problem : problems) {
    if (problem.location.file == nullptr || *problem.location.file != draft) continue;
    std::string text = problem.to_string();
    text.replace(0, draft.size(), path);
    std::fprintf(stderr, "%s\n", printable(text).c_str());
    ++said;
  }
  return said;
}

// Whether the loader has nothing against the draft. What `check` would warn of is no reason not to have it.
bool passes(const Subject& subject, const std::string& draft, const std::string& path) {
  config::Loader loader(subject.file);
  loader.also_include(draft);
  const config::LoadOutcome outcome = loader.load();
  if (say(outcome.problems, draft, path) > 0) return false;
  const Sites sites(*outcome.configuration);
  Warnings warnings(*outcome.configuration, sites, std::time(nullptr));
  const auto of_draft = [&](const auto& one) {
    return one->location.file != nullptr && *one->location.file == draft;
  };
  for (const config::VirtualHost* host : sites.hosts()) {
    if (of_draft(host)) warnings.look_at(*host);
  }
  for (const config::Group* group : sites.groups()) {
    if (of_draft(group)) warnings.look_at(*group);
  }
  say(warnings.found(), draft, path);
  return true;
}

}  // namespace

int add_site(const Options& options) {
  auto site = site_of(options);
  if (!site) return misused(site.error().message);
  const Subject subject = subject_of(options);
  if (!subject.outcome.configuration) {
    for (const config::Problem& problem : subject.outcome.problems) {
      std::fprintf(stderr, "%s\n", printable(problem.to_string()).c_str());
    }
    return failed(concat({subject.file, " is wrong: no site is added"}));
  }
  auto path = place_of(*site, subject);
  if (!path) return failed(path.error().message);
  auto file = NewFile::write(*path, site_file(*site), kMode);
  if (!file) return failed(file.error().message);
  if (!passes(subject, file->draft(), *path)) return failed("no site is added");
  if (const dmpm::Status done = file->put_in_place(); !done.ok())
    return failed(done.error().message);
  std::printf("%s is written; `dmpm reload` puts it in force\n", path->c_str());
  return 0;
}

}  // namespace dmpm::cli
