#include "tests/master/fixture.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/channel.h"
#include "base/socket.h"
#include "base/text.h"
#include "tests/master/draft.h"

namespace dmpm::master::test {

using protocol::Notice;

namespace {

class Condition final : public TimerHandler {
 public:
  Condition(EventLoop& loop, const std::function<bool()>& holds, Milliseconds limit)
      : loop_(loop),
        holds_(holds),
        end_(std::chrono::steady_clock::now() + limit),
        timer_(loop, *this) {
    timer_.set(Milliseconds(0));
  }
  bool held() const { return held_; }

 private:
  void on_timer() override {
    held_ = holds_();
    if (held_ || std::chrono::steady_clock::now() > end_) return loop_.stop();
    timer_.set(Milliseconds(1));
  }
  EventLoop& loop_;
  const std::function<bool()>& holds_;
  const std::chrono::steady_clock::time_point end_;
  Timer timer_;
  bool held_ = false;
};

}  // namespace

bool run_until(EventLoop& loop, const std::function<bool()>& condition, Milliseconds limit) {
  const Condition waiting(loop, condition, limit);
  loop.run();
  return waiting.held();
}

void run_for(EventLoop& loop, Milliseconds time) {
  run_until(
      loop, [] { return false; }, time);
}

TemporaryDirectory::TemporaryDirectory() {
  char name[] = "/tmp/dmpm-test.XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  path_ = name;
  ::chmod(name, 0755);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::make(const std::string& name) const {
  std::string path = *this / name;
  REQUIRE(::mkdir(path.c_str(), 0755) == 0);
  return path;
}

void write_file(const std::string& path, std::string_view text, mode_t mode) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  ::chmod(path.c_str(), mode);
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

Fd send_line(const std::string& socket, std::string_view line) {
  const auto address = SocketAddress::unix_path(socket);
  REQUIRE(address.ok());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address.value().get(), address.value().size) != 0) return Fd();
  REQUIRE(::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(line.size()));
  return fd;
}

std::string ask(EventLoop& loop, const std::string& socket, std::string_view line) {
  const Fd fd = send_line(socket, line);
  std::string answer;
  if (!fd) return answer;
  run_until(loop, [&] {
    char bytes[4096];
    const ssize_t size = ::recv(fd.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (size > 0) answer.append(bytes, static_cast<size_t>(size));
    return size == 0 || (size < 0 && errno != EAGAIN);
  });
  return answer;
}

config::Group make_group(const TemporaryDirectory& directory, const std::string& name,
                         std::vector<std::string> options) {
  const std::string program = directory / "worker";
  if (::access(program.c_str(), X_OK) != 0) {
    std::filesystem::copy_file(DMPM_TEST_WORKER, program);
    ::chmod(program.c_str(), 0755);
  }
  config::Group group;
  group.name = name;
  group.permissions.identity = {"worker-user", "worker-group", kWorkerUid, kWorkerGid};
  group.worker.command = {program};
  group.worker.command.insert(group.worker.command.end(), options.begin(), options.end());
  return group;
}

// ---- Player ----

Player::Player(House& house, unsigned number) : house_(house) {
  auto pair = Channel::pair();
  REQUIRE(pair.ok());
  fd_ = std::move(pair->theirs);
  peer = std::make_unique<DispatcherPeer>(house.loop, std::move(pair->ours), number, house.groups,
                                          *this);
}

void Player::say(protocol::RequestType type, uint32_t group, uint32_t worker, uint32_t argument) {
  const protocol::Request request{type, group, worker, argument};
  say_bytes({reinterpret_cast<const char*>(&request), sizeof request});
}

void Player::say_bytes(std::string_view bytes) {
  REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

void Player::receive() {
  static char bytes[Channel::kMaxMessage];
  while (true) {
    const ssize_t size = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (size <= 0) return;
    heard_.emplace_back(bytes, static_cast<size_t>(size));
  }
}

// If it has come, without waiting.
std::optional<std::string> Player::take(Notice kind) {
  receive();
  for (size_t i = 0; i < heard_.size(); ++i) {
    if (WireReader(heard_[i]).u32() != static_cast<uint32_t>(kind)) continue;
    std::string fields = heard_[i].substr(4);
    heard_.erase(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    return fields;
  }
  return std::nullopt;
}

std::string Player::hear(Notice kind) {
  std::optional<std::string> fields;
  const bool came = run_until(house_.loop, [&] { return (fields = take(kind)).has_value(); });
  INFO("notice " << static_cast<uint32_t>(kind) << " did not come; log:\n" << house_.captured.text);
  REQUIRE(came);
  return *fields;
}

bool Player::has_heard(protocol::Notice kind) {
  receive();
  for (const std::string& message : heard_) {
    if (WireReader(message).u32() == static_cast<uint32_t>(kind)) return true;
  }
  return false;
}

std::string Player::insist(uint32_t group) {
  std::optional<std::string> failed;
  REQUIRE(run_until(house_.loop, [&] {
    if (has_heard(Notice::worker_failed)) return (failed = take(Notice::worker_failed)).has_value();
    if (take(Notice::worker_gone)) say(protocol::RequestType::want_worker, group);
    if (const auto release = take(Notice::release_worker)) {
      WireReader fields(*release);
      fields.u32();
      say(protocol::RequestType::worker_busy, group, fields.u32());
    }
    return false;
  }));
  return *failed;
}

bool Player::is_ended() {
  return run_until(house_.loop, [this] { return !offence.empty(); });
}

void Player::configure(uint32_t version) {
  const unsigned before = times_configured;
  hear(protocol::Notice::commit);
  say(protocol::RequestType::configured, 0, 0, version);
  if (before == 0) REQUIRE(run_until(house_.loop, [this] { return times_configured > 0; }));
}

Ready parse_ready(std::string_view fields) {
  WireReader reader(fields);
  Ready ready{reader.u32(), reader.u32(), reader.u32(),
              reader.u32(), reader.u32(), std::string(reader.string())};
  REQUIRE(reader.complete());
  return ready;
}

Failed parse_failed(std::string_view fields) {
  WireReader reader(fields);
  Failed failed{reader.u32(), reader.u64(), std::string(reader.string())};
  REQUIRE(reader.complete());
  return failed;
}

// ---- House ----

House::House(unsigned dispatchers)
    : sockets(directory.make("sockets")),
      pipes(directory.make("pipes")),
      pipes_fd(::open(pipes.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      places{sockets, pipes_fd.get(), kDispatcherGid, kLoggerGid, DMPM_WORKER_START, {512, 1024}},
      services{loop,  wheel, log,   children, throttle, warm,
               *this, *this, *this, places,   counts,   *this} {
  for (unsigned d = 0; d < dispatchers; ++d) players.push_back(std::make_unique<Player>(*this, d));
}

House::~House() {
  children.kill_all();
}

void House::configure(std::vector<config::Group> all) {
  const bool first = feed.configuration().sections.empty();
  Draft next;
  for (config::Group& group : all) {
    config::VirtualHost host;
    host.names = {group.name + ".test"};
    host.group = group.name;
    next.virtual_hosts.push_back(std::move(host));
    next.groups.emplace(group.name, std::move(group));
  }
  const auto update = feed.update(std::move(next));
  feed.for_each_group(
      [this](uint32_t number, const config::Group& group) { groups.put(number, group); });
  if (!first) ++version;
  for (const auto& player : players) {
    player->peer->configure(update.notices, version);
    if (player->offence.empty()) player->configure(version);
  }
  for (const uint32_t number : update.removed_groups) groups.remove(number);
}

void House::send(unsigned dispatcher, std::string_view notice) {
  if (players[dispatcher] && players[dispatcher]->peer) players[dispatcher]->peer->send(notice);
}

void House::open_worker_log(uint32_t id, const std::string& group, const std::string& pipe) {
  logs.push_back(concat({"open ", std::to_string(id), " ", group, " ", pipe}));
}

void House::close_worker_log(uint32_t id) {
  logs.push_back(concat({"close ", std::to_string(id)}));
}

}  // namespace dmpm::master::test
