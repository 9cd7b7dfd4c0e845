// PHP's own settings for a private directory, beside or instead of those of the machine.
#pragma once

#include <string>

#include "base/result.h"
#include "worker-adapter/arguments.h"
#include "worker-adapter/private_directory.h"

namespace dmpm::adapter {

// Temporary files, sessions and an opcode cache that no other customer shares and that outlives the
// worker; with "php_extensions" the machine's settings without the extensions that it does not name.
//
// `program` is PHP, whose name (or the name that its links lead to) ends with its version; `kind` is
// Debian's name for that way of running it ("cgi", "apache2"). Returns the value of PHP_INI_SCAN_DIR.
Result<std::string> write_php_settings(const Arguments& arguments,
                                       const PrivateDirectory& directory,
                                       const std::string& program, std::string_view kind);

}  // namespace dmpm::adapter
