#include "config/main_reader.h"

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "config/access_log_reader.h"
#include "config/content_reader.h"
#include "config/identity_reader.h"
#include "config/limits.h"
#include "config/listener_reader.h"
#include "config/values.h"

namespace dmpm::config {
namespace {

struct Service {
  std::string_view key, name;
  IdentityDefaults defaults;
};
constexpr Service kDispatcher{
    "dispatcher", "dispatcher", {"\"dispatcher\"", "dmpm", DefaultGroup::named_as_user}};
constexpr Service kKeyholder{
    "keyholder", "keyholder", {"\"keyholder\"", "dmpm-keys", DefaultGroup::primary_of_user}};
constexpr Service kLogger{
    "logger", "logger", {"\"logger\"", "dmpm-log", DefaultGroup::primary_of_user}};
constexpr Service kMetrics{
    "metrics", "metrics process", {"\"metrics\"", "dmpm-metrics", DefaultGroup::primary_of_user}};

// How many dispatchers run.
void read_processes(ObjectReader& object, unsigned& processes) {
  const auto node = object.find("processes");
  if (!node) return;
  const uint64_t number =
      node->kind() == JsonNode::Kind::number ? node->whole_number().value_or(0) : 0;
  if (node->kind() == JsonNode::Kind::string && plain_string(*node) == "auto") {
    processes = std::clamp(std::thread::hardware_concurrency(), 1U, limits::kMaxProcesses);
  } else if (number >= 1 && number <= limits::kMaxProcesses) {
    processes = static_cast<unsigned>(number);
  } else {
    object.wrong("processes", *node,
                 concat({"a number from 1 to ", std::to_string(limits::kMaxProcesses),
                         ", or \"auto\" for as many as there are CPUs"}));
  }
}

// A service process runs as its own unprivileged user; `others` are taken already.
void check_service(const Service& service, const ReadIdentity& read,
                   std::initializer_list<Surroundings::Service> others, ProblemList& problems) {
  const Identity& identity = read.identity;
  if (read.has_uid && identity.uid == 0) {
    problems.add(read.user_place, concat({"the ", service.name, " must not run as ",
                                          quoted(identity.user), ", which has uid 0"}));
  }
  if (read.has_gid && identity.gid == 0) {
    problems.add(read.group_place, concat({"the ", service.name, " must not run in group ",
                                           quoted(identity.group), ", which has gid 0"}));
  }
  for (const auto& other : others) {
    if (!read.has_uid || identity.uid == 0 || identity.uid != other.identity.uid) continue;
    problems.add(read.user_place, concat({"the ", service.name, " needs a user of its own: ",
                                          quoted(identity.user), " is the ", other.name, "'s"}));
  }
}

Identity read_service(ObjectReader& object, const Service& service,
                      std::initializer_list<Surroundings::Service> others, Tools& tools,
                      ProblemList& problems, unsigned* processes = nullptr) {
  ReadIdentity read;
  if (const auto node = object.find(service.key)) {
    ObjectReader reader(*node, service.defaults.object, problems);
    if (node->kind() != JsonNode::Kind::object) return {};
    if (processes != nullptr) read_processes(reader, *processes);
    read = read_identity(reader, service.defaults, tools.users, problems);
    reader.finish();
  } else {
    read = default_identity(object.node().position(), service.defaults, tools.users, problems);
  }
  check_service(service, read, others, problems);
  return read.identity;
}

void read_services(ObjectReader& object, Configuration& settings, Tools& tools,
                   ProblemList& problems) {
  Identity& dispatcher = settings.dispatcher.identity;
  dispatcher =
      read_service(object, kDispatcher, {}, tools, problems, &settings.dispatcher.processes);
  settings.keyholder =
      read_service(object, kKeyholder, {{kDispatcher.name, dispatcher}}, tools, problems);
  settings.logger = read_service(
      object, kLogger, {{kDispatcher.name, dispatcher}, {kKeyholder.name, settings.keyholder}},
      tools, problems);
}

// Off unless it is there, so that a machine without that user needs none.
void read_metrics(ObjectReader& object, Configuration& settings, Tools& tools,
                  ProblemList& problems) {
  const auto node = object.find(kMetrics.key);
  if (!node) return;
  ObjectReader reader(*node, kMetrics.defaults.object, problems);
  if (node->kind() != JsonNode::Kind::object) return;
  MetricsSettings& metrics = settings.metrics;
  metrics.on = true;
  reader.count("port", metrics.port, 0, 65'535);
  reader.boolean("status_page", metrics.status_page);
  const ReadIdentity read = read_identity(reader, kMetrics.defaults, tools.users, problems);
  reader.finish();
  check_service(kMetrics, read,
                {{kDispatcher.name, settings.dispatcher.identity},
                 {kKeyholder.name, settings.keyholder},
                 {kLogger.name, settings.logger}},
                problems);
  metrics.identity = read.identity;
}

// The visitor of visit_client_limits() is an ObjectReader: the list of keys stands there.
void read_limits(ObjectReader& object, ClientLimits& limits, ProblemList& problems) {
  const auto node = object.find("limits");
  if (!node) return;
  ObjectReader reader(*node, "\"limits\"", problems);
  visit_client_limits(limits, reader);
  reader.finish();
}

void read_keep_warm(ObjectReader& object, uint64_t& memory, ProblemList& problems) {
  const auto node = object.find("keep_warm");
  if (!node) return;
  ObjectReader reader(*node, "\"keep_warm\"", problems);
  reader.bytes("memory", memory, 0, uint64_t{1} << 50);
  reader.finish();
}

void read_include(ObjectReader& object, std::vector<IncludePattern>& include,
                  ProblemList& problems) {
  const auto node = object.find("include");
  if (!node) return;
  if (node->kind() != JsonNode::Kind::list) {
    return object.wrong("include", *node, "a list of absolute paths or patterns");
  }
  for (size_t i = 0; i < node->size(); ++i) {
    const JsonNode element = node->element(i);
    const auto text = object.element_string("include", element);
    if (!text) continue;
    if (!is_absolute_path(*text)) {
      problems.add(element.position(),
                   concat({"each element of \"include\" must be ", expected_path(text), ", not ",
                           element.described()}));
      continue;
    }
    include.push_back({std::string(*text), element.position()});
  }
}

}  // namespace

MainFile read_main_file(std::string text, Tools& tools, ProblemList& problems) {
  MainFile main;
  const auto document = tools.parser.parse(std::move(text), problems);
  if (!document) return main;
  ObjectReader object(document->root(), "the configuration", problems);
  if (document->root().kind() != JsonNode::Kind::object) return main;
  Configuration& settings = main.settings;
  object.absolute_path("runtime_directory", settings.runtime_directory);
  object.absolute_path("log_directory", settings.log_directory);
  object.absolute_path("private_directories", settings.private_directories);
  settings.permission_module_directory = default_module_directory();
  object.absolute_path("permission_module_directory", settings.permission_module_directory);
  read_listeners(object, settings.listen, main.tls_listener, problems);
  read_limits(object, settings.limits, problems);
  read_keep_warm(object, settings.keep_warm, problems);
  read_services(object, settings, tools, problems);
  read_metrics(object, settings, tools, problems);
  read_access_log(object, settings.access_log, problems);
  main.surroundings = {settings.runtime_directory, settings.dispatcher.identity,
                       settings.keyholder,         settings.logger,
                       settings.metrics.identity,  settings.permission_module_directory};
  Reading reading{tools, main.surroundings, main.content, problems};
  read_content(object, reading);
  read_include(object, main.include, problems);
  object.finish();
  return main;
}

}  // namespace dmpm::config
