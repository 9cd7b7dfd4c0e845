#include "worker-adapter/presets/preset.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "worker-adapter/launch.h"

namespace dmpm::adapter {
namespace {

Result<Launch> launch_named(const Arguments& arguments, const PrivateDirectory& directory) {
  const std::string_view name = arguments.preset();
  if (name == "static") return launch_lighttpd(arguments, directory, false);
  if (name == "php") return launch_lighttpd(arguments, directory, true);
  if (name == "apache") return launch_apache(arguments, directory);
  if (name == "node") return launch_node(arguments);
  if (name == "python") return launch_python(arguments, directory);
  return Error{concat({"unknown preset ", name})};
}

Status check_document_root(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    return Error::from_errno(concat({"\"document_root\" ", path}), errno);
  }
  if (!S_ISDIR(found.st_mode)) {
    return Error{concat({"\"document_root\" ", path, " is not a directory"})};
  }
  return {};
}

}  // namespace

Error run_preset(const Arguments& arguments) {
  const Status status = check_document_root(arguments.value_or("document_root", ""));
  if (!status.ok()) return status.error();
  const char* group = ::getenv("LISTEN_FDNAMES");
  auto directory = make_private_directory(arguments.value_or("private_directory", ""),
                                          group != nullptr ? group : "worker");
  if (!directory) return directory.error();
  // Unless the configuration says where home is: nothing that a program leaves there is served.
  const char* home = ::getenv("HOME");
  if (home == nullptr || std::string_view(home) == "/") {
    ::setenv("HOME", directory->shared.c_str(), 1);
  }
  auto launch = launch_named(arguments, *directory);
  if (!launch) return launch.error();
  if (launch->preload_port) {
    const Status prepared = prepare_preload(arguments, *launch->preload_port);
    if (!prepared.ok()) return prepared.error();
  }
  return execute(launch->command);
}

std::string quoted_list(const std::vector<std::string>& names, std::string_view separator) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += separator;
    out += concat({"\"", name, "\""});
  }
  return out;
}

}  // namespace dmpm::adapter
