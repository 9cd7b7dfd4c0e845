#include "metrics/segments.h"

#include "base/text.h"

namespace dmpm::metrics {

Segments::Segments(Master master, std::vector<Dispatcher> dispatchers)
    : master_(std::move(master)), workers_(master_->workers) {
  all_.reserve(dispatchers.size());
  for (Dispatcher& dispatcher : dispatchers) all_.emplace_back(std::move(dispatcher));
}

// A dispatcher that was never started has touched no page; reading one would make it be.
void Segments::refresh() {
  workers_.refresh();
  active_.clear();
  for (uint32_t number = 0; number < all_.size(); ++number) {
    const ServiceRow& service = master_->services[std::min(number, kMostDispatchers - 1)];
    if (service.starts.get() == 0) continue;
    Indexed& indexed = all_[number];
    indexed.groups.refresh();
    indexed.hosts.refresh();
    active_.push_back({number, &*indexed.memory, service.pid.get() != 0});
  }
}

std::string service_name(uint32_t place) {
  switch (place) {
    case kKeyholderPlace: return "keyholder";
    case kLoggerPlace: return "logger";
    case kMetricsPlace: return "metrics";
    default: return concat({"dispatcher ", std::to_string(place)});
  }
}

}  // namespace dmpm::metrics
