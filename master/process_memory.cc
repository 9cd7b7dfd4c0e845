#include "master/process_memory.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

#include "base/text.h"
#include "master/limits.h"

namespace dmpm::master {

namespace {

constexpr uint64_t kKiB = 1024;

// Of lines such as "RssAnon:	     412 kB": puts the number of each key's line, where there is one.
struct Wanted {
  std::string_view key;
  uint64_t kib = 0;
};

template <size_t N>
void read_kib(const std::string& path, Wanted (&wanted)[N]) {
  std::ifstream file(path);
  size_t found = 0;
  for (std::string line; found < N && std::getline(file, line);) {
    for (Wanted& want : wanted) {
      if (!line.starts_with(want.key)) continue;
      want.kib = std::strtoull(line.c_str() + want.key.size(), nullptr, 10);
      ++found;
    }
  }
}

}  // namespace

std::optional<uint64_t> memory_of(const std::vector<pid_t>& processes) {
  if (processes.size() > kMaxMeasured) return std::nullopt;
  uint64_t anonymous = 0, shared = 0;
  for (const pid_t pid : processes) {
    Wanted wanted[] = {{"RssAnon:"}, {"RssShmem:"}};
    read_kib(concat({"/proc/", std::to_string(pid), "/status"}), wanted);
    anonymous += wanted[0].kib + kProcessKib;
    shared = std::max(shared, wanted[1].kib);
  }
  return (anonymous + shared) * kKiB;
}

std::vector<pid_t> descendants(pid_t root, size_t most) {
  std::vector<pid_t> found{root};
  for (size_t i = 0; i < found.size() && found.size() < most; ++i) {
    const std::string pid = std::to_string(found[i]);
    std::ifstream children(concat({"/proc/", pid, "/task/", pid, "/children"}));
    for (pid_t child = 0; found.size() < most && children >> child;) found.push_back(child);
  }
  return found;
}

bool memory_is_short() {
  Wanted wanted[] = {{"MemTotal:"}, {"MemAvailable:"}};
  read_kib("/proc/meminfo", wanted);
  return wanted[1].kib * 100 < wanted[0].kib * kMemoryShort;
}

}  // namespace dmpm::master
