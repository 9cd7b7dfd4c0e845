// HttpServer: answers GET requests on the sockets that it was given, a few connections at a time.
//
// Its own few lines, not a library's: it is the only way from outside into this process, and needs
// neither bodies, nor pipelining, nor connections that stay.
//
//   reading ──head complete, or refused──▶ answering ──last piece sent──▶ gone
//      └────────────────── too slow, or left ────────────┴──▶ gone
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "metrics/content.h"

namespace dmpm::metrics {

// What there is to be had.
class Site {
 public:
  // Null: nothing has that path.
  virtual std::unique_ptr<Content> get(std::string_view path) = 0;

 protected:
  ~Site() = default;
};

class HttpServer final : private Deferred {
 public:
  HttpServer(EventLoop& loop, DeadlineWheel& wheel, Site& site);
  ~HttpServer();

  // Answers there, too. `loopback_names`: only requests that name the loopback as their host.
  void listen(Fd socket, bool loopback_names);

 private:
  class Listener;
  class Connection;
  void accept(const Fd& socket, bool loopback_names);
  // Not more connections than the cap: the others wait in the kernel's queue.
  void update_listening();
  void run_deferred() override;

  EventLoop& loop_;
  DeadlineWheel& wheel_;
  Site& site_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace dmpm::metrics
