// The text of a site file: one group with a preset, one virtual host.
#pragma once

#include <string>
#include <vector>

namespace dmpm::cli {

struct Site {
  std::string group, user, preset, document_root;
  std::vector<std::string> names;
  std::string certificate, key;  // empty: no TLS
};

// JSON, whatever the strings hold that are printable() as they are.
std::string site_file(const Site& site);

}  // namespace dmpm::cli
