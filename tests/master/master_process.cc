#include "tests/master/master_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <utility>

#include "base/channel.h"
#include "base/socket.h"
#include "base/wire.h"
#include "master/routing_notices.h"
#include "master/worker_cgroup.h"

namespace dmpm::master::test {

namespace {

constexpr int kPatience = 15'000;  // ms

bool readable(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, kPatience) > 0;
}

Fd install_relay(const TemporaryDirectory& directory, const char* name) {
  std::filesystem::copy_file(DMPM_RELAY, directory / name,
                             std::filesystem::copy_options::overwrite_existing);
  const std::string path = (directory / name) + ".socket";
  ::unlink(path.c_str());
  const auto address = SocketAddress::unix_path(path);
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(fd.get(), address.value().get(), address.value().size) == 0);
  REQUIRE(::listen(fd.get(), 16) == 0);
  return fd;
}

}  // namespace

// ---- RelayEnd ----

namespace {

// Takes the first notice from a message: several about the configuration may be in one.
std::string take_notice(std::string& message) {
  using protocol::Notice;
  WireReader reader(message);
  size_t size = 0;
  const auto numbers = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) reader.u32();
    size += count * 4;
  };
  const auto string = [&] { size += 4 + reader.string().size(); };
  numbers(1);
  switch (static_cast<Notice>(WireReader(message).u32())) {  // master/protocol.h
    case Notice::group: numbers(1), string(), numbers(2 + 2 * 4 + 1); break;
    case Notice::virtual_host: {
      numbers(4);
      const uint32_t names = reader.u32();
      size += 4;
      for (uint32_t i = 0; i < names && reader.ok(); ++i) string();
      break;
    }
    case Notice::limits: numbers(limits_notice({}).size() / 4 - 1); break;
    case Notice::remove_group:
    case Notice::remove_virtual_host:
    case Notice::forget_certificate:
    case Notice::access_log: numbers(1); break;
    default: return std::exchange(message, {});
  }
  REQUIRE(reader.ok());
  std::string first = message.substr(0, size);
  message.erase(0, size);
  return first;
}

}  // namespace

std::string RelayEnd::receive() {
  static char bytes[Channel::kMaxMessage];
  REQUIRE(readable(fd_.get()));
  const ssize_t size = ::recv(fd_.get(), bytes, sizeof bytes, 0);
  return std::string(bytes, size > 0 ? static_cast<size_t>(size) : 0);
}

std::string RelayEnd::hear(uint32_t kind) {
  while (true) {
    if (unheard_.empty()) unheard_ = receive();
    INFO("waiting for notice " << kind);
    REQUIRE_FALSE(unheard_.empty());
    const std::string notice = take_notice(unheard_);
    if (WireReader(notice).u32() == kind) return notice.substr(4);
  }
}

void RelayEnd::say(protocol::RequestType type, uint32_t group, uint32_t worker, uint32_t argument) {
  const protocol::Request request{type, group, worker, argument};
  say_bytes({reinterpret_cast<const char*>(&request), sizeof request});
}

void RelayEnd::say_bytes(std::string_view bytes) {
  REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

bool RelayEnd::has_ended() {
  while (!receive().empty()) {
  }
  return true;
}

// ---- MasterProcess ----

MasterProcess::MasterProcess(const TemporaryDirectory& directory, const std::string& configuration)
    : runtime_(directory / "run"),
      dispatchers_(install_relay(directory, "dmpm-dispatcher")),
      loggers_(install_relay(directory, "dmpm-logger")) {
  const std::string program = directory / "dmpm-master", file = directory / "dmpm.json";
  if (!std::filesystem::exists(program)) {
    std::filesystem::copy_file(DMPM_MASTER, program);
    std::filesystem::copy_file(DMPM_WORKER_START, directory / "dmpm-worker-start");
  }
  write_file(file, configuration);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  error_.reset(ends[0]);
  const Fd child_error(ends[1]);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(child_error.get(), STDERR_FILENO);
    ::execl(program.c_str(), "dmpm-master", "--config", file.c_str(), nullptr);
    ::_exit(126);
  }
}

MasterProcess::~MasterProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  const WorkerCgroups cleanup(runtime_);  // ends and removes what it left
}

RelayEnd MasterProcess::accept(const Fd& listener) {
  REQUIRE(readable(listener.get()));
  return RelayEnd(Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

std::string MasterProcess::wait_for(std::string_view part) {
  while (true) {
    const size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      const std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      read_ += line + "\n";
      if (line.find(part) != std::string::npos) return line;
      continue;
    }
    char bytes[4096];
    INFO("waiting for \"" << part << "\", got:\n" << read_);
    REQUIRE(readable(error_.get()));
    const ssize_t size = ::read(error_.get(), bytes, sizeof bytes);
    REQUIRE(size > 0);
    unread_.append(bytes, static_cast<size_t>(size));
  }
}

void MasterProcess::signal(int number) const {
  ::kill(pid_, number);
}

int MasterProcess::wait_for_exit() {
  // Its end is the end of its standard error too (a worker has its own).
  char bytes[4096];
  while (readable(error_.get())) {
    const ssize_t size = ::read(error_.get(), bytes, sizeof bytes);
    if (size <= 0) break;
    unread_.append(bytes, static_cast<size_t>(size));
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace dmpm::master::test
