#include "config/virtual_host_reader.h"

#include "base/text.h"
#include "config/access_log_reader.h"
#include "config/host_name.h"
#include "config/object_reader.h"
#include "config/values.h"

namespace dmpm::config {
namespace {

void read_names(ObjectReader& object, VirtualHost& host, VirtualHostPlaces& places,
                ProblemList& problems) {
  constexpr std::string_view kExpected = "a list of at least one host name";
  const auto node = object.require("names", kExpected);
  if (!node) return;
  if (node->kind() != JsonNode::Kind::list || node->size() == 0) {
    return object.wrong("names", *node, kExpected);
  }
  host.names.reserve(node->size());
  for (size_t i = 0; i < node->size(); ++i) {
    const JsonNode element = node->element(i);
    const auto text = plain_string(element);
    auto name = text ? parse_host_name(*text) : Error{"it is not a string"};
    if (!name) {
      problems.add(element.position(),
                   concat({element.described(), " is not a host name: ", name.error().message}));
      continue;
    }
    host.names.push_back(std::move(*name));
    places.names.push_back(element.position());
  }
}

// Leaves `path` empty when the file cannot be used.
void read_file(ObjectReader& object, std::string_view key, std::string& path, Reading& reading) {
  const auto node = object.require(key, "the absolute path of a PEM file");
  if (!node) return;
  const auto text = plain_string(*node);
  if (!text || !is_absolute_path(*text)) return object.wrong(key, *node, expected_path(text));
  std::string named(*text);
  auto found = reading.tools.files.stamp(named);
  if (!found) return reading.problems.add(node->position(), found.error().message);
  path = std::move(named);
}

void read_files(ObjectReader& object, CertificateFiles& files, Reading& reading) {
  read_file(object, "certificate", files.certificate_path, reading);
  read_file(object, "key", files.key_path, reading);
}

void read_tls(const JsonNode& node, VirtualHost& host, Reading& reading) {
  ObjectReader object(node, "\"tls\"", reading.problems);
  Certificate& certificate = host.tls.emplace();
  read_files(object, certificate, reading);
  if (const auto second = object.find("second")) {
    ObjectReader other(*second, "\"second\"", reading.problems);
    read_files(other, certificate.second.emplace(), reading);
    other.finish();
  }
  object.finish();
}

}  // namespace

void read_virtual_host(const JsonNode& node, Reading& reading) {
  ProblemList& problems = reading.problems;
  VirtualHost host;
  VirtualHostPlaces places;
  host.location = problems.locate(node.position());
  ObjectReader object(node, "this virtual host", problems);
  read_names(object, host, places, problems);
  if (const auto group = object.require("group", "the name of a group")) {
    places.group = group->position();
    const auto name = plain_string(*group);
    if (name && is_group_name(*name)) {
      host.group = *name;
    } else {
      object.wrong("group", *group, "the name of a group");
    }
  }
  if (const auto tls = object.find("tls")) read_tls(*tls, host, reading);
  read_host_access_log(object, host.access_log, problems);
  object.finish();
  reading.content.section.virtual_hosts.push_back(std::move(host));
  reading.content.places.push_back(std::move(places));
}

}  // namespace dmpm::config
