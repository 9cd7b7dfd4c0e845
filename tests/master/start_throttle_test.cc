#include "master/start_throttle.h"

#include <vector>

#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

struct Entry final : Startable {
  Entry(std::vector<int>& all, int id) : started(all), number(id) {}
  void start_now() override { started.push_back(number); }
  std::vector<int>& started;
  int number;
};

TEST_CASE("starts beyond the burst wait, in order of arrival") {
  EventLoop loop;
  StartThrottle throttle(loop, 100, 2);
  std::vector<int> started;
  std::vector<std::unique_ptr<Entry>> entries;
  for (int i = 0; i < 6; ++i) {
    entries.push_back(std::make_unique<Entry>(started, i));
    throttle.request(*entries.back());
  }
  CHECK(started == std::vector<int>{0, 1});
  entries[3].reset();  // leaves the queue
  CHECK(run_until(loop, [&] { return started.size() == 5; }));
  CHECK(started == std::vector<int>{0, 1, 2, 4, 5});
}

}  // namespace
}  // namespace dmpm::master::test
