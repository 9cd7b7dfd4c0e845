// What the tests of cli/ share: a directory for files, configurations without files, certificates.
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.h"
#include "tests/config/fixture.h"

namespace dmpm::cli::test {

using Directory = config::test::TemporaryDirectory;

struct PemPair {
  std::string certificate, key;
};
// For these alternative names ("DNS:a.test", "IP:192.0.2.1"), signed by another key (or its own), and
// valid from `from` to `until` (seconds from now).
PemPair make_pair(const std::vector<std::string>& names, long from, long until,
                  bool self_signed = false);

// A virtual host at x.json:LINE:1.
config::VirtualHost make_host(std::vector<std::string> names, unsigned line = 1);
// A group that runs as the invoking user.
config::Group make_group(const std::string& name);
// Of one section.
config::Configuration make_configuration(std::vector<config::Group> groups,
                                         std::vector<config::VirtualHost> hosts);

}  // namespace dmpm::cli::test
