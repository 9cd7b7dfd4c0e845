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

Result<std::string> write_php_settings(const Arguments& arguments,
                                       const PrivateDirectory& directory) {
  const std::string settings = directory.own + "/php.d";
  const std::string temporary = directory.own + "/tmp";
  const std::string sessions = directory.shared + "/sessions";
  const std::string opcode_cache = directory.shared + "/opcache";
  for (const std::string& path : {settings, temporary, sessions, opcode_cache}) {
    if (const Status status = make_closed_directory(path); !status.ok()) return status.error();
  }
  std::string text = concat({"upload_tmp_dir = \"", temporary, "\"\nsys_temp_dir = \"", temporary,
                             "\"\nsession.save_path = \"", sessions, "\"\nopcache.file_cache = \"",
                             opcode_cache, "\"\n"});
  for (const std::string& setting : arguments.values("php_ini")) {
    const size_t equals = setting.find('=');
    text += concat({setting.substr(0, equals), " = \"", setting.substr(equals + 1), "\"\n"});
  }
  const Status status = write_file(settings + "/dmpm.ini", text);
  if (!status.ok()) return status.error();
  return ":" + settings;  // behind the machine's own
}

}  // namespace dmpm::adapter
