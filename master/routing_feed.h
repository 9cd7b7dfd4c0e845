// RoutingFeed: the configuration as the dispatchers are told it, whole or only what changed.
//
// Gives groups, virtual hosts and certificates their numbers, which are never used twice. What
// makes it the same thing in the next version:
//   group          its name, permissions and worker; if one of these changed, it is a new group with
//                  a new number, and the old one finishes what it has
//   virtual host   its first name
//   certificate    its paths
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/configuration.h"
#include "master/access_log_notices.h"
#include "master/handover.h"

namespace dmpm::master {

class RoutingFeed {
 public:
  // What update() did.
  struct Update {
    std::vector<std::string> notices;  // for dispatchers that know the version before; no commit
    std::vector<std::string> access_logs;  // the same, for the logger
    std::vector<uint32_t> removed_groups;
    std::vector<uint32_t> forgotten_certificates;  // changed or not in use any more
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
  const config::Certificate* certificate(uint32_t number) const;
  // One that uses it, for messages; null when none does.
  const config::VirtualHost* host_with_certificate(uint32_t number) const;
  bool certificate_was_given(uint32_t number) const {
    return number != 0 && number <= last_certificate_;
  }

 private:
  struct CertificateKey {
    std::string_view certificate, key;
    std::string_view second_certificate, second_key;  // empty: there is none
    bool operator==(const CertificateKey&) const = default;
  };
  struct CertificateHash {
    size_t operator()(const CertificateKey& key) const;
  };
  struct HostNumbers {
    uint32_t host, group, certificate;
    bool logged;
    bool operator==(const HostNumbers&) const = default;
  };
  struct KnownCertificate {
    uint32_t number;
    const config::Certificate* certificate;
  };
  // All views and pointers are into one configuration.
  struct Book {
    std::unordered_map<std::string_view, uint32_t> groups;  // by name
    std::unordered_map<CertificateKey, KnownCertificate, CertificateHash> certificates;
    std::unordered_map<uint32_t, const config::Certificate*> certificates_by_number;
    std::vector<HostNumbers> hosts;  // parallel to Configuration::virtual_hosts
  };

  bool group_stays(const std::string& name, const config::Group& group) const;
  void number_groups(const config::Configuration& next, Book& book, Update& update);
  void number_certificates(const config::Configuration& next, Book& book);
  void remove_hosts(const config::Configuration& next, Update& update, HostLogNotices& logs) const;
  void number_hosts(const config::Configuration& next, Book& book, Update& update,
                    HostLogNotices& logs);
  void note_log(const config::Configuration& next, size_t i, size_t old, const HostNumbers& numbers,
                HostLogNotices& logs) const;
  static uint32_t number_of_group(const config::VirtualHost& host, const Book& book);
  static CertificateKey key_of(const config::Certificate& certificate);
  static uint32_t number_of_certificate(const config::VirtualHost& host, const Book& book);
  void remove_groups(const config::Configuration& next, const Book& book, Update& update) const;
  void forget_certificates(const Book& book, Update& update) const;

  std::unique_ptr<const config::Configuration> configuration_;
  Book book_;
  std::unordered_map<std::string_view, uint64_t> taken_over_;  // group -> its fingerprint
  uint32_t last_group_ = 0, last_host_ = 0, last_certificate_ = 0;
};

}  // namespace dmpm::master
