// "apache": Apache httpd with the customer's .htaccess files, and PHP in it where that is installed.
#include <glob.h>

#include <cstdlib>

#include "base/text.h"
#include "worker-adapter/presets/php_settings.h"
#include "worker-adapter/presets/preset.h"

namespace dmpm::adapter {
namespace {

constexpr unsigned kPort = 80;
constexpr std::string_view kModules = "/usr/lib/apache2/modules/";

// What customers' .htaccess files ask for.
constexpr std::string_view kNames[] = {
    "access_compat", "alias",       "auth_basic",      "authn_core",
    "authn_file",    "authz_core",  "authz_groupfile", "authz_host",
    "authz_user",    "autoindex",   "deflate",         "dir",
    "env",           "expires",     "filter",          "headers",
    "mime",          "negotiation", "remoteip",        "rewrite",
    "setenvif"};

std::string load(std::string_view name) {
  return concat({"LoadModule ", name, "_module ", kModules, "mod_", name, ".so\n"});
}

// The newest PHP module's path; empty without one.
std::string find_php() {
  glob_t found{};
  std::string path;
  if (::glob(concat({kModules, "libphp*.so"}).c_str(), 0, nullptr, &found) == 0) {
    path = found.gl_pathv[found.gl_pathc - 1];
  }
  ::globfree(&found);
  return path;
}

std::string workers(bool prefork) {
  // One child to start with: it is the start that a visitor waits for.
  if (prefork) {
    return load("mpm_prefork") +
           "StartServers 1\nMinSpareServers 1\nMaxSpareServers 4\nMaxRequestWorkers 150\n";
  }
  return load("mpm_event") +
         "StartServers 1\nThreadsPerChild 16\nMinSpareThreads 8\nMaxSpareThreads 48\n"
         "MaxRequestWorkers 160\n";
}

std::string site(const Arguments& arguments, bool php) {
  auto index = arguments.values("index");
  if (index.empty()) {
    index = php ? std::vector<std::string>{"index.php", "index.html"}
                : std::vector<std::string>{"index.html"};
  }
  const std::string root = arguments.value_or("document_root", "");
  return concat({"DocumentRoot \"", root, "\"\n", "DirectoryIndex ", quoted_list(index, " "), "\n",
                 "<Directory \"/\">\n  AllowOverride None\n  Require all denied\n</Directory>\n",
                 "<Directory \"", root, "\">\n  AllowOverride All\n",
                 "  Options FollowSymLinks\n  Require all granted\n</Directory>\n",
                 "<FilesMatch \"^\\.ht\">\n  Require all denied\n</FilesMatch>\n"});
}

}  // namespace

Result<Launch> launch_apache(const Arguments& arguments, const PrivateDirectory& directory) {
  const std::string wish = arguments.value_or("php", "");
  const std::string php = wish == "no" ? std::string() : find_php();
  if (wish == "yes" && php.empty()) {
    return Error{concat({"there is no ", kModules, "libphp*.so (Debian: libapache2-mod-php)"})};
  }
  std::string text =
      concat({"ServerRoot \"", directory.own, "\"\nDefaultRuntimeDir \"", directory.own,
              "\"\nPidFile \"", directory.own, "/apache.pid\"\nErrorLog /dev/stderr\n",
              "ServerName localhost\nServerTokens Prod\nListen 127.0.0.1:", std::to_string(kPort),
              "\nTypesConfig /etc/mime.types\nKeepAliveTimeout 2\nMaxKeepAliveRequests 0\n"});
  text += workers(!php.empty());
  for (const std::string_view name : kNames) text += load(name);
  // The preload library reports each peer as 127.0.0.1; nobody but dmpm's dispatcher can connect.
  text +=
      "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n"
      "SetEnvIf X-Forwarded-Proto ^https$ HTTPS=on\n";
  text += site(arguments, !php.empty());
  if (!php.empty()) {
    auto settings = write_php_settings(arguments, directory, php, "apache2");
    if (!settings) return settings.error();
    ::setenv("PHP_INI_SCAN_DIR", settings->c_str(), 1);
    text += concat({"LoadModule php_module ", php,
                    "\n<FilesMatch \"\\.(php|phtml|phar)$\">\n"
                    "  SetHandler application/x-httpd-php\n</FilesMatch>\n"});
  }
  const std::string path = directory.own + "/apache.conf";
  if (const Status status = write_file(path, text); !status.ok()) return status.error();
  return Launch{{"/usr/sbin/apache2", "-D", "FOREGROUND", "-f", path}, kPort};
}

}  // namespace dmpm::adapter
