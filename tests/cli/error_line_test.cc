#include "cli/error_line.h"

#include <doctest/doctest.h>

#include <string>

#include "cli/explain.h"

using namespace dmpm::cli;

namespace {
const std::string kStart =
    "2026-11-25T13:18:33.042Z warning dispatcher0: error 0123456789ab: status ";
}

TEST_CASE("a line is taken apart") {
  const auto error =
      parse_error_line(kStart +
                       "504, no response head within response_timeout (worker 3, after "
                       "60.001 s); client 192.0.2.7, group \"alice\", host \"a.test:8443\"");
  REQUIRE(error);
  CHECK(error->stamp == "2026-11-25T13:18:33.042Z");
  CHECK(error->time == 1'795'612'713'042);
  CHECK(error->status == "504");
  CHECK(error->reason == "no response head within response_timeout (worker 3, after 60.001 s)");
  CHECK(error->client == "192.0.2.7");
  CHECK(error->group == "alice");
  CHECK(error->host == "a.test:8443");
  CHECK(error->duration_ms == 60'001);
  CHECK(meaning_of(*error).find("response_timeout") != std::string_view::npos);
}

TEST_CASE("what a client named its host cannot be mistaken for the rest of the line") {
  // As base/text.h escapes it: no quote is left.
  const auto error = parse_error_line(kStart +
                                      "421, unknown host; client ::1, group \"\", host \"x; client "
                                      "y, group \\x22z\\x22, host \\x22\"");
  REQUIRE(error);
  CHECK(error->client == "::1");
  CHECK(error->group.empty());
  CHECK(error->host == "x; client y, group \\x22z\\x22, host \\x22");
  CHECK(error->reason == "unknown host");
  CHECK(error->duration_ms == 0);
}

TEST_CASE("a reason may say anything") {
  const auto error = parse_error_line(kStart +
                                      "503, /x; client \"y\", group \"z\": No such file; client "
                                      "192.0.2.7, group \"a\", host \"b\"");
  REQUIRE(error);
  CHECK(error->reason == "/x; client \"y\", group \"z\": No such file");
  CHECK(error->client == "192.0.2.7");
}

TEST_CASE("other lines are none") {
  for (const std::string& line :
       {std::string(), std::string("x"), kStart, kStart + "503", kStart + "503, x; client y\"",
        kStart + "503, host \"\"",
        std::string("error 0123456789ab: status 503, x; client y, group \"\", host \"\"")}) {
    CAPTURE(line);
    CHECK_FALSE(parse_error_line(line));
  }
}

TEST_CASE("durations that are none are unknown") {
  for (const char* reason : {"x (after s)", "x (after -1 s)", "x (after 1e300 s)",
                             "x (after nan s)", "after 1 s) ", "x after 5 s"}) {
    CAPTURE(reason);
    const auto error =
        parse_error_line(kStart + "503, " + reason + "; client y, group \"\", host \"\"");
    REQUIRE(error);
    CHECK(error->duration_ms == 0);
  }
}

TEST_CASE("every reason has a meaning") {
  ErrorLine error;
  CHECK(meaning_of(error).find("refused as it came") != std::string_view::npos);
  error.group = "alice";
  CHECK(meaning_of(error).find("could not be started") != std::string_view::npos);
  error.reason = "all 3 workers are busy (after 1.000 s)";
  CHECK(meaning_of(error).find("max_workers") != std::string_view::npos);
}

TEST_CASE("members of a line of the access log") {
  const std::string_view line =
      R"({"time":"x","request_uri":"/\",\"status\":9","status":503,"request_time":1.5,"error_id":"ab"})";
  CHECK(json_member(line, "request_uri") == R"(/\",\"status\":9)");
  CHECK(json_member(line, "status") == "503");
  CHECK(json_member(line, "request_time") == "1.5");
  CHECK(json_member(line, "error_id") == "ab");
  CHECK(json_member(line, "none").empty());
  CHECK(json_member("GET / 503", "status").empty());
  CHECK(json_member(R"({"a":1,"b":"open})", "b").empty());
}

TEST_CASE("ids as people write them") {
  CHECK(as_error_id("0123456789ab") == "0123456789ab");
  CHECK(as_error_id("O1L3456789AB") == "0113456789ab");
  CHECK_FALSE(as_error_id("0123456789a"));
  CHECK_FALSE(as_error_id("0123456789abc"));
  CHECK_FALSE(as_error_id("0123456789au"));
  CHECK_FALSE(as_error_id("0123456789a\n"));
  CHECK_FALSE(as_error_id(std::string(1 << 20, '0')));
}

TEST_CASE("hosts without their ports") {
  CHECK(host_without_port("a.test:8443") == "a.test");
  CHECK(host_without_port("a.test") == "a.test");
  CHECK(host_without_port("[::1]:443") == "[::1]");
  CHECK(host_without_port("[::1]") == "[::1]");
  CHECK(host_without_port("a:") == "a:");
  CHECK(host_without_port("").empty());
}
