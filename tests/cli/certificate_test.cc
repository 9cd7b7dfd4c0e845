#include "cli/certificate.h"

#include <doctest/doctest.h>

#include "tests/cli/fixture.h"

using namespace dmpm::cli;
using namespace dmpm::cli::test;

TEST_CASE("which names a certificate covers") {
  const auto certificate = Certificate::parse(
      make_pair({"DNS:a.test", "DNS:*.b.test", "IP:192.0.2.1", "IP:2001:db8::1"}, -10, 1'000)
          .certificate);
  REQUIRE(certificate);
  for (const char* name : {"a.test", "x.b.test", "*.b.test", "192.0.2.1", "[2001:db8::1]"}) {
    CAPTURE(name);
    CHECK(certificate->covers(name));
  }
  for (const char* name :
       {"b.test", "x.a.test", "*.a.test", "y.x.b.test", "192.0.2.2", "[2001:db8::2]", "test"}) {
    CAPTURE(name);
    CHECK_FALSE(certificate->covers(name));
  }
  CHECK(certificate->names() ==
        std::vector<std::string>{"a.test", "*.b.test", "192.0.2.1", "[2001:db8::1]"});
  CHECK(certificate->issuer() == "an authority");
  CHECK_FALSE(certificate->self_signed());
  CHECK(certificate->ends() - certificate->begins() == 1'010);
}

TEST_CASE("a certificate of no alternative names covers none, whatever it is called") {
  const auto certificate = Certificate::parse(make_pair({}, -10, 10, true).certificate);
  REQUIRE(certificate);
  CHECK_FALSE(certificate->covers("test"));
  CHECK(certificate->names().empty());
  CHECK(certificate->self_signed());
}

TEST_CASE("what is no certificate") {
  for (const char* text : {"", "x", "-----BEGIN CERTIFICATE-----\n",
                           "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    CAPTURE(text);
    CHECK_FALSE(Certificate::parse(text));
  }
}

TEST_CASE("dates") {
  CHECK(date(0) == "1970-01-01");
  CHECK(date(1'795'612'713) == "2026-11-25");
}
