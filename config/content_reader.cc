#include "config/content_reader.h"

#include "config/group_reader.h"
#include "config/virtual_host_reader.h"

namespace dmpm::config {

void read_content(ObjectReader& object, Reading& reading) {
  if (const auto groups = object.find("groups")) {
    if (groups->kind() != JsonNode::Kind::object) {
      object.wrong("groups", *groups, "an object of names and groups");
    } else {
      reading.content.section.groups.reserve(groups->size());
      for (const JsonMember& member : groups->members()) {
        reading.content.section.groups.push_back(read_group(member, reading));
      }
    }
  }
  if (const auto hosts = object.find("virtual_hosts")) {
    if (hosts->kind() != JsonNode::Kind::list) {
      object.wrong("virtual_hosts", *hosts, "a list of virtual hosts");
    } else {
      reading.content.section.virtual_hosts.reserve(hosts->size());
      for (size_t i = 0; i < hosts->size(); ++i) read_virtual_host(hosts->element(i), reading);
    }
  }
}

void read_site_file(std::string text, Reading& reading) {
  const auto document = reading.tools.parser.parse(std::move(text), reading.problems);
  if (!document) return;
  ObjectReader object(document->root(), "an included file", reading.problems);
  read_content(object, reading);
  object.finish();
}

}  // namespace dmpm::config
