#include "master/routing_feed.h"

#include <algorithm>
#include <span>
#include <unordered_set>

#include "master/notices.h"
#include "master/routing_notices.h"
#include "master/worker_plan.h"

namespace dmpm::master {

using config::Configuration;
using config::Group;
using config::VirtualHost;
using protocol::Notice;

namespace {

// Workers of `a` can serve `b`.
bool same_workers(const Group& a, const Group& b) {
  return a.permissions == b.permissions && a.worker == b.worker;
}

// Of all that makes a worker of the group what it is.
uint64_t fingerprint(const Group& group) {
  const uint64_t plan = std::hash<std::string>()(encode(make_plan(group, 0, "", {}, "")));
  return group.worker.proxy_protocol ? ~plan : plan;  // the plan does not say
}

// Whether virtual hosts of other sections can stay with the main file's groups as they are.
bool same_main_groups(const Configuration& a, const Configuration& b) {
  if (a.sections.empty() || b.sections.empty()) return false;
  const auto& x = a.sections.front()->groups;
  const auto& y = b.sections.front()->groups;
  return &x == &y || std::equal(x.begin(), x.end(), y.begin(), y.end(),
                                [](const Group& one, const Group& other) {
                                  return one.name == other.name && same_workers(one, other);
                                });
}

// Those of `from` that are not in `other`.
std::vector<RoutingFeed::Section> not_in(std::span<const RoutingFeed::Section> from,
                                         std::span<const RoutingFeed::Section> other) {
  const std::unordered_set<RoutingFeed::Section> known(other.begin(), other.end());
  std::vector<RoutingFeed::Section> out;
  for (const auto& section : from) {
    if (!known.contains(section)) out.push_back(section);
  }
  return out;
}

}  // namespace

RoutingFeed::RoutingFeed() : configuration_(std::make_unique<const Configuration>()) {}

RoutingFeed::Update RoutingFeed::update(Configuration next_configuration) {
  auto next = std::make_unique<const Configuration>(std::move(next_configuration));
  Update update;
  HostLogNotices logs;
  if (next->limits != configuration_->limits) {
    update.notices.push_back(limits_notice(next->limits));
  }
  if (next->access_log != configuration_->access_log) {
    update.notices.push_back(access_log_notice(next->access_log));
    logs.set_common(next->access_log);
  }
  Change change = compare(*next);
  forget_gone(change);
  // Names are free before another host takes them; groups go when no host needs them any more.
  remove_hosts(change, update, logs);
  number_groups(change, update);
  number_hosts(change, next->access_log, update, logs);
  remove_groups(change, update);
  for (const uint32_t number : certificates_.sweep()) {
    update.notices.push_back(forget_certificate(number));
    update.forgotten_certificates.push_back(number);
  }
  update.access_logs = logs.take();
  update.previous = std::move(configuration_);
  configuration_ = std::move(next);
  taken_over_ = {};
  return update;
}

RoutingFeed::Change RoutingFeed::compare(const Configuration& next) const {
  Change change;
  change.main_access_log = next.access_log != configuration_->access_log;
  std::span<const Section> old(configuration_->sections), now(next.sections);
  if (change.main_access_log || !same_main_groups(*configuration_, next)) {
    change.gone.assign(old.begin(), old.end());
    change.come.assign(now.begin(), now.end());
    return change;
  }
  // Mostly one section changes: the others need no look-up.
  const auto first = std::mismatch(old.begin(), old.end(), now.begin(), now.end());
  const auto same = static_cast<size_t>(first.first - old.begin());
  old = old.subspan(same);
  now = now.subspan(same);
  const auto last = std::mismatch(old.rbegin(), old.rend(), now.rbegin(), now.rend());
  const auto same_at_end = static_cast<size_t>(last.first - old.rbegin());
  old = old.first(old.size() - same_at_end);
  now = now.first(now.size() - same_at_end);
  change.gone = not_in(old, now);
  change.come = not_in(now, old);
  return change;
}

// Moves what is known of the sections that are gone into `change`.
void RoutingFeed::forget_gone(Change& change) {
  for (const Section& section : change.gone) {
    const auto numbers = hosts_.extract(section.get());
    for (size_t i = 0; i < section->virtual_hosts.size(); ++i) {
      const VirtualHost& host = section->virtual_hosts[i];
      change.hosts.emplace(host.names.front(), OldHost{&host, numbers.mapped()[i]});
      if (host.tls) certificates_.release(*host.tls);
    }
    for (const Group& group : section->groups) {
      const auto known = groups_.find(group.name);
      change.groups.emplace(group.name, known->second);
      groups_.erase(known);
    }
  }
  // The first change after an upgrade.
  if (!taken_over_.empty()) change.groups = std::exchange(groups_, {});
}

void RoutingFeed::remove_hosts(const Change& change, Update& update, HostLogNotices& logs) const {
  std::unordered_set<std::string_view> here;
  for (const Section& section : change.come) {
    for (const VirtualHost& host : section->virtual_hosts) here.insert(host.names.front());
  }
  for (const Section& section : change.gone) {
    for (const VirtualHost& host : section->virtual_hosts) {
      if (here.contains(host.names.front())) continue;
      const HostNumbers& numbers = change.hosts.at(host.names.front()).numbers;
      update.notices.push_back(notice(Notice::remove_virtual_host).u32(numbers.host).take());
      if (numbers.logged) logs.remove(numbers.host);
      ++update.virtual_hosts_changed;
    }
  }
}

bool RoutingFeed::group_stays(const KnownGroup& old, const Group& group) const {
  if (old.group != nullptr) return same_workers(*old.group, group);
  const auto taken = taken_over_.find(group.name);
  return taken != taken_over_.end() && taken->second == fingerprint(group);
}

void RoutingFeed::number_groups(const Change& change, Update& update) {
  for (const Section& section : change.come) {
    for (const Group& group : section->groups) {
      const auto old = change.groups.find(group.name);
      const bool stays = old != change.groups.end() && group_stays(old->second, group);
      const uint32_t number = stays ? old->second.number : ++last_group_;
      groups_.emplace(group.name, KnownGroup{number, &group});
      update.groups.emplace_back(number, &group);
      if (stays && old->second.group != nullptr && *old->second.group == group) continue;
      update.notices.push_back(group_notice(number, group));
      ++update.groups_changed;
    }
  }
}

void RoutingFeed::number_hosts(const Change& change, const config::AccessLog& main, Update& update,
                               HostLogNotices& logs) {
  for (const Section& section : change.come) {
    std::vector<HostNumbers>& all = hosts_[section.get()];
    all.reserve(section->virtual_hosts.size());
    for (const VirtualHost& host : section->virtual_hosts) {
      const auto found = change.hosts.find(host.names.front());
      const OldHost* old = found == change.hosts.end() ? nullptr : &found->second;
      const HostNumbers numbers = number_host(host, section, old, main);
      all.push_back(numbers);
      const bool same_log = old && !change.main_access_log &&
                            old->host->access_log == host.access_log &&
                            old->host->group == host.group;
      // Hosts of which no log is written are left out: most machines pay nothing for them here.
      if (numbers.logged && !same_log) logs.add(numbers.host, host, main);
      if (!numbers.logged && old && old->numbers.logged) logs.remove(numbers.host);
      if (old && numbers == old->numbers && host.names == old->host->names) continue;
      update.notices.push_back(
          host_notice(numbers.host, numbers.group, numbers.certificate, numbers.logged, host));
      ++update.virtual_hosts_changed;
    }
  }
}

RoutingFeed::HostNumbers RoutingFeed::number_host(const VirtualHost& host, const Section& section,
                                                  const OldHost* old,
                                                  const config::AccessLog& main) {
  return {old ? old->numbers.host : ++last_host_, number_of_group(host),
          host.tls ? certificates_.take(*host.tls, section) : protocol::kNoCertificate,
          config::log_of(host, main).logged()};
}

uint32_t RoutingFeed::number_of_group(const VirtualHost& host) const {
  const auto found = groups_.find(host.group);
  return found == groups_.end() ? protocol::kNoGroup : found->second.number;
}

void RoutingFeed::remove_groups(const Change& change, Update& update) const {
  for (const auto& [name, old] : change.groups) {
    const auto now = groups_.find(name);
    if (now != groups_.end() && now->second.number == old.number) continue;
    update.notices.push_back(notice(Notice::remove_group).u32(old.number).take());
    update.removed_groups.push_back(old.number);
    if (now == groups_.end()) ++update.groups_changed;
  }
}

void RoutingFeed::hand_over(Handover& to) const {
  to.last_group = last_group_;
  to.last_host = last_host_;
  for_each_group([&to](uint32_t number, const Group& group) {
    to.groups.push_back({group.name, number, fingerprint(group)});
  });
  certificates_.hand_over(to);
}

void RoutingFeed::take_over(const Handover& from) {
  last_group_ = from.last_group;
  last_host_ = from.last_host;
  for (const Handover::Group& group : from.groups) {
    groups_.emplace(group.name, KnownGroup{group.number, nullptr});
    taken_over_.emplace(group.name, group.fingerprint);
  }
  certificates_.take_over(from);
}

template <typename Visit>
void RoutingFeed::for_each_host(const Visit& visit) const {
  for (const Section& section : configuration_->sections) {
    const std::vector<HostNumbers>& numbers = hosts_.at(section.get());
    for (size_t i = 0; i < numbers.size(); ++i) visit(numbers[i], section->virtual_hosts[i]);
  }
}

std::vector<std::string> RoutingFeed::snapshot() const {
  std::vector<std::string> notices;
  notices.push_back(limits_notice(configuration_->limits));
  notices.push_back(access_log_notice(configuration_->access_log));
  for_each_group([&notices](uint32_t number, const Group& group) {
    notices.push_back(group_notice(number, group));
  });
  for_each_host([&notices](const HostNumbers& numbers, const VirtualHost& host) {
    notices.push_back(
        host_notice(numbers.host, numbers.group, numbers.certificate, numbers.logged, host));
  });
  return notices;
}

std::vector<std::string> RoutingFeed::access_logs() const {
  HostLogNotices notices;
  notices.set_common(configuration_->access_log);
  for_each_host([this, &notices](const HostNumbers& numbers, const VirtualHost& host) {
    if (numbers.logged) notices.add(numbers.host, host, configuration_->access_log);
  });
  return notices.take();
}

void RoutingFeed::for_each_group(
    const std::function<void(uint32_t number, const Group&)>& visit) const {
  for (const Section& section : configuration_->sections) {
    for (const Group& group : section->groups) visit(groups_.at(group.name).number, group);
  }
}

const VirtualHost* RoutingFeed::host_with_certificate(uint32_t number) const {
  const VirtualHost* found = nullptr;
  for_each_host([number, &found](const HostNumbers& numbers, const VirtualHost& host) {
    if (found == nullptr && numbers.certificate == number) found = &host;
  });
  return found;
}

}  // namespace dmpm::master
