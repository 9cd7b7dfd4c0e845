// "node" and "python": the customer's own program.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "worker-adapter/presets/preset.h"

namespace dmpm::adapter {
namespace {

// Whichever port a Node program listens on becomes the socket; most ask for this one.
constexpr std::string_view kNodePort = "8080";

// gunicorn leaves the client's address to its applications; most do not look for it.
constexpr std::string_view kWrapper = R"(from importlib import import_module

_module, _, _name = "%".partition(":")
_application = getattr(import_module(_module), _name or "application")


def application(environ, start_response):
    # Nobody but dmpm's dispatcher can connect, and these are its words.
    environ["REMOTE_ADDR"] = environ.get("HTTP_X_FORWARDED_FOR", "")
    environ["wsgi.url_scheme"] = environ.get("HTTP_X_FORWARDED_PROTO", "http")
    return _application(environ, start_response)
)";

Status enter(const std::string& directory) {
  if (::chdir(directory.c_str()) != 0) return Error::from_errno(directory, errno);
  return {};
}

}  // namespace

Result<Launch> launch_node(const Arguments& arguments) {
  const Status status = enter(arguments.value_or("document_root", ""));
  if (!status.ok()) return status.error();
  ::setenv("PORT", std::string(kNodePort).c_str(), 0);
  ::setenv("NODE_ENV", "production", 0);
  return Launch{{"/usr/bin/node", arguments.value_or("script", "server.js")}, 0};
}

Result<Launch> launch_python(const Arguments& arguments, const PrivateDirectory& directory) {
  const std::string root = arguments.value_or("document_root", "");
  if (const Status status = enter(root); !status.ok()) return status.error();
  std::string wrapper(kWrapper);
  wrapper.replace(wrapper.find('%'), 1, arguments.value_or("application", "wsgi:application"));
  const Status status = write_file(directory.own + "/dmpm_wsgi.py", wrapper);
  if (!status.ok()) return status.error();
  return Launch{
      {"/usr/bin/gunicorn", "--workers", arguments.value_or("processes", "1"), "--threads", "8",
       "--worker-tmp-dir", directory.own, "--pythonpath", concat({root, ",", directory.own}),
       "--forwarded-allow-ips", "*", "dmpm_wsgi:application"},
      {}};
}

}  // namespace dmpm::adapter
