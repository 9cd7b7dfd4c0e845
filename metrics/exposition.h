// Exposition: all counters as text for Prometheus (exposition format 0.0.4), family by family, so that
// no more than a piece of it is ever there.
//
// Every group that is configured has its lines, whether it was ever asked for or not; a virtual host
// from its first request on. docs/metrics.md lists the families.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "metrics/content.h"
#include "metrics/family.h"
#include "metrics/names.h"
#include "metrics/segments.h"

namespace dmpm::metrics {

class Exposition final : public Content {
 public:
  // `segments` outlives it, and have been refreshed.
  Exposition(const Segments& segments, std::shared_ptr<const Listing> listing);

  std::string_view type() const override { return "text/plain; version=0.0.4; charset=utf-8"; }
  bool next(std::string& out) override;

 private:
  void append_heading(const Family& family, std::string& out) const;
  size_t items(const Family& family) const;
  void append_item(const Family& family, std::string& out) const;
  // Item item_ of groups and of hosts; the first is that of requests for none.
  void set_group(Item& item) const;
  void set_host(Item& item) const;

  const Segments& segments_;
  const std::vector<Segments::Active> dispatchers_;
  const std::shared_ptr<const Listing> listing_;
  size_t family_ = 0, item_ = 0;  // what comes next
  bool headed_ = false;           // the family's heading is there
};

}  // namespace dmpm::metrics
