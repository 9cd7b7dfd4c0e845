#include "config/claims.h"

#include <algorithm>

#include "base/text.h"

namespace dmpm::config {
namespace {

Position position_of(const Location& location) {
  return {location.line, location.column};
}

}  // namespace

bool Claims::claim(Owner owner, const Section& section,
                   const std::vector<VirtualHostPlaces>& places, ProblemList& problems) {
  if (main_ == nullptr) main_ = owner;
  claim_groups(owner, section, problems);
  // Then "groups" itself may be what is wrong.
  const bool groups_unknown = section.groups.empty() && !problems.empty();
  for (size_t i = 0; i < section.virtual_hosts.size(); ++i) {
    const VirtualHost& host = section.virtual_hosts[i];
    const VirtualHostPlaces* own = places.empty() ? nullptr : &places[i];
    claim_names(owner, host, own, problems);
    if (groups_unknown || host.group.empty()) continue;
    check_group(owner, section, host, own ? own->group : position_of(host.location), problems);
  }
  if (problems.empty()) return true;
  withdraw(owner, section);
  return false;
}

void Claims::claim_groups(Owner owner, const Section& section, ProblemList& problems) {
  for (const Group& group : section.groups) {
    claim_name(groups_, group.name, {owner, position_of(group.location)}, "group ", problems);
  }
}

void Claims::claim_names(Owner owner, const VirtualHost& host, const VirtualHostPlaces* places,
                         ProblemList& problems) {
  for (size_t i = 0; i < host.names.size(); ++i) {
    const Position position = places ? places->names[i] : position_of(host.location);
    claim_name(hosts_, host.names[i], {owner, position}, "name ", problems);
  }
}

void Claims::check_group(Owner owner, const Section& section, const VirtualHost& host,
                         Position place, ProblemList& problems) const {
  const auto group = groups_.find(host.group);
  if (group != groups_.end() && (group->second.owner == owner || group->second.owner == main_)) {
    return;
  }
  // One of this file whose name another file has: reported already.
  if (std::any_of(section.groups.begin(), section.groups.end(),
                  [&](const Group& own) { return own.name == host.group; })) {
    return;
  }
  problems.add(place, concat({"there is no group ", quoted(host.group),
                              owner == main_ ? " in this file" : " in this file or the main one"}));
}

void Claims::claim_name(Names& names, std::string_view name, Place place, std::string_view kind,
                        ProblemList& problems) {
  const auto [entry, added] = names.try_emplace(name, place);
  if (added) return;
  const Place& first = entry->second;
  problems.add(place.position, concat({"the ", kind, quoted(name), " is taken already, at ",
                                       *first.owner, ":", std::to_string(first.position.line), ":",
                                       std::to_string(first.position.column)}));
}

void Claims::withdraw(Owner owner, const Section& section) {
  const auto remove = [&](Names& names, const std::string& name) {
    const auto entry = names.find(name);
    if (entry != names.end() && entry->second.owner == owner) names.erase(entry);
  };
  for (const Group& group : section.groups) remove(groups_, group.name);
  for (const VirtualHost& host : section.virtual_hosts) {
    for (const std::string& name : host.names) remove(hosts_, name);
  }
}

}  // namespace dmpm::config
