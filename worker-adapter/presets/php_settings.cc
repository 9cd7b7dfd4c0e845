#include "worker-adapter/presets/php_settings.h"

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/text.h"

namespace dmpm::adapter {
namespace {

// Of a file of settings; Debian's have some hundred bytes.
constexpr size_t kMostSettings = 64 * 1024;

// Of ".../php-cgi8.2" or ".../libphp8.2.so": "8.2".
std::string version_of(const std::string& program) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(program.c_str(), nullptr),
                                                    std::free);
  const std::string_view path = real ? real.get() : "";
  const size_t end = path.find_last_of("0123456789");
  if (end == std::string_view::npos) return {};
  const size_t begin = path.find_last_not_of("0123456789.", end);
  return std::string(path.substr(begin + 1, end - begin));
}

Result<std::string> read_settings(const char* path) {
  const Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
  std::string text(kMostSettings, '\0');
  const ssize_t size = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  if (size < 0) return Error::from_errno(path, errno);
  if (static_cast<size_t>(size) == text.size()) return Error{concat({path, " is too long"})};
  text.resize(static_cast<size_t>(size));
  return text;
}

std::string_view trimmed(std::string_view text, std::string_view what) {
  const size_t begin = text.find_first_not_of(what);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(what) - begin + 1);
}

// Of `extension = "curl.so"`: "curl"; empty for any other line.
std::string_view extension_in(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return {};
  const std::string_view key = trimmed(line.substr(0, equals), " \t");
  if (key != "extension" && key != "zend_extension") return {};
  std::string_view name = trimmed(line.substr(equals + 1), " \t\r\"'");
  name.remove_prefix(name.rfind('/') + 1);  // (npos + 1 is 0)
  if (name.ends_with(".so")) name.remove_suffix(3);
  return name;
}

// The lines of `text`, but for extensions that are not wanted.
void append_wanted(std::string& out, std::string_view text,
                   const std::vector<std::string>& wanted) {
  while (!text.empty()) {
    const size_t size = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    const std::string_view name = extension_in(line);
    // Without its opcode cache every start would compile everything.
    const bool drop = !name.empty() && name != "opcache" &&
                      std::find(wanted.begin(), wanted.end(), name) == wanted.end();
    if (!drop) out += concat({line, "\n"});
  }
}

// The machine's settings for this PHP, in the order in which it would read them.
Result<std::string> chosen_settings(const std::string& program, std::string_view kind,
                                    const std::vector<std::string>& wanted) {
  const std::string where = concat({"/etc/php/", version_of(program), "/", kind, "/conf.d/*.ini"});
  glob_t found{};
  const std::unique_ptr<glob_t, void (*)(glob_t*)> freed(&found, ::globfree);
  if (::glob(where.c_str(), 0, nullptr, &found) != 0) {
    return Error{concat({"\"php_extensions\": there is no ", where})};
  }
  std::string out;
  for (size_t i = 0; i < found.gl_pathc; ++i) {
    auto text = read_settings(found.gl_pathv[i]);
    if (!text) return text.error();
    append_wanted(out, *text, wanted);
  }
  return out;
}

}  // namespace

Result<std::string> write_php_settings(const Arguments& arguments,
                                       const PrivateDirectory& directory,
                                       const std::string& program, std::string_view kind) {
  const std::string settings = directory.own + "/php.d";
  const std::string temporary = directory.own + "/tmp";
  const std::string sessions = directory.shared + "/sessions";
  const std::string opcode_cache = directory.shared + "/opcache";
  for (const std::string& path : {settings, temporary, sessions, opcode_cache}) {
    if (const Status status = make_closed_directory(path); !status.ok()) return status.error();
  }
  std::string text;
  const auto extensions = arguments.values("php_extensions");
  if (!extensions.empty()) {
    auto chosen = chosen_settings(program, kind, extensions);
    if (!chosen) return chosen.error();
    text = std::move(*chosen);
  }
  text += concat({"upload_tmp_dir = \"", temporary, "\"\nsys_temp_dir = \"", temporary,
                  "\"\nsession.save_path = \"", sessions, "\"\nopcache.file_cache = \"",
                  opcode_cache, "\"\n"});
  for (const std::string& setting : arguments.values("php_ini")) {
    const size_t equals = setting.find('=');
    text += concat({setting.substr(0, equals), " = \"", setting.substr(equals + 1), "\"\n"});
  }
  const Status status = write_file(settings + "/dmpm.ini", text);
  if (!status.ok()) return status.error();
  return extensions.empty() ? ":" + settings  // behind the machine's own
                            : settings;
}

}  // namespace dmpm::adapter
