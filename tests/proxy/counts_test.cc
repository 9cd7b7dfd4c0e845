// What is counted of exchanges, through the whole data path; and what a successor finds of it.
#include "proxy/counts.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "tests/proxy/front_end.h"

using namespace dmpm;
using metrics::FailureRecord;
using metrics::GroupRow;
using metrics::Histogram;
using metrics::HostRow;
using metrics::Rejection;
using test::FrontEnd;

namespace {

constexpr const char* kRequest = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

uint64_t observed(const Histogram& histogram) {
  uint64_t count = 0;
  for (size_t i = 0; i < Histogram::kBuckets; ++i) count += histogram.count(i);
  return count;
}

uint64_t all_responses(const metrics::StatusClasses& responses) {
  uint64_t count = 0;
  for (const metrics::Counter& counter : responses) count += counter.get();
  return count;
}

uint64_t rejections(FrontEnd& front, Rejection why) {
  return front.counts().own().rejections[static_cast<size_t>(why)].get();
}

}  // namespace

TEST_CASE("an exchange is counted once, when it is over") {
  FrontEnd front;
  const uint32_t group = front.add_site("a.test");
  const GroupRow& row = front.counts().group("a.test");
  const HostRow& host = front.counts().host("a.test");
  auto client = front.connect();
  client->send("POST / HTTP/1.1\r\nHost: A.test\r\nContent-Length: 3\r\n\r\nabc");
  front.settle({client.get()});
  CHECK(row.in_flight.get() == 1);
  CHECK(all_responses(row.responses) == 0);
  front.accepted(group)[0]->send("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello");
  front.settle({client.get()});
  CHECK(row.in_flight.get() == 0);
  CHECK(row.waiting.get() == 0);
  CHECK(row.responses[2].get() == 1);
  CHECK(host.responses[2].get() == 1);
  CHECK(all_responses(row.responses) == 1);
  CHECK(row.request_bytes.get() == 3);
  CHECK(row.response_bytes.get() == 5);
  for (const Histogram* histogram : {&row.queue, &row.first_byte, &row.total}) {
    CHECK(observed(*histogram) == 1);
  }
}

TEST_CASE("a request that waits is counted as waiting") {
  FrontEnd front;
  const uint32_t group = front.add_site("a.test", 1);
  const GroupRow& row = front.counts().group("a.test");
  auto first = front.connect(), second = front.connect();
  first->send(kRequest);
  front.settle({first.get()});
  second->send(kRequest);
  front.settle({first.get(), second.get()});
  CHECK(row.in_flight.get() == 1);
  CHECK(row.waiting.get() == 1);
  front.accepted(group)[0]->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  front.settle({first.get(), second.get()});
  CHECK(row.in_flight.get() == 1);
  CHECK(row.waiting.get() == 0);
  second.reset();
  CHECK(row.in_flight.get() == 0);
  CHECK(row.responses[0].get() == 1);  // it left without an answer
}

TEST_CASE("what is for no site belongs to no group") {
  FrontEnd front;
  front.add_site("a.test");
  auto client = front.connect();
  client->send("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n");
  front.settle({client.get()});
  auto other = front.connect();
  other->send("nonsense\r\n\r\n");
  front.settle({other.get()});
  CHECK(front.counts().no_group().responses[4].get() == 2);
  CHECK(front.counts().no_host().responses[4].get() == 2);
  CHECK(rejections(front, Rejection::unknown_host) == 1);
  CHECK(rejections(front, Rejection::malformed) == 1);
  CHECK(front.counts().own().failures.get() == 0);  // these are their clients' own
}

TEST_CASE("a redirect is its host's, and wakes no group") {
  FrontEnd front;
  front.add_site("a.test");
  auto client = front.connect({"192.0.2.9", false, 443});
  client->send(kRequest);
  front.settle({client.get()});
  CHECK(front.counts().host("a.test").responses[3].get() == 1);
  CHECK(front.counts().no_group().responses[3].get() == 1);
  CHECK(front.counts().own().groups.used.get() == 0);
}

TEST_CASE("a failure is remembered with its reason and error id") {
  FrontEnd front;
  const uint32_t group = front.add_site("a.test");
  front.fail_starts(group, "no such file");
  auto client = front.connect();
  client->send(kRequest);
  front.settle({client.get()});
  CHECK(rejections(front, Rejection::no_worker) == 1);
  CHECK(front.counts().group("a.test").responses[5].get() == 1);
  const Counts::Segment& own = front.counts().own();
  REQUIRE(own.failures.get() == 1);
  const FailureRecord& record = own.failure_records[1];
  CHECK(record.sequence.get() == 1);
  CHECK(record.status.get() == 503);
  CHECK(record.reason.get() == static_cast<uint64_t>(Rejection::no_worker));
  CHECK(record.group.get() == metrics::key_of("a.test"));
  CHECK(record.host.get() == metrics::key_of("a.test"));
  const uint64_t id[] = {record.error_id[0].get(), record.error_id[1].get()};
  CHECK(std::string_view(reinterpret_cast<const char*>(id)) == "testid");
}

TEST_CASE("the oldest failure makes room") {
  FrontEnd front;
  Counts& counts = front.counts();
  for (uint64_t i = 1; i <= metrics::kFailures + 1; ++i) {
    counts.remember({500, Rejection::worker_failed, "x", counts.no_group(), counts.no_host()},
                    Instant());
  }
  CHECK(counts.own().failure_records[1].sequence.get() == metrics::kFailures + 1);
  CHECK(counts.own().failure_records[2].sequence.get() == 2);
}

TEST_CASE("a successor goes on, but for what was just then") {
  const Fd memory(::memfd_create("test", MFD_CLOEXEC));
  REQUIRE(::ftruncate(memory.get(), sizeof(Counts::Segment)) == 0);
  const auto map = [&] { return std::move(*metrics::Mapping<Counts::Segment>::of(memory.get())); };
  {
    Counts counts(map());
    counts.own().connections_open.set(7);
    counts.own().connections_tls.add(9);
    counts.group("a").in_flight.set(3);
    counts.group("a").request_bytes.add(11);
  }
  Counts counts(map());
  CHECK(counts.own().connections_open.get() == 0);
  CHECK(counts.own().connections_tls.get() == 9);
  CHECK(counts.group("a").in_flight.get() == 0);
  CHECK(counts.group("a").request_bytes.get() == 11);
}
