#include "metrics/exposition.h"

#include <utility>

#include "base/text.h"
#include "metrics/limits.h"

namespace dmpm::metrics {

Exposition::Exposition(const Segments& segments, std::shared_ptr<const Listing> listing)
    : segments_(segments), dispatchers_(segments.dispatchers()), listing_(std::move(listing)) {}

// Of groups and hosts, the first item is that of none.
size_t Exposition::items(const Family& family) const {
  switch (family.scope) {
    case Scope::all: return 1;
    case Scope::service: return kServicePlaces;
    case Scope::group: return listing_->groups.size() + 1;
    case Scope::host: return listing_->hosts.size() + 1;
  }
  return 0;
}

bool Exposition::next(std::string& out) {
  const size_t enough = out.size() + limits::kPiece;
  while (family_ < families().size()) {
    const Family& family = families()[family_];
    if (!std::exchange(headed_, true)) append_heading(family, out);
    for (; item_ < items(family) && out.size() < enough; ++item_) append_item(family, out);
    if (item_ < items(family)) return true;
    headed_ = false;
    item_ = 0;
    ++family_;
    if (out.size() >= enough) return true;
  }
  return false;
}

void Exposition::append_heading(const Family& family, std::string& out) const {
  out += concat(
      {"# HELP ", family.name, " ", family.help, "\n# TYPE ", family.name, " ", family.kind, "\n"});
}

void Exposition::append_item(const Family& family, std::string& out) const {
  Item item{segments_, dispatchers_, *listing_, item_, {}, {}, {}, {}, nullptr};
  if (family.scope == Scope::group) set_group(item);
  if (family.scope == Scope::host) set_host(item);
  family.append(family.name, item, out);
}

void Exposition::set_group(Item& item) const {
  if (item_ == 0) {
    for (const auto& [number, segment, up] : dispatchers_) {
      item.groups.push_back(&segment->groups.rows[0]);
    }
    return;
  }
  const Listing::Group& group = listing_->groups[item_ - 1];
  item.name = group.name;
  item.workers = segments_.find_workers(group.key);
  for (const auto& [number, segment, up] : dispatchers_) {
    item.groups.push_back(segments_.find_group(number, group.key));
  }
}

void Exposition::set_host(Item& item) const {
  if (item_ == 0) {
    for (const auto& [number, segment, up] : dispatchers_) {
      item.hosts.push_back(&segment->hosts.rows[0]);
    }
    return;
  }
  const Listing::Host& host = listing_->hosts[item_ - 1];
  item.name = host.name;
  item.group = host.group;
  for (const auto& [number, segment, up] : dispatchers_) {
    item.hosts.push_back(segments_.find_host(number, host.key));
  }
}

}  // namespace dmpm::metrics
