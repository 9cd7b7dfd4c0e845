// What a format of an access log may say.
#include "base/access_format.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace dmpm;

namespace {

// The pieces, variables as numbers; or the error.
std::string words(std::string_view text) {
  auto format = parse_access_format(text);
  if (!format.ok()) return concat({"error: ", format.error().message});
  std::string out = format->json ? "json" : "";
  for (const AccessFormat::Piece& piece : format->pieces) {
    const bool literal = piece.variable == AccessVariable::literal;
    out += literal ? concat({"[", piece.text, "]"})
                   : concat({"<", std::to_string(static_cast<int>(piece.variable)), ">"});
  }
  return out;
}

std::string variable(AccessVariable which) {
  return concat({"<", std::to_string(static_cast<int>(which)), ">"});
}

}  // namespace

TEST_CASE("variables and what stands between them") {
  const std::string status = variable(AccessVariable::status);
  CHECK(words("$status") == status);
  CHECK(words("${status}s") == status + "[s]");
  CHECK(words("a $status/$group") == "[a ]" + status + "[/]" + variable(AccessVariable::group));
  CHECK(words("$$status $status") == "[$status ]" + status);
  CHECK(words("\t$status\"\\") == "[\t]" + status + "[\"\\]");
  CHECK(words("json") == "json");
  CHECK(words("combined") == words(kCombinedFormat));
  CHECK(words("combined").starts_with(variable(AccessVariable::remote_addr) + "[ - - []"));
}

TEST_CASE("what is no format") {
  CHECK(words("") == "error: there is no $variable in it");
  CHECK(words("common") == "error: there is no $variable in it");
  CHECK(words("$$") == "error: there is no $variable in it");
  const std::string dollar = "error: a \"$\" is not followed by a name (a dollar sign is \"$$\")";
  CHECK(words("$") == dollar);
  CHECK(words("$ status") == dollar);
  CHECK(words("${status") == dollar);
  CHECK(words("${}") == dollar);
  CHECK(words("$Status") == dollar);
  CHECK(words("$statuss")
            .starts_with("error: there is no variable \"$statuss\"; there are "
                         "$body_bytes_received, $body_bytes_sent,"));
  CHECK(words("$status\n") == "error: it has a control character in it");
  CHECK(words(std::string("$status\0", 8)) == "error: it has a control character in it");
  CHECK(words("$status\x7f") == "error: it has a control character in it");
  CHECK(words("$status" + std::string(kMaxAccessFormat, ' ')) ==
        "error: it is longer than 1024 bytes");
}
