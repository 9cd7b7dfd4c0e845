// "static" and "php": lighttpd, with PHP's FastCGI processes as its children.
#include "base/text.h"
#include "worker-adapter/presets/php_settings.h"
#include "worker-adapter/presets/preset.h"

namespace dmpm::adapter {
namespace {

constexpr char kPhp[] = "/usr/bin/php-cgi";

struct MimeType {
  std::string_view suffix, type;
};
// What sites serve. Everything else is application/octet-stream.
constexpr MimeType kMimeTypes[] = {
    {".html", "text/html"},
    {".htm", "text/html"},
    {".css", "text/css"},
    {".js", "text/javascript"},
    {".mjs", "text/javascript"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/markdown; charset=utf-8"},
    {".csv", "text/csv"},
    {".ics", "text/calendar"},
    {".vcf", "text/vcard"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".xml", "application/xml"},
    {".rss", "application/rss+xml"},
    {".atom", "application/atom+xml"},
    {".xhtml", "application/xhtml+xml"},
    {".wasm", "application/wasm"},
    {".pdf", "application/pdf"},
    {".epub", "application/epub+zip"},
    {".zip", "application/zip"},
    {".tar.gz", "application/gzip"},
    {".gz", "application/gzip"},
    {".tar.xz", "application/x-xz"},
    {".xz", "application/x-xz"},
    {".tar", "application/x-tar"},
    {".7z", "application/x-7z-compressed"},
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {".odt", "application/vnd.oasis.opendocument.text"},
    {".ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {".odp", "application/vnd.oasis.opendocument.presentation"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".svg", "image/svg+xml"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".ttf", "font/ttf"},
    {".otf", "font/otf"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".opus", "audio/ogg"},
    {".flac", "audio/flac"},
    {".wav", "audio/wav"},
    {".m4a", "audio/mp4"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".ogv", "video/ogg"},
    {"", "application/octet-stream"}};

std::string mime_types() {
  std::string out = "mimetype.assign = (\n";
  for (const MimeType& entry : kMimeTypes) {
    out += concat({"  \"", entry.suffix, "\" => \"", entry.type, "\",\n"});
  }
  return out + ")\n";
}

std::string basis(const Arguments& arguments, const PrivateDirectory& directory, bool php) {
  auto index = arguments.values("index");
  if (index.empty()) {
    index = php ? std::vector<std::string>{"index.php", "index.html"}
                : std::vector<std::string>{"index.html"};
  }
  return concat(
      {"server.systemd-socket-activation = \"enable\"\n",
       "server.modules = (\"mod_access\", \"mod_rewrite\", \"mod_extforward\"",
       php ? ", \"mod_fastcgi\"" : "", ")\n", "server.document-root = \"",
       arguments.value_or("document_root", ""), "\"\n", "server.upload-dirs = (\"", directory.own,
       "\")\n", "index-file.names = (", quoted_list(index, ", "), ")\n", "server.tag = \"\"\n",
       "server.feature-flags = (\"server.graceful-shutdown-timeout\" => 8)\n",
       // Nobody but dmpm's dispatcher can connect.
       "extforward.forwarder = (\"all\" => \"trust\")\n",
       "extforward.headers = (\"X-Forwarded-For\")\n",
       // Files such as .htpasswd, .git and editors' copies are not for visitors.
       "$HTTP[\"url\"] =~ \"/\\.(?!well-known(/|$))|~$\" { url.access-deny = (\"\") }\n"});
}

Result<std::string> fastcgi(const Arguments& arguments, const PrivateDirectory& directory) {
  auto settings = write_php_settings(arguments, directory, kPhp, "cgi");
  if (!settings) return settings.error();
  std::string out =
      concat({"static-file.exclude-extensions = (\".php\", \".phtml\", \".phar\", \".inc\")\n"
              // A download is read from PHP only as fast as its client takes it.
              "server.stream-response-body = 2\n"
              "fastcgi.server = (\".php\" => ((\n"
              // It leaves the worker's session, and so would outlive a lighttpd that is killed.
              "  \"bin-path\" => \"/usr/bin/setpriv --pdeathsig TERM /usr/bin/php-cgi\",\n"
              "  \"socket\" => \"",
              directory.own, "/php.socket\", \"max-procs\" => 1,\n  \"bin-environment\" => (",
              "\"PHP_FCGI_CHILDREN\" => \"", arguments.value_or("processes", "4"),
              "\", \"PHP_FCGI_MAX_REQUESTS\" => \"1000\", \"PHP_INI_SCAN_DIR\" => \"", *settings,
              "\")\n", ")))\n"});
  if (const auto front = arguments.value("front_controller")) {
    out += concat({"url.rewrite-if-not-file = (\"^([^?]*)(\\?.*)?$\" => \"", *front, "$2\")\n"});
  }
  return out;
}

}  // namespace

Result<Launch> launch_lighttpd(const Arguments& arguments, const PrivateDirectory& directory,
                               bool php) {
  std::string text = basis(arguments, directory, php) + mime_types();
  if (php) {
    auto more = fastcgi(arguments, directory);
    if (!more) return more.error();
    text += *more;
  }
  const std::string path = directory.own + "/lighttpd.conf";
  if (const Status status = write_file(path, text); !status.ok()) return status.error();
  return Launch{{"/usr/sbin/lighttpd", "-D", "-f", path}, {}};
}

}  // namespace dmpm::adapter
