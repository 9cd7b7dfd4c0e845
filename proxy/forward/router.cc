#include "proxy/forward/router.h"

#include "master/protocol.h"
#include "proxy/http/syntax.h"

namespace dmpm::forward {

namespace {
constexpr std::string_view kWildcard = "*.";
}

void Router::set(uint32_t number, VirtualHost host) {
  remove(number);
  for (const std::string& name : host.names) {
    if (name.starts_with(kWildcard)) {
      below_.insert_or_assign(name.substr(kWildcard.size()), number);
    } else {
      exact_.insert_or_assign(name, number);
    }
  }
  host.number = number;
  hosts_.insert_or_assign(number, std::move(host));
}

void Router::remove(uint32_t number) {
  const auto it = hosts_.find(number);
  if (it == hosts_.end()) return;
  forget_names(number, it->second);
  hosts_.erase(it);
}

void Router::forget_names(uint32_t number, const VirtualHost& host) {
  for (const std::string& name : host.names) {
    const bool wildcard = name.starts_with(kWildcard);
    Names& names = wildcard ? below_ : exact_;
    const auto it = names.find(wildcard ? name.substr(kWildcard.size()) : name);
    // A name that has moved to another virtual host stays there.
    if (it != names.end() && it->second == number) names.erase(it);
  }
}

const VirtualHost* Router::find_in(const Names& names, std::string_view name) const {
  const auto it = names.find(name);
  if (it == names.end()) return nullptr;
  return &hosts_.at(it->second);
}

const VirtualHost* Router::find(std::string_view host) const {
  http::normalize_host(host, lookup_);
  if (const VirtualHost* found = find_in(exact_, lookup_)) return found;
  if (below_.empty()) return nullptr;
  std::string_view rest = lookup_;
  for (size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
    rest.remove_prefix(dot + 1);
    if (const VirtualHost* found = find_in(below_, rest)) return found;
  }
  return nullptr;
}

const VirtualHost* Router::fallback() const {
  const VirtualHost* best = nullptr;
  uint32_t lowest = protocol::kNoCertificate;
  for (const auto& [number, host] : hosts_) {
    if (host.certificate != protocol::kNoCertificate && number < lowest) {
      lowest = number;
      best = &host;
    }
  }
  return best;
}

}  // namespace dmpm::forward
