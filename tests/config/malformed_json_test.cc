// Texts that are no JSON, or not the JSON of a configuration.
#include "tests/config/malformed.h"

namespace dmpm::config::test {
namespace {

const std::vector<Malformed> kCases{
    {"empty file", nullptr, "", {"1:1: expected a value here"}},
    {"only a comment",
     nullptr,
     R"(// nothing
)",
     {"2:1: expected a value here"}},
    {"not an object",
     nullptr,
     R"([]
)",
     {"1:1: the configuration must be an object, not an empty list"}},
    {"a number",
     nullptr,
     R"(5
)",
     {"1:1: expected an object in braces"}},
    {"cut off",
     R"(  "include": []
}
)",
     "  \"include\": [",
     {"23:15: expected a value here"}},
    {"comma missing",
     R"("/run/dmpm",
)",
     R"("/run/dmpm"
)",
     {R"(3:3: expected "," or "}" here)"}},
    {"comma missing in a list",
     R"(["/bin/true", "-x"])",
     R"(["/bin/true" "-x"])",
     {R"(14:43: expected "," or "]" here)"}},
    {"comma too many in an object",
     R"("include": []
)",
     R"("include": [],
)",
     {R"(24:1: expected a key in double quotes here, or the end "}")"}},
    {"comma too many in a list", "\"-x\"]", "\"-x\",]", {"14:49: expected a value here"}},
    {"colon missing",
     "\"include\": []",
     "\"include\" []",
     {R"(23:13: expected ":" after the key)"}},
    {"value missing", "\"include\": []", "\"include\":", {"24:1: expected a value here"}},
    {"key without quotes",
     "\"include\": []",
     "include: []",
     {R"(23:3: expected a key in double quotes here, or the end "}")"}},
    {"single quotes",
     "\"include\": []",
     "'include': []",
     {R"(23:3: expected a key in double quotes here, or the end "}")"}},
    {"word without quotes",
     "\"include\": []",
     "\"include\": none",
     {"23:14: expected a value here"}},
    {"string without end",
     "\"/run/dmpm\",",
     "\"/run/dmpm,",
     {R"(2:24: this string has no closing " on its line)"}},
    {"tab in a string",
     "\"/run/dmpm\"",
     "\"/run/\tdmpm\"",
     {R"(2:30: a control character in a string; write it as an escape such as \t)"}},
    {"comment without end",
     "\"include\": []",
     "\"include\": [] /* and so on",
     {"23:17: this comment has no closing */"}},
    {"a lone slash",
     "\"include\": []",
     "\"include\": / []",
     {R"(23:14: a "/" that begins neither // nor /*)"}},
    {"text after the end",
     R"(  "include": []
}
)",
     R"(  "include": []
}
}
)",
     {R"(25:1: expected nothing more after the last "}")"}},
    {"a zero byte",
     "\"include\": []",
     "\"include\": [] @NUL@",
     {"23:17: a control character; the file is not plain text"}},
    {"nested too deep",
     "\"environment\": {}",
     "\"environment\": [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
     {"14:106: nested deeper than 16 levels"}},
    {"duplicate key",
     "\"include\": []",
     R"("include": [],
  "listen": [])",
     {R"(24:3: the key "listen" is there twice in this object)"}},
    {"duplicate group",
     "    \"alice\": {",
     R"(    "alice": {}, "alice": {)",
     {R"(12:18: the key "alice" is there twice in this object)"}},
    {"not a number", "\"queue\": 128", "\"queue\": 12x", {R"(15:65: expected "," or "}" here)"}},
    {"bad escape",
     "\"/run/dmpm\"",
     R"("/run/\dmpm")",
     {"2:24: not valid JSON: Bad escape sequence in string"}},
};

TEST_CASE("malformed json") {
  check_all(kCases);
}

}  // namespace
}  // namespace dmpm::config::test
