#include "proxy/forward/pool_workers.h"

#include <doctest/doctest.h>

using namespace dmpm::forward;

namespace {

PoolWorker& add(PoolWorkers& workers, uint32_t number, uint32_t connections, uint32_t at_once) {
  PoolWorker& worker = workers.add(number);
  worker.share.connections = connections;
  worker.share.at_once = at_once;
  return worker;
}

}  // namespace

TEST_CASE("who gets the next request") {
  PoolWorkers workers;
  CHECK(workers.best() == nullptr);
  CHECK(workers.crowded());
  PoolWorker& first = add(workers, 1, 4, 2);
  PoolWorker& second = add(workers, 2, 4, 2);
  CHECK(workers.best() == &first);
  first.busy = 1;
  CHECK(workers.best() == &second);
  second.resting = true;
  CHECK(workers.best() == &first);
  first.busy = 2;  // no longer at ease
  CHECK(workers.best() == &second);
  CHECK_FALSE(workers.crowded());
  second.busy = 3;
  CHECK(workers.best() == &first);
  CHECK(workers.crowded());
  first.spent = true;
  CHECK(workers.best() == &second);
  second.busy = 4;  // full
  CHECK(workers.best() == &first);
  first.busy = 4;
  CHECK(workers.best() == nullptr);
}

TEST_CASE("the newest is one too many while three quarters of the others' ease would do") {
  PoolWorkers workers;
  add(workers, 1, 100, 8);
  CHECK(workers.one_too_many(0) == nullptr);
  PoolWorker& second = add(workers, 2, 6, 100);  // at most as many as it has connections
  CHECK(workers.one_too_many(6) == &second);
  CHECK(workers.one_too_many(7) == nullptr);
  PoolWorker& third = add(workers, 3, 100, 8);
  CHECK(workers.one_too_many(11) == &third);
  CHECK(workers.one_too_many(12) == nullptr);
  third.resting = true;
  CHECK(workers.one_too_many(7) == nullptr);
  CHECK(workers.one_too_many(6) == &second);
}

TEST_CASE("workers by number") {
  PoolWorkers workers;
  PoolWorker& first = workers.add(7);
  PoolWorker& second = workers.add(8);
  CHECK(workers.find(7) == &first);
  CHECK(workers.find(9) == nullptr);
  workers.remove(first);
  CHECK(workers.find(7) == nullptr);
  CHECK(workers.find(8) == &second);
  CHECK(workers.size() == 1);
}
