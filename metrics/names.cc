#include "metrics/names.h"

#include <algorithm>
#include <unordered_map>

#include "master/protocol.h"
#include "metrics/limits.h"
#include "metrics/protocol.h"
#include "metrics/segment.h"

namespace dmpm::metrics {

using MasterNotice = protocol::Notice;
using OwnNotice = metrics_protocol::Notice;

bool Names::hear(std::string_view message, Instant now) {
  WireReader reader(message);
  const uint32_t kind = reader.u32();
  if (!reader.ok()) return false;
  if (kind == static_cast<uint32_t>(OwnNotice::trouble)) {
    Trouble trouble{std::string(reader.string()), std::string(reader.string()), now};
    if (!reader.complete()) return false;
    troubles_.push_front(std::move(trouble));
    if (troubles_.size() > limits::kTroubles) troubles_.pop_back();
    return true;
  }
  if (kind != static_cast<uint32_t>(MasterNotice::commit)) {
    staged_.emplace_back(message);
    return true;
  }
  for (const std::string& staged : staged_) apply(staged);
  staged_ = {};
  listing_.reset();
  return true;
}

void Names::apply(std::string_view message) {
  WireReader reader(message);
  const uint32_t kind = reader.u32();
  if (kind == static_cast<uint32_t>(OwnNotice::group_user)) {
    const auto group = groups_.find(reader.u32());
    if (group != groups_.end()) group->second.user = reader.string();
    return;
  }
  switch (static_cast<MasterNotice>(kind)) {
    case MasterNotice::group: return set_group(reader);
    case MasterNotice::remove_group: groups_.erase(reader.u32()); return;
    case MasterNotice::virtual_host: return set_host(reader);
    case MasterNotice::remove_virtual_host: hosts_.erase(reader.u32()); return;
    default: return;  // not about names
  }
}

void Names::set_group(WireReader& reader) {
  Group& group = groups_[reader.u32()];
  group.name = reader.string();
}

void Names::set_host(WireReader& reader) {
  Host& host = hosts_[reader.u32()];
  host.group = reader.u32();
  reader.u32();  // its certificate
  reader.u32();  // whether it is logged
  if (reader.u32() > 0) host.name = reader.string();
}

std::shared_ptr<const Listing> Names::listing() {
  if (!listing_) listing_ = make_listing();
  return listing_;
}

std::shared_ptr<const Listing> Names::make_listing() const {
  auto listing = std::make_shared<Listing>();
  std::unordered_map<uint32_t, std::vector<std::string>> hosts_of;
  for (const auto& [number, host] : hosts_) {
    const auto group = groups_.find(host.group);
    const std::string name = group == groups_.end() ? "" : group->second.name;
    listing->hosts.push_back({host.name, name, key_of(host.name)});
    hosts_of[host.group].push_back(host.name);
  }
  for (const auto& [number, group] : groups_) {
    listing->groups.push_back(
        {group.name, group.user, key_of(group.name), std::move(hosts_of[number])});
  }
  std::ranges::sort(listing->groups, {}, &Listing::Group::name);
  std::ranges::sort(listing->hosts, {}, &Listing::Host::name);
  return listing;
}

}  // namespace dmpm::metrics
