#include "logger/timestamp.h"

#include <doctest/doctest.h>

using namespace std::chrono;

TEST_CASE("time stamps are RFC 3339 in UTC with milliseconds") {
  struct Case {
    int64_t milliseconds_since_1970;
    const char* text;
  };
  const Case cases[] = {
      {0, "1970-01-01T00:00:00.000Z"},
      {1, "1970-01-01T00:00:00.001Z"},
      {1'795'414'680'123, "2026-11-23T06:18:00.123Z"},
      {951'827'696'999, "2000-02-29T12:34:56.999Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
  };
  for (const Case& c : cases) {
    CHECK(dmpm::rfc3339(system_clock::time_point(milliseconds(c.milliseconds_since_1970))) ==
          c.text);
  }
}
