#include "master/worker_plan.h"

#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

WorkerPlan example() {
  WorkerPlan plan;
  plan.permissions.identity = {"", "", 7, 8};
  plan.permissions.supplementary_groups = {9, 10};
  plan.permissions.root = "/srv/root";
  plan.permissions.resource_limits = {{RLIMIT_CORE, 0}, {RLIMIT_AS, RLIM_INFINITY}};
  plan.permissions.umask = 077;
  plan.open_files = {100, 200};
  plan.directory = "/inside";
  plan.adapter = "/programs/dmpm-worker-adapter";
  plan.words = {"/bin/server", "", "two words"};
  plan.variables = {"A=1", "B="};
  plan.listen_pid = true;
  plan.master = 4711;
  plan.permissions.modules = {{"cgroup", "/m/cgroup.so", {}, 9, std::string("a\0b", 3)},
                              {"seccomp", "/m/seccomp.so", {}, 4, ""}};
  plan.group = "alice";
  plan.number = 12;
  plan.ended = 99;
  return plan;
}

TEST_CASE("a plan survives the way, and no part of one is taken for a whole") {
  const std::string message = encode(example());
  const auto plan = decode_plan(message);
  REQUIRE(plan);
  CHECK(plan->permissions == example().permissions);
  CHECK(plan->open_files.rlim_cur == 100);
  CHECK(plan->open_files.rlim_max == 200);
  CHECK(plan->directory == "/inside");
  CHECK(plan->adapter == example().adapter);
  CHECK(plan->words == example().words);
  CHECK(plan->variables == example().variables);
  CHECK(plan->listen_pid);
  CHECK(plan->master == 4711);
  CHECK(plan->group == "alice");
  CHECK(plan->number == 12);
  CHECK(plan->ended == 99);
  for (size_t size = 0; size < message.size(); ++size) {
    CHECK_FALSE(decode_plan(std::string_view(message).substr(0, size)));
  }
  CHECK_FALSE(decode_plan(message + "x"));
}

TEST_CASE("placeholders stand for descriptor and path, in the argument dialect only") {
  config::Group group;
  group.worker.command = {"/bin/x", "--fd={fd}", "{socket}{socket}", "{other}"};
  CHECK(make_plan(group, 1, "/s", {}, "/p").words == group.worker.command);
  group.worker.activation = config::Activation::argument;
  CHECK(make_plan(group, 1, "/s", {}, "/p").words ==
        std::vector<std::string>{"/bin/x", "--fd=3", "/s/s", "{other}"});
}

TEST_CASE("the adapter comes before the command, or stands alone") {
  config::Group group;
  group.worker.command = {"/bin/x", "-y"};
  CHECK(make_plan(group, 1, "/s", {}, "/p").adapter.empty());
  group.worker.adapter = {"bridge", "port=80"};
  const WorkerPlan plan = make_plan(group, 1, "/s", {}, "/p");
  CHECK(plan.adapter == "/p/dmpm-worker-adapter");
  CHECK(plan.words == std::vector<std::string>{"/p/dmpm-worker-adapter", "bridge", "port=80", "--",
                                               "/bin/x", "-y"});
  group.worker.command.clear();
  group.worker.adapter = {"preset", "static"};
  CHECK(make_plan(group, 1, "/s", {}, "/p").words ==
        std::vector<std::string>{"/p/dmpm-worker-adapter", "preset", "static"});
}

}  // namespace
}  // namespace dmpm::master::test
