#include "master/routing_feed.h"

#include <algorithm>

#include "master/access_log_notices.h"
#include "master/notices.h"
#include "master/worker_plan.h"

namespace dmpm::master {

using config::Configuration;
using config::Group;
using config::VirtualHost;
using protocol::Notice;

namespace {

uint64_t ms(Milliseconds time) {
  return static_cast<uint64_t>(time.count());
}

std::string group_notice(uint32_t number, const Group& group) {
  return notice(Notice::group)
      .u32(number)
      .string(group.name)
      .u32(group.scale.queue)
      .u32(group.scale.max_requests)
      .u64(ms(group.scale.queue_timeout))
      .u64(ms(group.scale.idle_timeout))
      .u64(ms(group.scale.start_timeout))
      .u64(ms(group.scale.response_timeout))
      .u32(group.forward_trailers ? 1 : 0)
      .take();
}

std::string limits_notice(const ClientLimits& limits) {
  struct Encoder {
    WireWriter writer = notice(Notice::limits);
    void bytes(std::string_view, uint64_t value, uint64_t, uint64_t) { writer.u64(value); }
    void count(std::string_view, unsigned value, uint64_t, uint64_t) { writer.u64(value); }
    void duration(std::string_view, Milliseconds value) { writer.u64(ms(value)); }
  } encoder;
  visit_client_limits(limits, encoder);
  return encoder.writer.take();
}

// Workers of `a` can serve `b`.
bool same_workers(const Group& a, const Group& b) {
  return a.permissions == b.permissions && a.worker == b.worker;
}

// Of all that makes a worker of the group what it is.
uint64_t fingerprint(const Group& group) {
  return std::hash<std::string>()(encode(make_plan(group, 0, "", {}, "")));
}

// Where the virtual hosts of one version stand in another, by their first names. Lists that differ
// in one place only, as after most reloads, need no index but for that place.
class HostMatcher {
 public:
  HostMatcher(const std::vector<VirtualHost>& from, const std::vector<VirtualHost>& to)
      : from_(from), to_(to) {
    const size_t shorter = std::min(from.size(), to.size());
    while (prefix_ < shorter && same(prefix_, prefix_)) ++prefix_;
    while (suffix_ < shorter - prefix_ &&
           same(from.size() - 1 - suffix_, to.size() - 1 - suffix_)) {
      ++suffix_;
    }
    for (size_t i = prefix_; i < to.size() - suffix_; ++i) index_[to[i].names.front()] = i;
  }

  static constexpr size_t kNone = static_cast<size_t>(-1);
  // For from[i]: its place in `to`, or kNone.
  size_t find(size_t i) const {
    if (i < prefix_) return i;
    if (i >= from_.size() - suffix_) return to_.size() - (from_.size() - i);
    const auto found = index_.find(from_[i].names.front());
    return found == index_.end() ? kNone : found->second;
  }

 private:
  bool same(size_t i, size_t j) const { return from_[i].names.front() == to_[j].names.front(); }
  const std::vector<VirtualHost>&from_, &to_;
  size_t prefix_ = 0, suffix_ = 0;  // how many are the same at the start and at the end
  std::unordered_map<std::string_view, size_t> index_;
};

std::string access_log_notice(const config::AccessLog& log) {
  return notice(Notice::access_log).u32(log.file.empty() ? 0 : 1).take();
}

std::string host_notice(uint32_t number, uint32_t group, uint32_t certificate, bool logged,
                        const VirtualHost& host) {
  WireWriter writer = notice(Notice::virtual_host);
  writer.u32(number).u32(group).u32(certificate).u32(logged ? 1 : 0);
  writer.u32(static_cast<uint32_t>(host.names.size()));
  for (const std::string& name : host.names) writer.string(name);
  return writer.take();
}

}  // namespace

size_t RoutingFeed::CertificateHash::operator()(const CertificateKey& key) const {
  const std::hash<std::string_view> hash;
  return hash(key.certificate) * 31 + hash(key.key);
}

RoutingFeed::RoutingFeed() : configuration_(std::make_unique<const Configuration>()) {}

RoutingFeed::Update RoutingFeed::update(Configuration next_configuration) {
  auto next = std::make_unique<const Configuration>(std::move(next_configuration));
  Update update;
  Book book;
  if (next->limits != configuration_->limits) {
    update.notices.push_back(limits_notice(next->limits));
  }
  HostLogNotices logs;
  if (next->access_log != configuration_->access_log) {
    update.notices.push_back(access_log_notice(next->access_log));
    logs.set_common(next->access_log);
  }
  // Names are free before another host takes them; groups go when no host needs them any more.
  remove_hosts(*next, update, logs);
  number_groups(*next, book, update);
  number_certificates(*next, book);
  number_hosts(*next, book, update, logs);
  remove_groups(*next, book, update);
  forget_certificates(book, update);
  update.access_logs = logs.take();
  update.previous = std::move(configuration_);
  configuration_ = std::move(next);
  book_ = std::move(book);
  taken_over_ = {};
  return update;
}

bool RoutingFeed::group_stays(const std::string& name, const Group& group) const {
  const auto old = configuration_->groups.find(name);
  if (old != configuration_->groups.end()) return same_workers(old->second, group);
  const auto taken = taken_over_.find(name);
  return taken != taken_over_.end() && taken->second == fingerprint(group);
}

void RoutingFeed::number_groups(const Configuration& next, Book& book, Update& update) {
  for (const auto& [name, group] : next.groups) {
    const bool stays = group_stays(name, group);
    const uint32_t number = stays ? book_.groups.at(name) : ++last_group_;
    book.groups.emplace(name, number);
    const auto old = configuration_->groups.find(name);
    if (stays && old != configuration_->groups.end() && old->second == group) continue;
    update.notices.push_back(group_notice(number, group));
    ++update.groups_changed;
  }
}

void RoutingFeed::number_certificates(const Configuration& next, Book& book) {
  for (const VirtualHost& host : next.virtual_hosts) {
    if (!host.tls) continue;
    const CertificateKey key = key_of(*host.tls);
    if (book.certificates.contains(key)) continue;
    const auto old = book_.certificates.find(key);
    const uint32_t number =
        old == book_.certificates.end() ? ++last_certificate_ : old->second.number;
    book.certificates.emplace(key, KnownCertificate{number, &*host.tls});
    book.certificates_by_number.emplace(number, &*host.tls);
  }
}

void RoutingFeed::remove_hosts(const Configuration& next, Update& update,
                               HostLogNotices& logs) const {
  const HostMatcher matcher(configuration_->virtual_hosts, next.virtual_hosts);
  for (size_t i = 0; i < book_.hosts.size(); ++i) {
    if (matcher.find(i) != HostMatcher::kNone) continue;
    update.notices.push_back(notice(Notice::remove_virtual_host).u32(book_.hosts[i].host).take());
    if (book_.hosts[i].logged) logs.remove(book_.hosts[i].host);
    ++update.virtual_hosts_changed;
  }
}

void RoutingFeed::number_hosts(const Configuration& next, Book& book, Update& update,
                               HostLogNotices& logs) {
  const std::vector<VirtualHost>& old_hosts = configuration_->virtual_hosts;
  const HostMatcher matcher(next.virtual_hosts, old_hosts);
  book.hosts.reserve(next.virtual_hosts.size());
  for (size_t i = 0; i < next.virtual_hosts.size(); ++i) {
    const VirtualHost& host = next.virtual_hosts[i];
    const size_t old = matcher.find(i);
    const bool known = old != HostMatcher::kNone;
    const HostNumbers numbers{known ? book_.hosts[old].host : ++last_host_,
                              number_of_group(host, book), number_of_certificate(host, book),
                              config::log_of(host, next.access_log).logged()};
    book.hosts.push_back(numbers);
    note_log(next, i, old, numbers, logs);
    if (known && numbers == book_.hosts[old] && host.names == old_hosts[old].names) continue;
    update.notices.push_back(
        host_notice(numbers.host, numbers.group, numbers.certificate, numbers.logged, host));
    ++update.virtual_hosts_changed;
  }
}

uint32_t RoutingFeed::number_of_group(const VirtualHost& host, const Book& book) {
  const auto found = book.groups.find(host.group);
  return found == book.groups.end() ? protocol::kNoGroup : found->second;
}

RoutingFeed::CertificateKey RoutingFeed::key_of(const config::Certificate& certificate) {
  CertificateKey key{certificate.certificate_path, certificate.key_path, {}, {}};
  if (certificate.second) {
    key.second_certificate = certificate.second->certificate_path;
    key.second_key = certificate.second->key_path;
  }
  return key;
}

uint32_t RoutingFeed::number_of_certificate(const VirtualHost& host, const Book& book) {
  if (!host.tls) return protocol::kNoCertificate;
  return book.certificates.at(key_of(*host.tls)).number;
}

void RoutingFeed::remove_groups(const Configuration& next, const Book& book, Update& update) const {
  for (const auto& [name, number] : book_.groups) {
    const auto now = book.groups.find(name);
    if (now != book.groups.end() && now->second == number) continue;
    update.notices.push_back(notice(Notice::remove_group).u32(number).take());
    update.removed_groups.push_back(number);
    if (!next.groups.contains(std::string(name))) ++update.groups_changed;
  }
}

void RoutingFeed::forget_certificates(const Book& book, Update& update) const {
  for (const auto& [key, old] : book_.certificates) {
    const auto now = book.certificates.find(key);
    if (old.certificate == nullptr) continue;  // of the master before: nobody has it now
    if (now != book.certificates.end() && *now->second.certificate == *old.certificate) continue;
    update.notices.push_back(notice(Notice::forget_certificate).u32(old.number).take());
    update.forgotten_certificates.push_back(old.number);
  }
}

void RoutingFeed::hand_over(Handover& to) const {
  to.last_group = last_group_;
  to.last_host = last_host_;
  to.last_certificate = last_certificate_;
  for_each_group([&to](uint32_t number, const Group& group) {
    to.groups.push_back({group.name, number, fingerprint(group)});
  });
  for (const auto& [key, known] : book_.certificates) {
    to.certificates.push_back({std::string(key.certificate), std::string(key.key),
                               std::string(key.second_certificate), std::string(key.second_key),
                               known.number});
  }
}

void RoutingFeed::take_over(const Handover& from) {
  last_group_ = from.last_group;
  last_host_ = from.last_host;
  last_certificate_ = from.last_certificate;
  for (const Handover::Group& group : from.groups) {
    book_.groups.emplace(group.name, group.number);
    taken_over_.emplace(group.name, group.fingerprint);
  }
  for (const Handover::Certificate& known : from.certificates) {
    book_.certificates.emplace(CertificateKey{known.certificate_path, known.key_path,
                                              known.second_certificate_path, known.second_key_path},
                               KnownCertificate{known.number, nullptr});
  }
}

std::vector<std::string> RoutingFeed::snapshot() const {
  std::vector<std::string> notices;
  notices.reserve(1 + book_.groups.size() + book_.hosts.size());
  notices.push_back(limits_notice(configuration_->limits));
  notices.push_back(access_log_notice(configuration_->access_log));
  for_each_group([&notices](uint32_t number, const Group& group) {
    notices.push_back(group_notice(number, group));
  });
  for (size_t i = 0; i < book_.hosts.size(); ++i) {
    const HostNumbers& numbers = book_.hosts[i];
    notices.push_back(host_notice(numbers.host, numbers.group, numbers.certificate, numbers.logged,
                                  configuration_->virtual_hosts[i]));
  }
  return notices;
}

// Hosts of which no log is written are left out, so that most machines pay nothing for them here.
void RoutingFeed::note_log(const Configuration& next, size_t i, size_t old,
                           const HostNumbers& numbers, HostLogNotices& logs) const {
  const VirtualHost& host = next.virtual_hosts[i];
  const bool known = old != HostMatcher::kNone;
  if (known && next.access_log == configuration_->access_log) {
    const VirtualHost& before = configuration_->virtual_hosts[old];
    if (before.access_log == host.access_log && before.group == host.group) return;
  }
  if (numbers.logged) {
    logs.add(numbers.host, host, next.access_log);
  } else if (known && book_.hosts[old].logged) {
    logs.remove(numbers.host);
  }
}

std::vector<std::string> RoutingFeed::access_logs() const {
  HostLogNotices notices;
  notices.set_common(configuration_->access_log);
  for (size_t i = 0; i < book_.hosts.size(); ++i) {
    if (!book_.hosts[i].logged) continue;
    notices.add(book_.hosts[i].host, configuration_->virtual_hosts[i], configuration_->access_log);
  }
  return notices.take();
}

void RoutingFeed::for_each_group(
    const std::function<void(uint32_t number, const Group&)>& visit) const {
  for (const auto& [name, group] : configuration_->groups) visit(book_.groups.at(name), group);
}

const config::VirtualHost* RoutingFeed::host_with_certificate(uint32_t number) const {
  for (size_t i = 0; i < book_.hosts.size(); ++i) {
    if (book_.hosts[i].certificate == number) return &configuration_->virtual_hosts[i];
  }
  return nullptr;
}

const config::Certificate* RoutingFeed::certificate(uint32_t number) const {
  const auto found = book_.certificates_by_number.find(number);
  return found == book_.certificates_by_number.end() ? nullptr : found->second;
}

}  // namespace dmpm::master
