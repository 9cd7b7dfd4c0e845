// KeyholderLink: the keyholder's service, what it is told and what it may ask (keyholder/protocol.h).
//
// What it says is gossip, like a dispatcher's: it may ask for the files of certificates that are
// configured, and say what is wrong with them. The channels between it and the dispatchers are made
// once, one for each number that a dispatcher can have, and both ends of each are kept here: whoever
// dies, its successor finds the same channel with the messages in it.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/channel.h"
#include "base/log.h"
#include "base/rate_limit.h"
#include "config/configuration.h"
#include "config/loader.h"
#include "keyholder/protocol.h"
#include "master/certificate_files.h"
#include "master/counts.h"
#include "master/handover.h"
#include "master/limits.h"
#include "master/routing_feed.h"
#include "master/service.h"

namespace dmpm::master {

struct KeyChannel {
  Fd keyholder, dispatcher;
};
using KeyChannels = std::array<KeyChannel, kMaxDispatchers>;  // by the dispatcher's number
Result<KeyChannels> make_key_channels();

class KeyholderLink final : public ServiceHandler, public ChannelHandler {
 public:
  // `root` is an empty directory. All references outlive it.
  KeyholderLink(EventLoop& loop, Children& children, Log& log, const std::string& executable,
                std::string root, const config::Identity& identity, KeyChannels channels,
                const RoutingFeed& feed, Counts& counts);

  void start() { service_.start(); }
  // Across an upgrade: the keyholder of the master before ends, one of this version starts. What
  // dispatchers ask meanwhile waits in their channels.
  void hand_over(Handover& to) const;
  void take_over(const Handover& from);
  void describe(StatusReport& report) const { service_.describe(report); }
  // For good.
  void stop();

  // The dispatcher's end of its channel, to be inherited.
  int dispatcher_end(unsigned number) const { return channels_[number].dispatcher.get(); }
  // It needs ticket keys.
  void dispatcher_started(unsigned number);
  // The certificate's files changed, or it is not in use any more. To be called before any dispatcher
  // is told.
  void forget(uint32_t certificate);
  // The certificates that were given to the keyholder and whose files are others now: to be forgotten.
  // Files that cannot be used any more are reported, and what was read of them stays in use.
  std::vector<uint32_t> renewed(std::vector<config::Problem>& problems) const;

 private:
  using Request = keyholder_protocol::MasterRequest;

  Result<Inheritance> on_service_starting() override;
  void on_service_ended() override { channel_.reset(); }
  void on_message(std::string_view message) override;
  void on_channel_closed(std::string_view reason) override;
  // What is wrong with the request, or null.
  const char* judge(const Request& request);
  void send_key(uint32_t certificate);
  void send_no_key(uint32_t certificate, const std::string& reason);
  void on_verdict(const Request& request);
  void on_offence_of_dispatcher(const Request& request);
  void report(uint32_t certificate, uint32_t index, const std::string& what);
  // Null: no virtual host uses it.
  std::optional<config::Problem> problem(uint32_t certificate, const std::string& what) const;

  EventLoop& loop_;
  Log& log_;
  const std::string root_;
  const config::Identity identity_;
  const KeyChannels channels_;
  const RoutingFeed& feed_;
  std::unique_ptr<Channel> channel_;  // while a keyholder runs
  RateLimit questions_, reports_;
  // Certificates that the keyholder asked for, and what their files were then: each pair's, or
  // nothing of files that could not be read.
  std::unordered_map<uint32_t, std::vector<CertificateStamps>> given_;
  // What was reported of each certificate's pair last, so that it is said once.
  std::map<std::pair<uint32_t, uint32_t>, std::string> reported_;
  Service service_;
};

}  // namespace dmpm::master
