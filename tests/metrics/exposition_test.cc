#include "metrics/exposition.h"

#include <map>

#include "metrics/limits.h"
#include "metrics/lines.h"
#include "tests/metrics/shared.h"

using namespace dmpm::metrics;
using namespace dmpm::metrics::test;
using dmpm::Instant;

namespace {

struct Fixture : House {
  explicit Fixture(uint32_t groups = 0) {
    names.hear(group_notice(1, "alice"), Instant());
    names.hear(host_notice(1, 1, "a.test"), Instant());
    for (uint32_t i = 0; i < groups; ++i) {
      names.hear(group_notice(i + 2, "g" + std::to_string(i)), Instant());
    }
    names.hear(commit(), Instant());
  }
  std::string text() {
    segments.refresh();
    Exposition exposition(segments, names.listing());
    std::string all;
    for (bool more = true; more;) {
      std::string piece;
      more = exposition.next(piece);
      CHECK(piece.size() < limits::kPiece + 8'192);
      all += piece;
      ++pieces;
    }
    return all;
  }
  Segments segments = House::segments();
  Names names;
  int pieces = 0;
};

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("what several dispatchers counted is added up") {
  Fixture all;
  all.start_second();
  RowBook first(all.first.written->groups), second(all.second.written->groups);
  first.of("alice").responses[2].add(3);
  second.of("bob");
  second.of("alice").responses[2].add(4);
  RowBook(all.second.written->hosts).of("a.test").responses[5].add(9);
  all.first.written->handshakes_full.add(2);
  all.second.written->handshakes_full.add(5);
  const std::string text = all.text();
  CHECK(has(text, "dmpm_group_requests_total{group=\"alice\",class=\"2xx\"} 7"));
  CHECK(has(text, "dmpm_host_requests_total{host=\"a.test\",group=\"alice\",class=\"5xx\"} 9"));
  CHECK(has(text, "dmpm_handshakes_total{result=\"full\"} 7"));
  // Of a group that is not configured nothing is told.
  CHECK(text.find("bob") == std::string::npos);
}

TEST_CASE("what is now counts for those that are there") {
  Fixture all;
  all.start_second();
  for (auto* segment : {&all.first, &all.second}) {
    RowBook(segment->written->groups).of("alice").in_flight.set(2);
    segment->written->connections_open.set(10);
  }
  CHECK(has(all.text(), "dmpm_group_requests_in_flight{group=\"alice\"} 4"));
  all.master.written->services[1].pid.set(0);
  const std::string text = all.text();
  CHECK(has(text, "dmpm_group_requests_in_flight{group=\"alice\"} 2"));
  CHECK(has(text, "dmpm_connections 10"));
  CHECK(has(text, "dmpm_process_up{process=\"dispatcher 1\"} 0"));
}

TEST_CASE("a histogram is cumulative, in seconds") {
  Fixture all;
  GroupRow& row = RowBook(all.first.written->groups).of("alice");
  for (const uint64_t time : {1, 7, 7, 240, 20'000}) row.queue.observe(time);
  const std::string text = all.text(), name = "dmpm_group_queue_seconds";
  for (const char* line :
       {"_bucket{group=\"alice\",le=\"0.005\"} 1", "_bucket{group=\"alice\",le=\"0.01\"} 3",
        "_bucket{group=\"alice\",le=\"0.25\"} 4", "_bucket{group=\"alice\",le=\"10\"} 4",
        "_bucket{group=\"alice\",le=\"+Inf\"} 5", "_sum{group=\"alice\"} 20.255",
        "_count{group=\"alice\"} 5"}) {
    CAPTURE(line);
    CHECK(has(text, name + line));
  }
  // What was never observed has no lines.
  CHECK(text.find("dmpm_group_first_byte_seconds_count{group=\"alice\"}") == std::string::npos);
}

TEST_CASE("each family comes once, whole and with its heading, in pieces of bounded size") {
  Fixture all(3'000);
  const std::string text = all.text();
  CHECK(all.pieces > 10);
  std::map<std::string, int> headings;
  std::string family;
  size_t groups = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(++headings[family] == 1);
    } else if (!line.starts_with("#")) {
      CAPTURE(line);
      REQUIRE(line.starts_with(family));
      if (line.starts_with("dmpm_group_worker_starts_total{")) ++groups;
    }
  }
  CHECK(groups == 3'001);
  CHECK(headings.size() == families().size());
}

TEST_CASE("a label's value cannot end itself") {
  std::string out;
  append_label_value(out, "a\"b\\c\nd\x01\x80");
  CHECK(out == "a\\\"b\\\\c\\nd??");
}

TEST_CASE("milliseconds as seconds") {
  CHECK(seconds(0) == "0");
  CHECK(seconds(5) == "0.005");
  CHECK(seconds(250) == "0.25");
  CHECK(seconds(1'000) == "1");
  CHECK(seconds(2'500) == "2.5");
  CHECK(seconds(61'001) == "61.001");
}
