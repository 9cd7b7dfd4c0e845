#include "tests/config/fixture.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"

namespace dmpm::config::test {

const char kGood[] = R"({
  "runtime_directory": "/run/dmpm",
  "log_directory": "/var/log/dmpm",
  "listen": [
    { "address": "0.0.0.0:443", "tls": true },
    { "address": "[::1]:80", "redirect_to_https": true }
  ],
  "dispatcher": { "processes": 1, "user": "daemon", "group": "daemon" },
  "keyholder": { "user": "bin" },
  "logger": { "user": "sys" },
  "groups": {
    "alice": {
      "permissions": { "user": "games", "group": "games", "root": "/", "modules": {} },
      "worker": { "command": ["/bin/true", "-x"], "activation": "listen_fds", "environment": {} },
      "scale": { "min_workers": 0, "max_workers": 1, "queue": 128 }
    }
  },
  "virtual_hosts": [
    { "names": ["a.test", "*.a.test"], "group": "alice",
      "tls": { "certificate": "@DIR@/a.crt",
               "key": "@DIR@/a.key" } }
  ],
  "include": []
}
)";

Flat::Flat(Configuration configuration) : Configuration(std::move(configuration)) {
  for (const auto& section : sections) {
    for (const Group& group : section->groups) groups.emplace(group.name, group);
    virtual_hosts.insert(virtual_hosts.end(), section->virtual_hosts.begin(),
                         section->virtual_hosts.end());
  }
}

TemporaryDirectory::TemporaryDirectory() {
  char path[] = "/tmp/dmpm-config-XXXXXX";
  REQUIRE(::mkdtemp(path) != nullptr);
  path_ = path;
  REQUIRE(::chmod(path, 0755) == 0);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TemporaryDirectory::write(std::string_view name, std::string_view text, unsigned mode) const {
  const std::string path = file(name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::string content = replaced(std::string(text), "@DIR@", path_);
  content = replaced(std::move(content), "@NUL@", std::string_view("\0", 1));
  std::ofstream(path, std::ios::binary) << content;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

void TemporaryDirectory::remove(std::string_view name) const {
  REQUIRE(std::filesystem::remove(file(name)));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::vector<std::string> lines(const std::vector<Problem>& problems,
                               const TemporaryDirectory& directory) {
  std::vector<std::string> out;
  for (const Problem& problem : problems) {
    out.push_back(replaced(problem.to_string(), directory.path(), "@DIR@"));
  }
  return out;
}

void write_certificate(const TemporaryDirectory& directory) {
  directory.write("a.crt", "never parsed here");
  directory.write("a.key", "nor this", 0600);
}

std::string site(std::string_view group, std::string_view user, std::string_view host) {
  return concat({R"({
  "groups": {
    ")",
                 group, R"(": { "permissions": { "user": ")", user,
                 R"(" }, "worker": { "command": ["/bin/true"] } }
  },
  "virtual_hosts": [
    { "names": [")",
                 host, R"("], "group": ")", group, R"(" }
  ]
}
)"});
}

}  // namespace dmpm::config::test
