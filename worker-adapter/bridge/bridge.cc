#include "worker-adapter/bridge/bridge.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <unordered_map>

#include "base/text.h"
#include "master/heritage.h"
#include "worker-adapter/bridge/private_network.h"
#include "worker-adapter/bridge/relay.h"
#include "worker-adapter/bridge/server_process.h"

namespace dmpm::adapter {
namespace {

using Clock = std::chrono::steady_clock;

// Numbers in epoll's data; relays have those above.
enum Source : uint64_t { kListener = 0, kSignals = 1, kEnded = 2, kFirstRelay = 3 };

class Bridge {
 public:
  Bridge(ServerProcess server, const SocketAddress& address, size_t most)
      : server_(std::move(server)), address_(address), most_(most) {}

  // Until the server has ended and what it said last is passed on; its exit status.
  Result<int> run();

 private:
  struct Entry {
    std::unique_ptr<Relay> relay;
    Clock::time_point since;  // accepted
    bool has_turn = false;    // in turns_
  };
  using Entries = std::unordered_map<uint64_t, Entry>;

  bool watch(int fd, uint32_t events, uint64_t number);
  void watch_listener();
  int wait_time() const;
  void handle(const epoll_event& event);
  void accept_one();
  void connect_again(uint64_t number, Entry& entry);
  void retry_refused();
  void give_turns();
  void go_on(uint64_t number, Entry& entry);
  bool is_over() const;

  ServerProcess server_;
  const SocketAddress address_;
  const size_t most_;
  Fd epoll_;
  PipePool pipes_;
  Entries relays_;
  std::vector<uint64_t> turns_;  // of relays with more to move at once
  uint64_t last_number_ = kFirstRelay;
  size_t refused_ = 0;  // relays that the server did not take yet
  bool listening_ = false;
  bool served_ = false;  // the server has taken a connection
  BridgeTime retry_{1};
  int status_ = -1;  // of the server, when it has ended
  Clock::time_point ended_at_;
};

bool Bridge::watch(int fd, uint32_t events, uint64_t number) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = number;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

// Connections wait in the kernel's queue while there are too many here, while one that was taken
// waits for the server itself, and when there is no server.
void Bridge::watch_listener() {
  const bool wanted = status_ < 0 && refused_ == 0 && relays_.size() < most_;
  if (wanted == listening_) return;
  listening_ = wanted;
  if (wanted) {
    watch(heritage::kWorkerSocket, EPOLLIN, kListener);
  } else {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, heritage::kWorkerSocket, nullptr);
  }
}

int Bridge::wait_time() const {
  if (!turns_.empty()) return 0;
  if (refused_ > 0) return static_cast<int>(retry_.count());
  if (status_ >= 0) return static_cast<int>(kRetryMost.count());
  return -1;
}

bool Bridge::is_over() const {
  return status_ >= 0 && (relays_.empty() || Clock::now() - ended_at_ > kDrainTime);
}

Result<int> Bridge::run() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_ || !watch(server_.signals_fd(), EPOLLIN, kSignals) ||
      !watch(server_.ended_fd(), EPOLLIN, kEnded)) {
    return Error::from_errno("epoll", errno);
  }
  std::array<epoll_event, kMostEvents> events;
  while (!is_over()) {
    watch_listener();
    const int count = ::epoll_wait(epoll_.get(), events.data(), kMostEvents, wait_time());
    for (int i = 0; i < count; ++i) handle(events[static_cast<size_t>(i)]);
    give_turns();
    if (refused_ > 0) retry_refused();
  }
  return status_;
}

void Bridge::handle(const epoll_event& event) {
  const uint64_t number = event.data.u64;
  if (number == kListener) return accept_one();
  if (number == kSignals) return server_.forward_signal();
  if (number == kEnded) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, server_.ended_fd(), nullptr);
    status_ = server_.exit_status();
    ended_at_ = Clock::now();
    return;
  }
  const auto found = relays_.find(number);  // an event of one that ended just now is stale
  if (found == relays_.end()) return;
  Entry& entry = found->second;
  if (entry.relay->state() == RelayState::connecting) {
    entry.relay->look_at_connecting();
    if (entry.relay->state() == RelayState::refused) ++refused_;
  }
  go_on(number, entry);
}

void Bridge::accept_one() {
  Fd client(::accept4(heritage::kWorkerSocket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client) return;
  const uint64_t number = ++last_number_;
  auto relay = std::make_unique<Relay>(std::move(client), address_, pipes_);
  Entry& entry = relays_.try_emplace(number, Entry{std::move(relay), Clock::now()}).first->second;
  // Edges: each of them moves all that can be moved, both ways.
  if (!watch(entry.relay->client_fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, number)) {
    relays_.erase(number);
    return;
  }
  connect_again(number, entry);
}

void Bridge::connect_again(uint64_t number, Entry& entry) {
  Relay& relay = *entry.relay;
  relay.connect_again();
  if (relay.state() == RelayState::refused) {
    ++refused_;
    return;
  }
  watch(relay.server_fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, number);
  go_on(number, entry);
}

// The server does not listen yet, or not any more, or its queue is full.
void Bridge::retry_refused() {
  if (retry_ < kRetryMost) retry_ = std::min(retry_ * 2, kRetryMost);
  std::vector<uint64_t> numbers;
  for (const auto& [number, entry] : relays_) {
    if (entry.relay->state() == RelayState::refused) numbers.push_back(number);
  }
  for (const uint64_t number : numbers) {
    Entry& entry = relays_[number];
    --refused_;
    const bool waited = served_ && Clock::now() - entry.since > kRefusedFor;
    if (waited || status_ >= 0) {
      relays_.erase(number);
    } else {
      connect_again(number, entry);
    }
  }
}

// May end the relay.
void Bridge::go_on(uint64_t number, Entry& entry) {
  if (entry.relay->state() == RelayState::open) {
    served_ = true;
    retry_ = BridgeTime(1);
    if (entry.relay->pump() && !entry.has_turn) {
      entry.has_turn = true;
      turns_.push_back(number);
    }
  }
  if (entry.relay->state() == RelayState::done || entry.relay->state() == RelayState::broken) {
    relays_.erase(number);
  }
}

void Bridge::give_turns() {
  std::vector<uint64_t> numbers;
  numbers.swap(turns_);
  for (const uint64_t number : numbers) {
    const auto found = relays_.find(number);  // may have ended
    if (found == relays_.end()) continue;
    found->second.has_turn = false;
    go_on(number, found->second);
  }
}

Result<SocketAddress> server_address(const Arguments& arguments) {
  if (const auto path = arguments.value("path")) return SocketAddress::unix_path(*path);
  return SocketAddress::parse_inet(concat({"127.0.0.1:", arguments.value_or("port", "")}));
}

// The server's limit stays what it was.
size_t raise_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const size_t left = limit.rlim_cur > kOwnDescriptors ? limit.rlim_cur - kOwnDescriptors : 0;
  return std::clamp(left / kDescriptorsPerConnection, size_t{1}, kMostConnections);
}

void prepare_environment(const Arguments& arguments) {
  for (const char* name : {"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"}) ::unsetenv(name);
  if (const auto port = arguments.value("port")) ::setenv("PORT", port->c_str(), 0);
}

}  // namespace

Result<int> run_bridge(const Arguments& arguments) {
  auto address = server_address(arguments);
  if (!address) return address.error();
  // The server must not have it; and only one process accepts here, which must never wait.
  if (::fcntl(heritage::kWorkerSocket, F_SETFD, FD_CLOEXEC) != 0 ||
      ::fcntl(heritage::kWorkerSocket, F_SETFL, O_NONBLOCK) != 0) {
    return Error::from_errno("descriptor 3, which should be the listening socket", errno);
  }
  if (const auto path = arguments.value("path")) {
    ::unlink(path->c_str());  // what a predecessor that was killed left behind
  } else if (const Status status = enter_private_network(); !status.ok()) {
    return status.error();
  }
  // Changing namespaces may have undone what the starter said: to end with the master.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  prepare_environment(arguments);
  auto server = ServerProcess::start(arguments.command());
  if (!server) return server.error();
  ::signal(SIGPIPE, SIG_IGN);
  return Bridge(std::move(*server), *address, raise_open_files()).run();
}

}  // namespace dmpm::adapter
