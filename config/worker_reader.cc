#include "config/worker_reader.h"

#include <algorithm>

#include "base/text.h"
#include "config/object_reader.h"
#include "config/preset_reader.h"
#include "config/values.h"

namespace dmpm::config {
namespace {

struct ActivationName {
  std::string_view name;
  Activation activation;
};
constexpr ActivationName kActivations[] = {
    {"listen_fds", Activation::listen_fds}, {"nginx", Activation::nginx},
    {"argument", Activation::argument},     {"stdin", Activation::stdin_fd},
    {"preload", Activation::preload},       {"bridge", Activation::bridge},
};

// Variables by which the master tells a worker of its socket.
constexpr std::string_view kReserved[] = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NGINX"};

void read_command(ObjectReader& object, Worker& worker, ProblemList& problems) {
  constexpr std::string_view kExpected = "a list: the program's absolute path, then its arguments";
  const auto node = object.require("command", kExpected);
  if (!node) return;
  if (node->kind() != JsonNode::Kind::list || node->size() == 0) {
    return object.wrong("command", *node, kExpected);
  }
  worker.command.reserve(node->size());
  for (size_t i = 0; i < node->size(); ++i) {
    const JsonNode element = node->element(i);
    const auto text = object.element_string("command", element);
    if (text && i == 0 && !is_absolute_path(*text)) {
      problems.add(element.position(),
                   concat({"the program in \"command\" must be ", expected_path(text), ", not ",
                           element.described()}));
    }
    worker.command.emplace_back(text.value_or(""));
  }
}

void read_activation(ObjectReader& object, Worker& worker, ProblemList& problems) {
  const auto node = object.find("activation");
  if (!node) return;
  const auto text = plain_string(*node);
  const auto* entry = std::find_if(
      std::begin(kActivations), std::end(kActivations),
      [&](const ActivationName& candidate) { return text && candidate.name == *text; });
  if (entry == std::end(kActivations)) {
    return object.wrong("activation", *node,
                        "\"listen_fds\", \"nginx\", \"argument\", \"stdin\", \"preload\" or "
                        "\"bridge\"");
  }
  worker.activation = entry->activation;
  const bool has_place =
      std::any_of(worker.command.begin(), worker.command.end(), [](const std::string& argument) {
        return argument.find("{fd}") != std::string::npos ||
               argument.find("{socket}") != std::string::npos;
      });
  if (worker.activation == Activation::argument && !worker.command.empty() && !has_place) {
    problems.add(node->position(),
                 "\"argument\" needs \"{fd}\" or \"{socket}\" in an element of \"command\"");
  }
}

// What the adapter has to know for the activations that are its own.
void read_adapter(ObjectReader& object, Worker& worker, std::string_view root,
                  ProblemList& problems) {
  const auto add = [&](std::string_view key, std::string_view value) {
    worker.adapter.push_back(concat({key, "=", value}));
  };
  unsigned port = 0;
  std::string path;
  object.count("port", port, 1, 65'535);
  if (worker.activation == Activation::preload) {
    worker.adapter = {"preload"};
  } else {
    worker.adapter = {"bridge"};
    object.absolute_path("path", path);
    if (object.node().member("port").has_value() == object.node().member("path").has_value()) {
      problems.add(object.node().position(),
                   "\"bridge\" needs either \"port\" or \"path\": where the program listens");
    } else if (path.empty() && root != "/") {
      problems.add(object.node().position(),
                   "\"bridge\" to a \"port\" needs the root directory \"/\": the kernel allows no "
                   "private network within another one; use \"path\"");
    }
  }
  if (port != 0) add("port", std::to_string(port));
  if (!path.empty()) add("path", path);
}

// The preload library, for everything that needs it.
void read_preload_library(ObjectReader& object, Worker& worker, std::string_view root,
                          ProblemList& problems) {
  std::string library;
  object.absolute_path("preload_library", library);
  if (!library.empty()) {
    worker.adapter.push_back(concat({"preload_library=", library}));
  } else if (root != "/") {
    problems.add(object.node().position(),
                 concat({"the root directory ", quoted(root),
                         " has no dmpm in it: copy libdmpm-preload.so there and say with "
                         "\"preload_library\" where within it"}));
  }
}

bool needs_preload_library(const Worker& worker) {
  if (worker.adapter.empty()) return false;
  return worker.activation == Activation::preload ||
         (worker.adapter[0] == "preset" &&
          (worker.adapter[1] == "apache" || worker.adapter[1] == "node"));
}

void read_environment(ObjectReader& object, Worker& worker, ProblemList& problems) {
  const auto node = object.find("environment");
  if (!node) return;
  if (node->kind() != JsonNode::Kind::object) {
    return object.wrong("environment", *node, "an object of names and strings");
  }
  for (const JsonMember& member : node->members()) {
    const Position place = member.value.key_position(member.key);
    const auto value = plain_string(member.value);
    if (!is_environment_name(member.key)) {
      problems.add(place, concat({"the name of an environment variable must be of A-Z a-z 0-9 _ "
                                  "and begin with no digit, not ",
                                  quoted(member.key)}));
    } else if (std::find(std::begin(kReserved), std::end(kReserved), member.key) !=
               std::end(kReserved)) {
      problems.add(place, concat({quoted(member.key), " is set by dmpm, see \"activation\""}));
    } else if (!value) {
      object.wrong(member.key, member.value, "a string");
    } else {
      worker.environment.emplace(member.key, *value);
    }
  }
}

}  // namespace

Worker read_worker(const JsonNode& node, std::string_view root, ProblemList& problems) {
  Worker worker;
  ObjectReader object(node, "\"worker\"", problems);
  if (const auto preset = object.find("preset")) {
    for (const std::string_view key : {"command", "activation"}) {
      if (const auto other = object.find(key)) {
        problems.add(other->position(),
                     concat({"\"preset\" brings its own \"", key, "\": give one or the other"}));
      }
    }
    read_preset(object, *preset, worker, problems);
  } else {
    read_command(object, worker, problems);
    read_activation(object, worker, problems);
    if (worker.activation == Activation::preload || worker.activation == Activation::bridge) {
      read_adapter(object, worker, root, problems);
    }
    object.boolean("proxy_protocol", worker.proxy_protocol);
  }
  if (needs_preload_library(worker)) read_preload_library(object, worker, root, problems);
  object.absolute_path("directory", worker.directory);
  read_environment(object, worker, problems);
  object.finish();
  return worker;
}

}  // namespace dmpm::config
