// What the master's tests share: a loop that runs until something is true, a directory that goes, a
// dispatcher played by the test, and a house of groups without services.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "base/wire.h"
#include "config/configuration.h"
#include "master/dispatcher_peer.h"
#include "master/protocol.h"
#include "master/routing_feed.h"
#include "master/start_throttle.h"
#include "master/worker_groups.h"
#include "master/worker_services.h"

namespace dmpm::master::test {

// Ids that no package uses.
inline constexpr uid_t kWorkerUid = 61001;
inline constexpr gid_t kWorkerGid = 61001;
inline constexpr gid_t kDispatcherGid = 61003;
inline constexpr gid_t kLoggerGid = 61004;

// Most of the master is about users: without root there is nothing to test. Loudly.
#define DMPM_NEEDS_ROOT()                        \
  do {                                           \
    if (::geteuid() != 0) {                      \
      MESSAGE("SKIPPED, needs root: " __FILE__); \
      return;                                    \
    }                                            \
  } while (false)

// Runs the loop until `condition` holds; false when it does not within the time.
bool run_until(EventLoop& loop, const std::function<bool()>& condition,
               Milliseconds limit = Milliseconds(10'000));
void run_for(EventLoop& loop, Milliseconds time);

// /tmp/dmpm-test.XXXXXX, entered by everybody, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  // A directory in it, and its path.
  std::string make(const std::string& name) const;

 private:
  std::string path_;
};

void write_file(const std::string& path, std::string_view text, mode_t mode = 0644);
std::string read_file(const std::string& path);

// Sends `line` to the socket and returns the whole answer, empty when there was none. Waits, with
// the loop running, until the connection is closed.
std::string ask(EventLoop& loop, const std::string& socket, std::string_view line);
// Connects and sends, but does not wait.
Fd send_line(const std::string& socket, std::string_view line);

class CapturedLog final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) override {
    text += line;
    text += '\n';
    return true;
  }
  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  std::string text;
};

// A group whose worker is dmpm-test_worker, copied to where any user can run it.
config::Group make_group(const TemporaryDirectory& directory, const std::string& name,
                         std::vector<std::string> options = {});

struct House;

// One dispatcher: the test's end of the channel, and the master's peer at the other.
class Player final : public DispatcherPeerHandler {
 public:
  Player(House& house, unsigned number);

  void say(protocol::RequestType type, uint32_t group = 0, uint32_t worker = 0,
           uint32_t argument = 0);
  void say_bytes(std::string_view bytes);
  // The next notice of this kind (others before it are dropped); its fields behind the kind. Fails
  // the test when there is none in time.
  std::string hear(protocol::Notice kind);
  // One of this kind has come up to now.
  bool has_heard(protocol::Notice kind);
  // As one that has requests for `group`: answers every release_worker by worker_busy until
  // worker_failed comes, whose fields it returns.
  std::string insist(uint32_t group);
  // Runs until the peer has complained.
  bool is_ended();
  // As a dispatcher that read its configuration would.
  void configure(uint32_t version = 1);
  int fd() const { return fd_.get(); }

  std::unique_ptr<DispatcherPeer> peer;
  std::string offence;
  unsigned times_configured = 0;

 private:
  void on_configured() override { ++times_configured; }
  void on_offence(std::string_view what) override { offence = what; }
  void receive();
  std::optional<std::string> take(protocol::Notice kind);
  House& house_;
  Fd fd_;
  std::vector<std::string> heard_;
};

struct Ready {
  uint32_t group, worker, capacity, at_once, requests;
  std::string socket;
};
Ready parse_ready(std::string_view fields);
struct Failed {
  uint32_t group;
  uint64_t retry_after;
  std::string reason;
};
Failed parse_failed(std::string_view fields);

// Groups, feed and dispatchers, wired as Master does, without services or processes of dmpm.
struct House final : public DispatcherLinks,
                     public WorkersHandler,
                     public WorkerLogReader,
                     public TroubleListener {
  explicit House(unsigned dispatchers = 1);
  ~House();

  // Puts groups in force (as a reload does, when called again) with one virtual host each.
  void configure(std::vector<config::Group> groups);
  std::string socket(const Ready& ready) const { return sockets + "/" + ready.socket; }

  void send(unsigned dispatcher, std::string_view notice) override;
  unsigned count() const override { return static_cast<unsigned>(players.size()); }
  void on_workers_ended() override { workers_ended = true; }
  void open_worker_log(uint32_t id, const std::string& group, const std::string& pipe) override;
  void close_worker_log(uint32_t id) override;

  void trouble(std::string_view group, std::string_view reason) override {
    troubles.push_back(concat({group, ": ", reason}));
  }

  std::vector<std::string> troubles;
  std::vector<std::string> logs;  // "open ID GROUP PIPE", "close ID"
  TemporaryDirectory directory;
  std::string sockets, pipes;
  Fd pipes_fd;
  EventLoop loop;
  DeadlineWheel wheel{loop};
  CapturedLog captured;
  Log log{"master", captured};
  Children children{loop};
  StartThrottle throttle{loop, kStartsPerSecond, kStartBurst};
  WarmWorkers warm{loop, [] { return false; }};
  WorkerPlaces places;
  Counts counts{std::move(*metrics::Mapping<metrics::MasterSegment>::alone())};
  RoutingFeed feed;
  WorkerServices services;
  WorkerGroups groups{services};
  std::vector<std::unique_ptr<Player>> players;
  bool workers_ended = false;
  uint32_t version = 1;
};

}  // namespace dmpm::master::test
