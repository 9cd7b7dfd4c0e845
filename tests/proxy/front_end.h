// FrontEnd: the dispatcher's data path in one process, for tests and fuzz targets: a real HTTP/1 or
// HTTP/2 session, forwarder, router and pools, with the client in memory and the workers at real
// Unix sockets that the test plays itself. Deterministic: settle() runs the loop until nothing is
// left.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "base/graveyard.h"
#include "proxy/access_log.h"
#include "proxy/forward/forwarder.h"
#include "proxy/http1/server.h"
#include "proxy/http2/server.h"

namespace dmpm::test {

// The client's connection, in memory.
class MemoryClient final : public net::SessionHost {
 public:
  using SessionMaker = std::function<std::unique_ptr<net::Session>(net::SessionHost&)>;
  MemoryClient(EventLoop& loop, http::ClientInfo client, const SessionMaker& make_session);
  ~MemoryClient();

  // Sends as much as the session wants; the rest waits for pump().
  void send(std::string_view bytes);
  void end_input();
  // Delivers waiting bytes; true when the session took some.
  bool pump();
  // What the session has written so far.
  const std::string& received() const { return received_; }
  std::string take_received() { return std::exchange(received_, {}); }
  bool closed() const { return closed_; }
  bool output_ended() const { return output_ended_; }
  // How much of what was written counts as not yet taken by the client.
  void set_unsent(size_t size);
  size_t waiting() const { return input_.size(); }
  net::Session& session() { return *session_; }
  bool group_overdrawn() const { return group_overdrawn_; }

  // net::SessionHost
  void write(std::string_view bytes) override;
  size_t unsent() const override { return unsent_; }
  void request_flush() override { flush_wanted_ = true; }
  void request_turn() override { turn_wanted_ = true; }
  unsigned work_at_once() const override { return net::kWorkAtOnce; }
  void update_reading() override {}
  void end_output() override { output_ended_ = true; }
  void expect_within(Milliseconds) override {}
  void close(bool) override { closed_ = true; }
  Instant now() const override { return loop_.now(); }
  void charge(unsigned) override {}
  void hold_back() override {}
  void set_group_overdrawn(bool overdrawn) override { group_overdrawn_ = overdrawn; }
  Priority priority() const override { return Priority::foreground; }
  const http::ClientInfo& client() const override { return client_; }
  forward::PrivateConnections& private_connections() override { return private_connections_; }

 private:
  EventLoop& loop_;
  http::ClientInfo client_;
  std::string input_, received_;
  size_t unsent_ = 0;
  bool closed_ = false;
  bool output_ended_ = false;
  bool end_wanted_ = false;
  bool flush_wanted_ = false;
  bool turn_wanted_ = false;
  bool group_overdrawn_ = false;
  forward::PrivateConnections private_connections_;
  std::unique_ptr<net::Session> session_;
};

// One accepted connection at a worker's socket, played by the test.
class WorkerEnd {
 public:
  explicit WorkerEnd(Fd fd) : fd_(std::move(fd)) {}
  // Everything that has arrived so far.
  const std::string& received();
  std::string take_received();
  void send(std::string_view bytes);
  void close() { fd_.reset(); }
  void half_close();
  bool open() const { return static_cast<bool>(fd_); }
  // The dispatcher has ended the connection.
  bool ended();

 private:
  void read();
  Fd fd_;
  std::string received_;
  bool ended_ = false;
};

class FrontEnd final : private forward::WorkerSource, private forward::FailureReporter {
 public:
  FrontEnd();
  ~FrontEnd();

  // A virtual host `name` of a group of its own, with a worker that listens already.
  // Returns the group's number.
  uint32_t add_site(const std::string& name, uint32_t capacity = 16, bool proxy_protocol = false);
  std::unique_ptr<MemoryClient> connect(http::ClientInfo client = {"192.0.2.7", true, 0});
  std::unique_ptr<MemoryClient> connect_http2();
  // Runs the loop and pumps `clients` until nothing happens any more.
  void settle(std::initializer_list<MemoryClient*> clients = {});
  // The connections that a group's worker has accepted so far, oldest first.
  std::vector<std::unique_ptr<WorkerEnd>>& accepted(uint32_t group);
  // Closes the listening socket and says worker_gone, as after kill -9.
  void kill_worker(uint32_t group);
  void start_worker(uint32_t group);
  // As much as `work` is done for the group.
  void charge(uint32_t group, unsigned work) { groups_.pool(group)->charge(work); }
  // The next want_worker of the group is answered with worker_failed.
  void fail_starts(uint32_t group, std::string reason);

  EventLoop& loop() { return loop_; }
  ClientLimits& limits() { return limits_; }
  Counts& counts() { return counts_; }
  const std::vector<std::string>& failures() const { return failures_; }
  size_t wanted_workers() const { return wanted_; }

  // From here on, exchanges of sites that are added are logged, and those of no site.
  void log_exchanges();
  struct Logged {
    exchange_protocol::Record record;
    std::array<std::string, exchange_protocol::kTexts> texts;
  };
  // What has been logged since the last call, as soon as it is told.
  std::vector<Logged> take_logged();

 private:
  struct Site {
    std::string socket;
    uint32_t worker = 0;
    uint32_t known_worker = 0;  // that the pool was told of
    uint32_t capacity = 0;
    Fd listening;
    std::string fail_reason;
    std::vector<std::unique_ptr<WorkerEnd>> accepted;
  };

  void answer(uint32_t group, Site& site, forward::WorkerPool& pool);
  void want_worker(uint32_t group) override;
  void worker_idle(uint32_t, uint32_t) override {}
  void worker_released(uint32_t, uint32_t) override {}
  void worker_busy(uint32_t, uint32_t) override {}
  void worker_in_use(uint32_t, uint32_t) override {}
  void worker_spent(uint32_t, uint32_t) override {}
  std::string report(const forward::Failure& failure, std::string_view group, std::string_view host,
                     std::string_view client) override;

  std::string directory_;
  EventLoop loop_;
  DeadlineWheel wheel_;
  Graveyard graveyard_;
  Counts counts_;
  std::vector<char> worker_input_;
  ClientLimits limits_;
  forward::Router router_;
  forward::Groups groups_;
  Fd logger_;  // the other end of access_log_'s channel
  AccessLog access_log_;
  forward::ForwarderServices services_;
  http1::ExchangePool exchanges_;
  http2::StreamPool streams_;
  std::map<uint32_t, Site> sites_;
  std::vector<std::string> failures_;
  std::vector<uint32_t> unanswered_;
  size_t wanted_ = 0;
  bool logs_ = false;
};

}  // namespace dmpm::test
