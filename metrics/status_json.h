// StatusJson: what the status page shows, as JSON; metrics/page/status.js reads it.
//
//   { uptime, connections, hosts, load: { every, requests: [], errors: [], bytes: [], connections: [],
//     workers: [] }, processes: [{ name, pid, user, starts, failures }], failures: [{ ago, status, reason,
//     group, host, id }], troubles: [{ ago, group, reason }], groups: [[ name, user, [sites], running
//     workers, others, starts, failures, requests, 5xx, in flight, waiting ]] }
// Times in seconds; requests, errors and bytes a second.
#pragma once

#include <memory>
#include <string>

#include "base/event_loop.h"
#include "metrics/content.h"
#include "metrics/history.h"
#include "metrics/names.h"
#include "metrics/segments.h"

namespace dmpm::metrics {

// Whom dmpm's own processes run as.
struct Users {
  std::string dispatchers, keyholder, logger, metrics;
};

class StatusJson final : public Content {
 public:
  struct Sources {
    const Segments& segments;  // refreshed
    const History& history;
    Names& names;
    const Users& users;
    Instant now;
  };
  // `segments` outlive it; all else is looked at here.
  explicit StatusJson(const Sources& sources);

  std::string_view type() const override { return "application/json"; }
  bool next(std::string& out) override;

 private:
  void append_group(const Listing::Group& group, std::string& out) const;

  const Segments& segments_;
  const std::vector<Segments::Active> dispatchers_;
  const std::shared_ptr<const Listing> listing_;
  std::string beginning_;  // all but the groups, until it has been given
  size_t group_ = 0;       // the next one
};

// With its quotes. What is no printable ASCII becomes '?'.
void append_json_string(std::string& out, std::string_view text);

}  // namespace dmpm::metrics
