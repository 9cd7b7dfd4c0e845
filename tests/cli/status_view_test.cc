#include "cli/status_view.h"

#include <doctest/doctest.h>

#include <array>

using namespace dmpm::cli;
using dmpm::Result;
using dmpm::WireReader;
using dmpm::WireWriter;
using dmpm::control_protocol::GroupState;
using dmpm::control_protocol::Item;

namespace {

constexpr std::array kKnown{Known{"--sort", "KEY", ""}, Known{"--group", "PATTERN", ""},
                            Known{"--state", "STATE", ""}, Known{"--workers", "", ""}};

Result<StatusView> view_of(std::vector<const char*> arguments) {
  std::vector<char*> pointers;
  for (const char* argument : arguments) pointers.push_back(const_cast<char*>(argument));
  return StatusView::from(*parse_options(pointers, kKnown, 0));
}

Status::Group group(const std::string& name, GroupState state, uint64_t starts, uint64_t memory) {
  Status::Group group;
  group.name = name;
  group.state = state;
  group.starts = starts;
  group.memory = memory;
  return group;
}

Status example() {
  Status status;
  status.pid = 10;
  status.phase = "serving";
  status.configuration_file = "/etc/dmpm/dmpm.json";
  status.services = {{"dispatcher 0", 11, 5'000, 1, "was killed by SIGKILL"},
                     {"logger", 0, 0, 0, ""}};
  status.groups = {group("bob", GroupState::asleep, 3, 0),
                   group("alice", GroupState::awake, 1, 1 << 20),
                   group("shop-2", GroupState::backing_off, 9, 0),
                   group("shop-1", GroupState::awake, 3, 5 << 20)};
  status.groups[1].workers = {{7, 4711, 61'000, "running"}};
  status.groups[1].in_flight = 2;
  status.groups[2].retry_ms = 12'000;
  status.groups[2].failures = 4;
  status.groups[2].last_failure = "exited with status 1";
  return status;
}

std::vector<std::string> names(const StatusView& view) {
  Status status = example();
  view.choose(status);
  view.order(status);
  std::vector<std::string> names;
  for (const auto& group : status.groups) names.push_back(group.name);
  return names;
}

std::string text_of(const StatusView& view, Status status) {
  const GroupCounts all(status);
  view.choose(status);
  view.order(status);
  const StatusText text = to_text(status, all, view, nullptr);
  std::string out;
  for (const auto* lines : {&text.head, &text.groups}) {
    for (const std::string& line : *lines) out += line + "\n";
  }
  return out;
}

bool has(const std::string& text, std::string_view part) {
  CAPTURE(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("groups are sorted by name, or the largest number first") {
  using Names = std::vector<std::string>;
  CHECK(names(*view_of({})) == Names{"alice", "bob", "shop-1", "shop-2"});
  CHECK(names(*view_of({"--sort", "starts"})) == Names{"shop-2", "bob", "shop-1", "alice"});
  CHECK(names(*view_of({"--sort", "memory"})) == Names{"shop-1", "alice", "bob", "shop-2"});
  CHECK(names(*view_of({"--sort", "state"})) == Names{"shop-2", "alice", "shop-1", "bob"});
  CHECK(names(*view_of({"--sort", "in-flight"})) == Names{"alice", "bob", "shop-1", "shop-2"});
  StatusView view;
  for (int i = 0; i < 9; ++i) {
    CHECK(view_of({"--sort", std::string(to_string(view.sort)).c_str()})->sort == view.sort);
    view.sort_by_next();
  }
  CHECK(view.sort == SortKey::name);
}

TEST_CASE("groups are chosen by name and state") {
  using Names = std::vector<std::string>;
  CHECK(names(*view_of({"--group", "shop-*"})) == Names{"shop-1", "shop-2"});
  CHECK(names(*view_of({"--group", "shop-?", "--state", "awake"})) == Names{"shop-1"});
  CHECK(names(*view_of({"--state", "backing-off"})) == Names{"shop-2"});
  CHECK(names(*view_of({"--group", "none"})).empty());
  CHECK(names(*view_of({"--group", "[", "--state", "asleep"})).empty());
}

TEST_CASE("wrong words are refused") {
  CHECK(view_of({"--sort", "nonsense"}).error().message.starts_with("--sort must be name, state"));
  CHECK(view_of({"--sort", ""}).error().message.starts_with("--sort must be"));
  CHECK(view_of({"--state", "tired"}).error().message ==
        "--state must be asleep, awake, backing-off or leaving");
}

TEST_CASE("as text") {
  const std::string text = text_of(*view_of({}), example());
  CHECK(has(text, "dmpm: serving, /etc/dmpm/dmpm.json\n"));
  CHECK(has(text, "\ndispatcher 0    11   5s         1  was killed by SIGKILL\n"));
  CHECK(has(text, "\nlogger        down              0\n"));
  CHECK(has(text, "\n4 groups: 2 awake, 1 asleep, 1 backing off; 1 worker, with 6.0M of memory\n"));
  CHECK(
      has(text, "\nGROUP   STATE            WORKERS  IN FLIGHT  QUEUED  STARTS  FAILURES  MEMORY"));
  CHECK(
      has(text, "\nalice   awake                  1          2       0       1         0    1.0M"));
  CHECK(has(text,
            "\nshop-2  backing off 12s        0          0       0       9         4       0  "
            "0.00s  exited with status 1\n"));
  CHECK_FALSE(has(text, "worker 7"));
  CHECK_FALSE(has(text, "\033"));

  const std::string some = text_of(*view_of({"--group", "a*", "--workers"}), example());
  CHECK(has(some, "; 1 shown, with 1.0M of memory\n"));
  CHECK(has(some, "\n  worker 7 running, pid 4711, 1m1s\n"));
  CHECK_FALSE(has(some, "bob"));
  CHECK_FALSE(has(text_of(*view_of({"--group", "none"}), example()), "GROUP"));
}

TEST_CASE("colours, and nothing that could steer a terminal otherwise") {
  Status status = example();
  status.groups[2].last_failure = "\x1b]0;evil\x07\nroot: \xff";
  status.configuration_file = "/etc/\x1b[2J";
  StatusView view;
  CHECK(has(text_of(view, status), "\\x1b]0;evil\\x07\\x0aroot: \\xff\n"));
  view.colours = true;
  const std::string text = text_of(view, status);
  CHECK(has(text, "\033[31mbacking off 12s\033[0m"));
  CHECK(has(text, "\\x1b[2J"));
  // No sequence but those of styled().
  for (size_t at = text.find('\033'); at != std::string::npos; at = text.find('\033', at + 1)) {
    CHECK(text[at + 1] == '[');
    CHECK(text.find('m', at) < at + 5);
  }
}

TEST_CASE("what a group uses of a processor now") {
  Status status = example();
  status.groups[1].cpu_ms = 1'500;
  EarlierUsage earlier;
  earlier.cpu_ms["alice"] = 1'000;
  earlier.ms_ago = 1'000;
  const GroupCounts all(status);
  const StatusText text = to_text(status, all, {}, &earlier);
  CHECK(has(text.groups[0], "%CPU"));
  CHECK(has(text.groups[2], "  1.50s   50%"));
  CHECK(has(text.groups[1], "  0.00s    0%"));  // it was not there
}

TEST_CASE("what the master says, and what it does not") {
  Status status;
  WireWriter writer;
  writer.string("alice")
      .u32(3)
      .u64(5)
      .u64(1)
      .string("why")
      .u64(0)
      .u32(1)
      .u32(2)
      .u32(77)
      .u64(9)
      .string("running");
  writer.u64(1'234);
  WireReader reader(writer.bytes());
  CHECK_FALSE(status.add(Item::group_usage, reader));  // of no group
  CHECK(status.add(Item::group, reader));
  CHECK(status.add(Item::group_usage, reader));
  CHECK(reader.complete());
  REQUIRE(status.group("alice") != nullptr);
  CHECK(status.group("alice")->cpu_ms == 1'234);
  CHECK(status.group("alice")->workers[0].pid == 77);
  CHECK(status.group("bob") == nullptr);
  CHECK_FALSE(status.add(static_cast<Item>(99), reader));
  // A count that nothing follows.
  WireWriter huge;
  huge.string("x").u32(0).u64(0).u64(0).string("").u64(0).u32(UINT32_MAX);
  WireReader cut(huge.bytes());
  CHECK(status.add(Item::group, cut));
  CHECK_FALSE(cut.ok());
}
