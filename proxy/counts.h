// Counts: what this dispatcher counts, in the segment that it has from the master (metrics/segment.h).
// The one before it may have died in the middle: its numbers go on, but for those of what is now.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/event_loop.h"
#include "metrics/mapping.h"
#include "metrics/row_book.h"

namespace dmpm {

class Counts {
 public:
  using Segment = metrics::DispatcherSegment;

  explicit Counts(metrics::Mapping<Segment> segment)
      : segment_(std::move(segment)), groups_(segment_->groups), hosts_(segment_->hosts) {
    segment_->connections_open.set(0);
    groups_.each([](metrics::GroupRow& row) {
      row.in_flight.set(0);
      row.waiting.set(0);
    });
  }

  // Numbers that are no group's or host's: to be counted directly.
  Segment& own() { return *segment_; }
  // Rows stay where they are as long as this does.
  metrics::GroupRow& group(std::string_view name) { return row_of(groups_, name); }
  metrics::HostRow& host(std::string_view first_name) { return row_of(hosts_, first_name); }
  // Of requests for no site.
  metrics::GroupRow& no_group() { return groups_.none(); }
  metrics::HostRow& no_host() { return hosts_.none(); }

  void rejected(metrics::Rejection why) { segment_->rejections[static_cast<size_t>(why)].add(); }
  void hit(metrics::Cap cap) { segment_->caps[static_cast<size_t>(cap)].add(); }

  struct Failed {
    unsigned status;
    metrics::Rejection reason;
    std::string_view error_id;
    const metrics::GroupRow& group;
    const metrics::HostRow& host;
  };
  // Over the oldest one that is remembered.
  void remember(const Failed& failed, Instant now) {
    const uint64_t number = segment_->failures.get() + 1;
    metrics::FailureRecord& record = segment_->failure_records[number % metrics::kFailures];
    record.sequence.set(0);
    std::atomic_thread_fence(std::memory_order_release);
    record.time.set(static_cast<uint64_t>(now.time_since_epoch().count()));
    record.status.set(failed.status);
    record.reason.set(static_cast<uint64_t>(failed.reason));
    record.group.set(failed.group.key.get());
    record.host.set(failed.host.key.get());
    std::array<uint64_t, 2> id{};
    std::memcpy(id.data(), failed.error_id.data(), std::min(failed.error_id.size(), sizeof id));
    for (size_t i = 0; i < id.size(); ++i) record.error_id[i].set(id[i]);
    record.sequence.publish(number);
    segment_->failures.set(number);
  }

 private:
  template <typename Book>
  typename Book::Row& row_of(Book& book, std::string_view name) {
    auto& row = book.of(name);
    if (&row == &book.none()) hit(metrics::Cap::rows);
    return row;
  }

  metrics::Mapping<Segment> segment_;
  metrics::RowBook<decltype(Segment::groups)> groups_;
  metrics::RowBook<decltype(Segment::hosts)> hosts_;
};

}  // namespace dmpm
