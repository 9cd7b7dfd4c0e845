#include "cli/warnings.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "base/text.h"

namespace dmpm::cli {

void Warnings::add(const config::Location& location, std::string_view message) {
  found_.push_back({location, concat({"warning: ", message})});
}

void Warnings::look_at_all() {
  std::unordered_set<std::string_view> used;
  for (const config::VirtualHost* host : sites_.hosts()) {
    used.insert(host->group);
    look_at(*host);
  }
  for (const config::Group* group : sites_.groups()) {
    look_at(*group);
    if (!used.contains(group->name)) add(group->location, "no virtual host leads to this group");
  }
}

// A listener whose clients reach sites without TLS.
bool Warnings::serves_plain() const {
  return std::any_of(configuration_.listen.begin(), configuration_.listen.end(),
                     [](const config::Listener& listener) {
                       return !listener.tls && !listener.redirect_to_https;
                     });
}

void Warnings::look_at(const config::VirtualHost& host) {
  if (host.tls) {
    certificates_.look_at(host, [&](std::string_view message) { add(host.location, message); });
  } else if (!serves_plain()) {
    add(host.location,
        "this virtual host has no certificate, and every listener wants TLS: its clients are shown "
        "that of another site");
  }
}

void Warnings::look_at(const config::Group& group) {
  files_.look_at(group, [&](std::string_view message) { add(group.location, message); });
}

}  // namespace dmpm::cli
