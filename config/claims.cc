#include "config/claims.h"

#include <algorithm>

#include "base/text.h"

namespace dmpm::config {
namespace {

Position position_of(const Location& location) {
  return {location.line, location.column};
}

}  // namespace

bool Claims::claim(const FileContent& content, ProblemList& problems) {
  if (main_ == nullptr) main_ = &content;
  claim_groups(content, problems);
  claim_hosts(content, problems);
  if (problems.empty()) return true;
  withdraw(content);
  return false;
}

bool Claims::take_free(const std::string& name) {
  return !hosts_.contains(name) && leftovers_.insert(name).second;
}

void Claims::claim_groups(const FileContent& content, ProblemList& problems) {
  for (const Group& group : content.groups) {
    claim_name(groups_, group.name, {&content, position_of(group.location)}, "group ", problems);
  }
}

void Claims::claim_hosts(const FileContent& content, ProblemList& problems) {
  // Then "groups" itself may be what is wrong.
  const bool groups_unknown = content.groups.empty() && !problems.empty();
  for (size_t i = 0; i < content.virtual_hosts.size(); ++i) {
    const VirtualHost& host = content.virtual_hosts[i];
    const Position whole = position_of(host.location);
    const VirtualHostPlaces* places = content.places.empty() ? nullptr : &content.places[i];
    for (size_t j = 0; j < host.names.size(); ++j) {
      claim_name(hosts_, host.names[j], {&content, places ? places->names[j] : whole}, "name ",
                 problems);
    }
    if (groups_unknown || host.group.empty()) continue;
    const auto group = groups_.find(host.group);
    if (group != groups_.end() &&
        (group->second.owner == &content || group->second.owner == main_)) {
      continue;
    }
    // One of this file whose name another file has: reported already.
    if (std::any_of(content.groups.begin(), content.groups.end(),
                    [&](const Group& own) { return own.name == host.group; })) {
      continue;
    }
    problems.add(places ? places->group : whole,
                 concat({"there is no group ", quoted(host.group),
                         &content == main_ ? " in this file" : " in this file or the main one"}));
  }
}

void Claims::claim_name(Names& names, std::string_view name, Place place, std::string_view kind,
                        ProblemList& problems) {
  const auto [entry, added] = names.try_emplace(name, place);
  if (added) return;
  const Place& first = entry->second;
  const Location location{first.owner->path, first.position.line, first.position.column};
  problems.add(place.position,
               concat({"the ", kind, quoted(name), " is taken already, at ", to_string(location)}));
}

void Claims::withdraw(const FileContent& content) {
  const auto remove = [&](Names& names, const std::string& name) {
    const auto entry = names.find(name);
    if (entry != names.end() && entry->second.owner == &content) names.erase(entry);
  };
  for (const Group& group : content.groups) remove(groups_, group.name);
  for (const VirtualHost& host : content.virtual_hosts) {
    for (const std::string& name : host.names) remove(hosts_, name);
  }
}

}  // namespace dmpm::config
