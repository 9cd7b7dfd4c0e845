#include "proxy/forward/router.h"

#include <doctest/doctest.h>

#include "master/protocol.h"

using dmpm::forward::Router;
using dmpm::forward::VirtualHost;
using dmpm::protocol::kNoCertificate;

namespace {

// The group that serves `host`; 0: nobody.
uint32_t group_of(const Router& router, std::string_view host) {
  const VirtualHost* found = router.find(host);
  return found == nullptr ? 0 : found->group;
}

}  // namespace

TEST_CASE("names are found exactly, then by the longest wildcard") {
  Router router;
  router.set(1, {10, 0, {"a.test", "www.a.test"}});
  router.set(2, {20, 0, {"*.a.test"}});
  router.set(3, {30, 0, {"*.deep.a.test", "b.test"}});
  router.set(4, {40, 0, {"*.test"}});
  struct Case {
    std::string host;
    uint32_t group;
  };
  for (const auto& [host, group] : {
           Case{"a.test", 10},
           {"A.TEST", 10},
           {"a.test.", 10},
           {"www.a.test", 10},
           {"x.a.test", 20},
           {"x.y.a.test", 20},
           {"deep.a.test", 20},
           {"x.deep.a.test", 30},
           {"b.test", 30},
           {"x.b.test", 40},
           {"c.test", 40},
           {"test", 0},
           {"xa.test", 40},
           {"a.test.evil", 0},
           {"", 0},
           {".", 0},
           {"..", 0},
           {"*.a.test", 20},
           {"[::1]", 0},
       }) {
    const std::string_view name = host;  // what a lambda may capture
    CAPTURE(name);
    CHECK(group_of(router, name) == group);
  }
}

TEST_CASE("a virtual host that changes loses its former names only") {
  Router router;
  router.set(1, {10, 0, {"a.test", "*.a.test"}});
  router.set(1, {11, 0, {"b.test"}});
  CHECK(group_of(router, "a.test") == 0);
  CHECK(group_of(router, "x.a.test") == 0);
  CHECK(group_of(router, "b.test") == 11);
  CHECK(router.size() == 1);
}

TEST_CASE("a name that has moved stays with its new virtual host when the former one goes") {
  Router router;
  router.set(1, {10, 0, {"a.test", "*.a.test"}});
  router.set(2, {20, 0, {"a.test", "*.a.test"}});
  CHECK(group_of(router, "a.test") == 20);
  router.remove(1);
  CHECK(group_of(router, "a.test") == 20);
  CHECK(group_of(router, "x.a.test") == 20);
  router.remove(2);
  router.remove(2);
  CHECK(group_of(router, "a.test") == 0);
  CHECK(router.size() == 0);
}

TEST_CASE("the fallback is the lowest numbered virtual host with a certificate") {
  Router router;
  CHECK(router.fallback() == nullptr);
  router.set(3, {30, kNoCertificate, {"a.test"}});
  CHECK(router.fallback() == nullptr);
  router.set(9, {90, 1, {"b.test"}});
  router.set(5, {50, 2, {"c.test"}});
  REQUIRE(router.fallback() != nullptr);
  CHECK(router.fallback()->group == 50);
  router.remove(5);
  CHECK(router.fallback()->group == 90);
}
