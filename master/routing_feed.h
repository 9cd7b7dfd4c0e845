// RoutingFeed: the configuration as the dispatchers are told it, whole or only what changed.
//
// Gives groups, virtual hosts and certificates their numbers, which are never used twice. What
// makes it the same thing in the next version:
//   group          its name, permissions and worker; if one of these changed, it is a new group with
//                  a new number, and the old one finishes what it has
//   virtual host   its first name
//   certificate    its paths
// What an update costs is in proportion to the sections that are not the same objects as before, and
// to all of them only when the main file changes its groups or its access log.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/configuration.h"
#include "master/access_log_notices.h"
#include "master/certificate_numbers.h"
#include "master/handover.h"

namespace dmpm::master {

class RoutingFeed {
 public:
  using Section = std::shared_ptr<const config::Section>;
  using NumberedGroup = std::pair<uint32_t, const config::Group*>;

  // What update() did.
  struct Update {
    std::vector<std::string> notices;  // for dispatchers that know the version before; no commit
    std::vector<std::string> access_logs;  // the same, for the logger
    // Those that are new or stand elsewhere now, changed or not.
    std::vector<NumberedGroup> groups;
    std::vector<uint32_t> removed_groups;
    std::vector<uint32_t> forgotten_certificates;  // not in use any more
    size_t groups_changed = 0;                     // new, changed and removed ones
    size_t virtual_hosts_changed = 0;              // the same
    // The version before: to be kept until nothing refers to it any more.
    std::unique_ptr<const config::Configuration> previous;
  };

  // Nothing is in force yet.
  RoutingFeed();

  // `next` is in force now.
  Update update(config::Configuration next);
  // Everything in force, for a dispatcher that knows nothing; no commit.
  std::vector<std::string> snapshot() const;
  // The same, for a new logger.
  std::vector<std::string> access_logs() const;

  // Across an upgrade: every number in use. take_over() comes before the first update(), in which
  // what is the same gets its number again; `from` outlives that.
  void hand_over(Handover& to) const;
  void take_over(const Handover& from);

  // In force.
  const config::Configuration& configuration() const { return *configuration_; }
  void for_each_group(
      const std::function<void(uint32_t number, const config::Group&)>& visit) const;
  // Null: never was, or is not in force any more.
  const config::Certificate* certificate(uint32_t number) const {
    return certificates_.find(number);
  }
  // One that uses it, for messages; null when none does.
  const config::VirtualHost* host_with_certificate(uint32_t number) const;
  bool certificate_was_given(uint32_t number) const { return certificates_.was_given(number); }

 private:
  struct HostNumbers {
    uint32_t host, group, certificate;
    bool logged;
    bool operator==(const HostNumbers&) const = default;
  };
  struct KnownGroup {
    uint32_t number;
    const config::Group* group;  // null: of the master before
  };
  struct OldHost {
    const config::VirtualHost* host;
    HostNumbers numbers;
  };
  // The sections that differ, and what was in those that are gone, by (first) name.
  struct Change {
    std::vector<Section> gone, come;
    std::unordered_map<std::string_view, OldHost> hosts;
    std::unordered_map<std::string_view, KnownGroup> groups;
    bool main_access_log = false;
  };

  // The steps of an update.
  Change compare(const config::Configuration& next) const;
  void forget_gone(Change& change);
  void remove_hosts(const Change& change, Update& update, HostLogNotices& logs) const;
  void number_groups(const Change& change, Update& update);
  void number_hosts(const Change& change, const config::AccessLog& main, Update& update,
                    HostLogNotices& logs);
  HostNumbers number_host(const config::VirtualHost& host, const Section& section,
                          const OldHost* old, const config::AccessLog& main);
  void remove_groups(const Change& change, Update& update) const;

  bool group_stays(const KnownGroup& old, const config::Group& group) const;
  uint32_t number_of_group(const config::VirtualHost& host) const;
  // Every virtual host in force, in order.
  template <typename Visit>
  void for_each_host(const Visit& visit) const;

  std::unique_ptr<const config::Configuration> configuration_;
  // All views and pointers are into its sections.
  std::unordered_map<std::string_view, KnownGroup> groups_;  // by name
  std::unordered_map<const config::Section*, std::vector<HostNumbers>> hosts_;
  CertificateNumbers certificates_;
  std::unordered_map<std::string_view, uint64_t> taken_over_;  // group -> its fingerprint
  uint32_t last_group_ = 0, last_host_ = 0;
};

}  // namespace dmpm::master
