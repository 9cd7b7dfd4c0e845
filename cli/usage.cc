#include "cli/usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <thread>

#include "base/fd.h"
#include "base/text.h"

namespace dmpm::cli {
namespace {

// More processes of one worker are not looked at.
constexpr size_t kMaxProcesses = 4'096;
constexpr uint64_t kKiB = 1024;
// Workers that are worth a thread of their own, and how many threads there are at most.
constexpr size_t kWorthAThread = 32, kMaxThreads = 8;

// The beginning of a small file of the kernel's; empty when it cannot be read.
template <size_t kSize>
class SmallFile {
 public:
  explicit SmallFile(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const ssize_t size = fd ? ::read(fd.get(), bytes_.data(), bytes_.size()) : -1;
    text_ = {bytes_.data(), static_cast<size_t>(std::max<ssize_t>(size, 0))};
  }
  std::string_view text() const { return text_; }

 private:
  std::array<char, kSize> bytes_;
  std::string_view text_;
};

std::string_view after(std::string_view text, std::string_view key) {
  const size_t at = text.find(key);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + key.size());
}

// The number at the start of `text`, behind spaces; 0 when there is none.
uint64_t number(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  uint64_t value = 0;
  std::from_chars(text.data() + begin, text.data() + text.size(), value);
  return value;
}

std::vector<pid_t> numbers(std::string_view text) {
  std::vector<pid_t> found;
  while (found.size() < kMaxProcesses) {
    const size_t begin = text.find_first_of("0123456789");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    found.push_back(static_cast<pid_t>(number(text)));
    text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
  }
  return found;
}

std::string of_process(pid_t pid, std::string_view file) {
  return concat({"/proc/", std::to_string(pid), "/", file});
}

// Its path in the cgroup2 hierarchy: the line "0::/system.slice/dmpm.service".
std::string cgroup_of(pid_t pid) {
  const SmallFile<4096> file(of_process(pid, "cgroup"));
  const std::string_view text = file.text();
  const std::string_view line = text.starts_with("0::") ? text.substr(3) : after(text, "\n0::");
  return std::string(line.substr(0, line.find('\n')));
}

// "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw".
std::string mount_point() {
  std::string mounts(size_t{256} << 10, '\0');
  const Fd fd(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  size_t size = 0;
  for (ssize_t got = 1; fd && got > 0 && size < mounts.size(); size += static_cast<size_t>(got)) {
    got = std::max<ssize_t>(0, ::read(fd.get(), mounts.data() + size, mounts.size() - size));
  }
  const std::string_view text(mounts.data(), size);
  const size_t at = text.find(" - cgroup2 ");
  if (at == std::string_view::npos) return {};
  const size_t start = text.rfind('\n', at) + 1;  // npos + 1 is 0
  std::string_view line = text.substr(start, at - start);
  for (int fields = 0; fields < 4; ++fields) line = after(line, " ");
  return std::string(line.substr(0, line.find(' ')));
}

std::vector<pid_t> descendants(pid_t root) {
  std::vector<pid_t> found{root};
  for (size_t i = 0; i < found.size() && found.size() < kMaxProcesses; ++i) {
    const SmallFile<65536> children(
        of_process(found[i], concat({"task/", std::to_string(found[i]), "/children"})));
    for (const pid_t child : numbers(children.text())) found.push_back(child);
  }
  return found;
}

uint64_t memory_of(const std::vector<pid_t>& processes) {
  uint64_t anonymous = 0, shared = 0;
  for (const pid_t pid : processes) {
    const SmallFile<4096> file(of_process(pid, "status"));
    anonymous += number(after(file.text(), "\nRssAnon:"));
    shared = std::max(shared, number(after(file.text(), "\nRssShmem:")));
  }
  return (anonymous + shared) * kKiB;
}

// utime, stime and those of children that were waited for: fields 14 to 17, of which the second one
// may hold anything in parentheses.
uint64_t processor_ms_of(const std::vector<pid_t>& processes) {
  const auto per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  uint64_t ticks = 0;
  for (const pid_t pid : processes) {
    const SmallFile<4096> file(of_process(pid, "stat"));
    const size_t name_ends = file.text().rfind(')');
    if (name_ends == std::string_view::npos) continue;
    std::string_view rest = file.text().substr(name_ends);
    for (int field = 2; field < 14; ++field) rest = after(rest, " ");
    for (int field = 14; field < 18; ++field, rest = after(rest, " ")) ticks += number(rest);
  }
  return ticks * 1000 / per_second;
}

}  // namespace

UsageReader::UsageReader(pid_t master) : mount_(mount_point()), masters_own_(cgroup_of(master)) {}

// Empty when it has none of its own.
std::string UsageReader::directory_of(pid_t pid) const {
  if (mount_.empty()) return {};
  const std::string path = cgroup_of(pid);
  return path.empty() || path == "/" || path == masters_own_ ? std::string()
                                                             : concat({mount_, path, "/"});
}

UsageReader::Used UsageReader::of_worker(pid_t pid) const {
  const std::string directory = directory_of(pid);
  if (directory.empty()) {
    const std::vector<pid_t> processes = descendants(pid);
    return {memory_of(processes), processor_ms_of(processes)};
  }
  const SmallFile<65536> processes(directory + "cgroup.procs");
  const SmallFile<256> processor(directory + "cpu.stat");
  return {memory_of(numbers(processes.text())),
          number(after(processor.text(), "usage_usec ")) / 1000};
}

namespace {

// Of every `step`th group from `first` on.
void add_usage(Status& status, const UsageReader& reader, size_t first, size_t step) {
  for (size_t i = first; i < status.groups.size(); i += step) {
    Status::Group& group = status.groups[i];
    for (const Status::Worker& worker : group.workers) {
      if (worker.pid == 0) continue;
      const UsageReader::Used used = reader.of_worker(static_cast<pid_t>(worker.pid));
      group.memory += used.memory;
      group.cpu_ms += used.cpu_ms;
    }
  }
}

}  // namespace

// A worker costs some 40 microseconds, nearly all of them in the kernel.
void add_usage(Status& status) {
  const UsageReader reader(static_cast<pid_t>(status.pid));
  size_t workers = 0;
  for (const Status::Group& group : status.groups) workers += group.workers.size();
  const size_t useful =
      std::min<size_t>(std::thread::hardware_concurrency(), workers / kWorthAThread);
  const size_t threads = std::clamp<size_t>(useful, 1, kMaxThreads);
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i) {
    others.emplace_back([&status, &reader, i, threads] { add_usage(status, reader, i, threads); });
  }
  add_usage(status, reader, 0, threads);
  for (std::thread& other : others) other.join();
}

}  // namespace dmpm::cli
