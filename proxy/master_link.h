// MasterLink: the dispatcher's end of the channel to the master (master/protocol.h): sends requests,
// and hands notices to those whom they concern.
//
// Configuration notices are kept until their commit and then applied at once, so that no request
// sees half of a reload.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/channel.h"
#include "base/log.h"
#include "base/wire.h"
#include "master/protocol.h"
#include "proxy/access_log.h"
#include "proxy/forward/groups.h"
#include "proxy/forward/router.h"
#include "proxy/tls/certificate_store.h"

namespace dmpm {

class MasterLinkOwner {
 public:
  virtual void on_configured() = 0;
  virtual void on_drain(Milliseconds deadline, Milliseconds idle) = 0;
  // The master has gone: so must the dispatcher.
  virtual void on_master_lost() = 0;

 protected:
  ~MasterLinkOwner() = default;
};

struct Routing {
  forward::Router& router;
  forward::Groups& groups;
  tls::CertificateStore& certificates;
  ClientLimits& limits;
  AccessLog& access_log;
};

class MasterLink final : public forward::WorkerSource, private ChannelHandler {
 public:
  MasterLink(EventLoop& loop, Fd channel, MasterLinkOwner& owner, Log& log);
  // Before the loop runs.
  void attach(Routing routing) { routing_.emplace(routing); }

  void want_worker(uint32_t group) override;
  void worker_idle(uint32_t group, uint32_t worker) override;
  void worker_released(uint32_t group, uint32_t worker) override;
  void worker_busy(uint32_t group, uint32_t worker) override;
  void worker_in_use(uint32_t group, uint32_t worker) override;
  void worker_spent(uint32_t group, uint32_t worker) override;
  void drained();

 private:
  void on_message(std::string_view message) override;
  void on_channel_closed(std::string_view reason) override;

  void send(const protocol::Request& request);
  void commit(uint32_t version);
  bool apply(WireReader& reader);
  void set_group(WireReader& reader);
  void set_limits(WireReader& reader);
  void set_virtual_host(WireReader& reader);
  void on_worker_notice(protocol::Notice notice, WireReader& reader);
  [[noreturn]] void reject_message(std::string_view message);

  Channel channel_;
  MasterLinkOwner& owner_;
  Log& log_;
  std::optional<Routing> routing_;
  std::vector<std::string> staged_;  // messages of configuration notices before their commit
};

}  // namespace dmpm
