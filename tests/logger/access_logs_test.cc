// Which exchange ends in which file, and what happens to those.
#include "logger/access_logs.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "logger/limits.h"
#include "tests/logger/exchanges.h"
#include "tests/logger/fixture.h"

using namespace dmpm;
using exchange_protocol::Text;

namespace {

class Logs {
 public:
  Logs() {
    std::filesystem::create_directory(directory.path() + "/sites");
    REQUIRE(logs.set_common("access.log", "$server_name $group $request_uri").ok());
  }

  void host(uint32_t number, const std::string& name, bool in_common, const std::string& file,
            const std::string& format = "$request_uri") {
    REQUIRE(logs.set_host(number, {name, "g-" + name, in_common, file, format}).ok());
  }
  void exchange(uint32_t number, const std::string& target) {
    test::MadeExchange made = test::plain_exchange();
    made.record.virtual_host = number;
    made.texts[Text::target] = target;
    const std::string bytes = test::message({made});
    ExchangeReader reader(bytes);
    const auto heard = reader.next();
    REQUIRE(heard);
    logs.begin_message();
    logs.write(*heard);
  }
  std::string common() const { return directory.read("access.log"); }

  test::LogDirectory directory;
  Fd descriptor = directory.descriptor();
  EventLoop loop;
  LogFile reports{loop, descriptor.get(), "dmpm.log"};
  AccessLogs logs{loop, descriptor.get(), reports};
};

size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("one log for all and one for each") {
  Logs it;
  it.host(1, "a.test", true, "a.log");
  it.host(2, "b.test", true, "");
  it.host(3, "c.test", false, "c.log", "$status");
  it.exchange(1, "/1");
  it.exchange(2, "/2");
  it.exchange(3, "/3");
  it.exchange(99, "/unknown");
  it.exchange(exchange_protocol::kNoVirtualHost, "/none");
  it.logs.flush();
  CHECK(it.common() == "a.test g-a.test /1\nb.test g-b.test /2\n- - /unknown\n- - /none\n");
  CHECK(it.directory.read("sites/a.log") == "/1\n");
  CHECK(it.directory.read("sites/c.log") == "200\n");
  CHECK_FALSE(it.directory.exists("sites/b.log"));
}

TEST_CASE("what is pending is written by itself, be it much or little") {
  Logs it;
  it.host(1, "a.test", true, "a.log");
  it.exchange(1, "/little");
  CHECK(test::run_until(it.loop, [&] { return it.directory.read("sites/a.log") == "/little\n"; }));
  for (uint32_t i = 100; i < 200; ++i) {
    it.host(i, "x", false, std::to_string(i));
    it.exchange(i, "/much");
  }
  CHECK(test::run_until(it.loop, [&] {
    for (uint32_t i = 100; i < 200; ++i) {
      if (it.directory.read("sites/" + std::to_string(i)) != "/much\n") return false;
    }
    return true;
  }));
}

TEST_CASE("a virtual host that was removed still logs what was under way") {
  Logs it;
  it.host(1, "a.test", true, "a.log");
  it.logs.remove_host(1);
  it.exchange(1, "/late");
  it.logs.flush();
  CHECK(it.directory.read("sites/a.log") == "/late\n");
  // Not for ever.
  for (uint32_t i = 10; i < 10 + logger_limits::kMaxRemovedHosts; ++i) {
    it.host(i, "x", false, "x.log");
    it.logs.remove_host(i);
  }
  it.exchange(1, "/too-late");
  it.logs.flush();
  CHECK(it.directory.read("sites/a.log") == "/late\n");
  CHECK(it.common().ends_with("- - /too-late\n"));
}

TEST_CASE("a format that changes holds for the next line, and a wrong one is an error") {
  Logs it;
  it.host(1, "a.test", true, "a.log");
  it.exchange(1, "/before");
  REQUIRE(it.logs.set_common("access.log", "new $request_uri").ok());
  it.host(1, "a.test", true, "a.log", "also new $request_uri");
  it.exchange(1, "/after");
  CHECK_FALSE(it.logs.set_common("access.log", "$nonsense").ok());
  it.exchange(1, "/still");
  REQUIRE(it.logs.set_common("", "combined").ok());
  it.exchange(1, "/own");
  it.logs.flush();
  CHECK(it.common() == "a.test g-a.test /before\nnew /after\nnew /still\n");
  CHECK(it.directory.read("sites/a.log") ==
        "/before\nalso new /after\nalso new /still\nalso new /own\n");
}

TEST_CASE("more sites than files may be open") {
  Logs it;
  const size_t before = open_descriptors();
  constexpr auto kSites = static_cast<uint32_t>(logger_limits::kMaxAccessFiles + 100);
  for (int round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < kSites; ++i) {
      it.host(i, "x", false, std::to_string(i));
      it.exchange(i, "/" + std::to_string(round));
    }
  }
  it.logs.flush();
  CHECK(open_descriptors() - before <= logger_limits::kMaxAccessFiles);
  for (uint32_t i = 0; i < kSites; ++i) {
    CHECK(it.directory.read("sites/" + std::to_string(i)) == "/0\n/1\n");
  }
}

TEST_CASE("moved files are left alone after reopening, and no line is lost") {
  Logs it;
  it.host(1, "a.test", true, "a.log");
  it.exchange(1, "/1");
  it.logs.flush();
  std::filesystem::rename(it.directory.path() + "/access.log", it.directory.path() + "/access.1");
  it.exchange(1, "/2");
  it.logs.reopen();
  it.exchange(1, "/3");
  it.logs.flush();
  CHECK(it.directory.read("access.1") == "a.test g-a.test /1\na.test g-a.test /2\n");
  CHECK(it.common() == "a.test g-a.test /3\n");
  CHECK(it.directory.read("sites/a.log") == "/1\n/2\n/3\n");
}

TEST_CASE("what a full disk costs an access log is said in dmpm.log, not between its lines") {
  Logs it;
  it.host(1, "a.test", false, "a.log");
  it.exchange(1, "/before");
  it.logs.flush();
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  ::getrlimit(RLIMIT_FSIZE, &unlimited);
  const rlimit full{it.directory.read("sites/a.log").size() + 3, unlimited.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  it.exchange(1, "/torn");
  it.logs.flush();
  it.exchange(1, "/lost");
  it.logs.flush();
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  CHECK(test::run_until(it.loop, [&] {
    return it.directory.read("dmpm.log").find("sites/a.log: 2 lines were lost: ") !=
           std::string::npos;
  }));
  it.exchange(1, "/after");
  it.logs.flush();
  CHECK(it.directory.read("sites/a.log") == "/before\n/to\n/after\n");
}
