#include "master/dispatcher_peer.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "master/limits.h"
#include "master/notices.h"

namespace dmpm::master {

using protocol::Request;
using protocol::RequestType;

// Everything that a dispatcher may say.
const std::array<DispatcherPeer::Rule, DispatcherPeer::kRuleCount> DispatcherPeer::kRules = {{
    {RequestType::configured, configuring | serving | draining, kRequestsPerSecond, kRequestBurst,
     &DispatcherPeer::configured},
    {RequestType::want_worker, serving | draining, kRequestsPerSecond, kRequestBurst,
     &DispatcherPeer::want_worker},
    {RequestType::worker_idle, serving | draining, kRequestsPerSecond, kRequestBurst,
     &DispatcherPeer::worker_idle},
    {RequestType::worker_released, serving | draining, kRequestsPerSecond, kRequestBurst,
     &DispatcherPeer::worker_released},
    {RequestType::worker_busy, serving | draining, kRequestsPerSecond, kRequestBurst,
     &DispatcherPeer::worker_busy},
    {RequestType::worker_in_use, serving | draining, kRequestsPerSecond, kRequestBurst,
     &DispatcherPeer::worker_in_use},
    {RequestType::worker_spent, serving | draining, kRequestsPerSecond, kRequestBurst,
     &DispatcherPeer::worker_spent},
    {RequestType::drained, draining, 1, 1, &DispatcherPeer::drained},
}};

std::vector<RateLimit> DispatcherPeer::make_limits() {
  std::vector<RateLimit> limits;
  limits.reserve(kRules.size());
  for (const Rule& rule : kRules) limits.emplace_back(rule.per_second, rule.burst);
  return limits;
}

DispatcherPeer::DispatcherPeer(EventLoop& loop, Fd channel, unsigned number, WorkerGroups& groups,
                               DispatcherPeerHandler& handler)
    : loop_(loop),
      number_(number),
      groups_(groups),
      handler_(handler),
      limits_(make_limits()),
      channel_(loop, std::move(channel), *this, kMaxQueuedNotices) {}

// ---- what it is told ----

void DispatcherPeer::welcome(const std::string& root, const config::Identity& identity,
                             const std::vector<uint32_t>& listener_flags) {
  WireWriter writer = notice(protocol::Notice::welcome);
  writer.u32(number_).string(root).u32(identity.uid).u32(identity.gid);
  writer.u32(static_cast<uint32_t>(listener_flags.size()));
  for (const uint32_t flags : listener_flags) writer.u32(flags);
  send(writer.bytes());
}

void DispatcherPeer::take_over(const Handover::Dispatcher& record) {
  taken_over_ = true;
  phase_ = static_cast<Phase>(record.phase);
  first_ = record.first;
  sent_ = record.sent;
  confirmed_ = record.confirmed;
  for (const std::string& message : record.unsent) send(message);
}

void DispatcherPeer::hand_over(Handover::Dispatcher& record) const {
  record.channel = channel_.fd();
  record.phase = phase_;
  record.first = first_;
  record.sent = sent_;
  record.confirmed = confirmed_;
  record.unsent.assign(channel_.unsent().begin(), channel_.unsent().end());
}

void DispatcherPeer::configure(const std::vector<std::string>& notices, uint32_t version) {
  if (taken_over_) return;
  // Many in a message: each is a system call on either side.
  std::string message;
  for (const std::string& notice : notices) {
    if (!message.empty() && message.size() + notice.size() > kNoticesMessage) {
      send(message);
      message.clear();
    }
    message += notice;
  }
  if (!message.empty()) send(message);
  send(commit(version));
  if (first_ == 0) first_ = version;
  sent_ = version;
}

void DispatcherPeer::drain(Milliseconds idle) {
  if (phase_ == done) return;
  phase_ = draining;
  send(master::drain(kDrainTime, idle));
}

// ---- what it says ----

void DispatcherPeer::on_message(std::string_view message) {
  if (phase_ == done) return;
  if (const Offence offence = judge(message)) offend(offence);
}

Offence DispatcherPeer::judge(std::string_view message) {
  Request request{};
  if (message.size() != sizeof request) return "sent a request of the wrong size";
  std::memcpy(&request, message.data(), sizeof request);
  const auto* rule = std::find_if(kRules.begin(), kRules.end(),
                                  [&](const Rule& r) { return r.type == request.type; });
  if (rule == kRules.end()) return "sent a request of unknown type";
  if ((rule->phases & phase_) == 0) return "sent a request out of phase";
  if (!limits_[static_cast<size_t>(rule - kRules.begin())].take(loop_.now())) {
    return "sent too many requests";
  }
  return (this->*rule->handler)(request);
}

void DispatcherPeer::on_channel_closed(std::string_view reason) {
  if (phase_ != done) offend(concat({"closed its channel (", reason, ")"}));
}

void DispatcherPeer::offend(std::string_view what) {
  phase_ = done;
  handler_.on_offence(what);
}

Offence DispatcherPeer::configured(const Request& request) {
  const uint32_t expected = confirmed_ == 0 ? first_ : confirmed_ + 1;
  if (request.argument != expected || expected > sent_) return "confirms a version out of turn";
  confirmed_ = request.argument;
  if (phase_ == configuring) phase_ = serving;
  handler_.on_configured();
  return nullptr;
}

// A number that was given once may be named for ever: the news that it went may be on its way.

Offence DispatcherPeer::want_worker(const Request& request) {
  if (WorkerGroup* group = groups_.find(request.group)) return group->want(number_);
  if (!groups_.was_given(request.group)) return "names a group that never was";
  send(worker_failed(request.group, Milliseconds(0), "the group was removed"));
  return nullptr;
}

Offence DispatcherPeer::worker_idle(const Request& request) {
  if (WorkerGroup* group = groups_.find(request.group)) return group->idle(number_, request.worker);
  return groups_.was_given(request.group) ? nullptr : "names a group that never was";
}

Offence DispatcherPeer::worker_released(const Request& request) {
  if (WorkerGroup* group = groups_.find(request.group)) {
    return group->released(number_, request.worker);
  }
  return groups_.was_given(request.group) ? nullptr : "names a group that never was";
}

Offence DispatcherPeer::worker_busy(const Request& request) {
  if (WorkerGroup* group = groups_.find(request.group)) return group->busy(number_, request.worker);
  return groups_.was_given(request.group) ? nullptr : "names a group that never was";
}

Offence DispatcherPeer::worker_in_use(const Request& request) {
  if (WorkerGroup* group = groups_.find(request.group)) {
    return group->in_use(number_, request.worker);
  }
  return groups_.was_given(request.group) ? nullptr : "names a group that never was";
}

Offence DispatcherPeer::worker_spent(const Request& request) {
  if (WorkerGroup* group = groups_.find(request.group)) {
    return group->spent(number_, request.worker);
  }
  return groups_.was_given(request.group) ? nullptr : "names a group that never was";
}

Offence DispatcherPeer::drained(const Request&) {
  phase_ = done;
  return nullptr;
}

}  // namespace dmpm::master
