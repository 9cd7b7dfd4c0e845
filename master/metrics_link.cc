#include "master/metrics_link.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/socket.h"
#include "base/text.h"
#include "base/wire.h"
#include "master/limits.h"
#include "master/protocol.h"
#include "metrics/protocol.h"

namespace dmpm::master {

namespace {

using metrics_protocol::Notice;

WireWriter notice(Notice kind) {
  WireWriter writer;
  writer.u32(static_cast<uint32_t>(kind));
  return writer;
}

Result<Fd> listen_at(const SocketAddress& address, const std::string& name) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), address.get(), address.size) != 0 ||
      ::listen(fd.get(), kMetricsBacklog) != 0) {
    return Error::from_errno(concat({"\"metrics\": cannot listen on ", name}), errno);
  }
  return fd;
}

// For root and whoever is in the group of dmpm-metrics.
Status open_to_group(const std::string& path, gid_t group) {
  if (::lchown(path.c_str(), 0, group) != 0 || ::chmod(path.c_str(), 0660) != 0) {
    return Error::from_errno(path, errno);
  }
  return {};
}

}  // namespace

Result<MetricsSockets> bind_metrics_sockets(const config::Configuration& configuration,
                                            MetricsSockets from) {
  const config::MetricsSettings& wanted = configuration.metrics;
  const std::string path = concat({configuration.runtime_directory, "/", kMetricsSocketName});
  MetricsSockets sockets;
  if (!from.local || !wanted.on) ::unlink(path.c_str());
  if (!wanted.on) return sockets;
  sockets.local = std::move(from.local);
  if (!sockets.local) {
    auto address = SocketAddress::unix_path(path);
    if (!address) return address.error();
    auto bound = listen_at(*address, path);
    if (!bound) return bound.error();
    sockets.local = std::move(*bound);
  }
  if (Status status = open_to_group(path, wanted.identity.gid); !status.ok()) return status.error();
  if (wanted.port == 0) return sockets;
  auto address = SocketAddress::parse_inet(concat({"127.0.0.1:", std::to_string(wanted.port)}));
  if (!address) return address.error();
  const auto before = local_address(from.port.get());
  if (before.ok() && before.value().port() == address->port()) {
    sockets.port = std::move(from.port);
    return sockets;
  }
  auto bound = listen_at(*address, address->to_string());
  if (!bound) return bound.error();
  sockets.port = std::move(*bound);
  return sockets;
}

MetricsLink::MetricsLink(EventLoop& loop, Children& children, Log& log,
                         const std::string& executable, std::string root, MetricsSockets sockets,
                         const MetricsMemory& memory, const RoutingFeed& feed, Counts& counts)
    : loop_(loop),
      root_(std::move(root)),
      sockets_(std::move(sockets)),
      memory_(memory),
      feed_(feed),
      service_(loop, children, log, "metrics", executable, *this,
               counts.service(metrics::kMetricsPlace)) {}

// ---- the service ----

void MetricsLink::start() {
  if (on()) service_.start();
}

Result<Inheritance> MetricsLink::on_service_starting() {
  auto pair = Channel::pair();
  if (!pair) return pair.error();
  channel_ = std::make_unique<Channel>(loop_, std::move(pair->ours), *this, kMaxQueuedNotices);
  welcome();
  configure_whole();
  inherited_.clear();
  Inheritance inheritance{std::move(pair->theirs), {}};
  const auto add = [&](const Fd& memory) -> Status {
    auto fd = read_only(memory);
    if (!fd) return fd.error();
    inheritance.others.push_back(fd->get());
    inherited_.push_back(std::move(*fd));
    return {};
  };
  if (const Status status = add(memory_.master); !status.ok()) return status.error();
  inheritance.others.push_back(sockets_.local.get());
  inheritance.others.push_back(sockets_.port ? sockets_.port.get() : STDIN_FILENO);
  for (const Fd& dispatcher : memory_.dispatchers) {
    if (const Status status = add(dispatcher); !status.ok()) return status.error();
  }
  return inheritance;
}

void MetricsLink::on_service_ended() {
  channel_.reset();
  inherited_.clear();
}

void MetricsLink::hand_over(Handover& to) const {
  to.metrics_socket = sockets_.local.get();
  to.metrics_port = sockets_.port.get();
  if (!service_.up()) return;
  to.metrics_pid = static_cast<uint32_t>(service_.pid());
  to.metrics_age = static_cast<uint64_t>(service_.age().count());
}

void MetricsLink::take_over(const Handover& from) {
  if (from.metrics_pid == 0) return start();
  service_.take_over(static_cast<pid_t>(from.metrics_pid), Milliseconds(from.metrics_age));
  if (!on()) return stop();
  service_.renew();
  service_.kill();
}

void MetricsLink::describe(StatusReport& report) const {
  if (on()) service_.describe(report);
}

void MetricsLink::stop() {
  service_.retire();
  service_.kill();
}

// ---- what it is told ----

void MetricsLink::welcome() {
  const config::Configuration& now = feed_.configuration();
  const config::Identity& own = now.metrics.identity;
  uint32_t flags = 0;
  if (sockets_.port) flags |= metrics_protocol::kHasPort;
  if (now.metrics.status_page) flags |= metrics_protocol::kStatusPage;
  channel_->send(notice(Notice::welcome)
                     .string(root_)
                     .u32(own.uid)
                     .u32(own.gid)
                     .u32(flags)
                     .u32(static_cast<uint32_t>(memory_.dispatchers.size()))
                     .string(now.dispatcher.identity.user)
                     .string(now.keyholder.user)
                     .string(now.logger.user)
                     .string(own.user)
                     .bytes());
}

void MetricsLink::configure(const std::vector<std::string>& notices,
                            const std::vector<RoutingFeed::NumberedGroup>& groups) {
  if (!channel_) return;
  for (const std::string& message : notices) channel_->send(message);
  for (const auto& [number, group] : groups) {
    channel_->send(
        notice(Notice::group_user).u32(number).string(group->permissions.identity.user).bytes());
  }
  channel_->send(WireWriter().u32(static_cast<uint32_t>(protocol::Notice::commit)).u32(0).bytes());
}

void MetricsLink::configure_whole() {
  std::vector<RoutingFeed::NumberedGroup> groups;
  feed_.for_each_group([&groups](uint32_t number, const config::Group& group) {
    groups.emplace_back(number, &group);
  });
  configure(feed_.snapshot(), groups);
}

// Lost when it does not read: the log has it.
void MetricsLink::trouble(std::string_view group, std::string_view reason) {
  if (!channel_) return;
  channel_->try_send(
      notice(Notice::trouble).string(group).string(reason.substr(0, kMaxReasonReported)).bytes());
}

}  // namespace dmpm::master
