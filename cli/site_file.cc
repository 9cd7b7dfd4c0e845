#include "cli/site_file.h"

#include "base/text.h"
#include "cli/text.h"

namespace dmpm::cli {

std::string site_file(const Site& site) {
  std::string names;
  for (const std::string& name : site.names) {
    names += concat({names.empty() ? "" : ", ", json_string(name)});
  }
  const std::string tls =
      site.certificate.empty()
          ? std::string()
          : concat({",\n      \"tls\": { \"certificate\": ", json_string(site.certificate),
                    ",\n               \"key\": ", json_string(site.key), " }"});
  return concat({"{\n  \"groups\": {\n    ", json_string(site.group),
                 ": {\n      \"permissions\": { \"user\": ", json_string(site.user),
                 " },\n      \"worker\": { \"preset\": ", json_string(site.preset),
                 ", \"document_root\": ", json_string(site.document_root),
                 " }\n    }\n  },\n  \"virtual_hosts\": [\n    { \"names\": [", names,
                 "],\n      \"group\": ", json_string(site.group), tls, " }\n  ]\n}\n"});
}

}  // namespace dmpm::cli
