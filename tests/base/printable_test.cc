#include "base/printable.h"

#include <doctest/doctest.h>

using namespace std::string_literals;

TEST_CASE("nothing that could forge a line or steer a terminal is left as it is") {
  struct Case {
    const char* what;
    std::string text, printed;
  };
  const Case cases[] = {
      {"plain", "GET / \"ok\" C:\\x", "GET / \"ok\" C:\\x"},
      {"tab", "a\tb", "a\tb"},
      {"newline and carriage return", "a\r\nb", "a\\x0d\\x0ab"},
      {"escape", "\x1b[2J", "\\x1b[2J"},
      {"zero", "a\0b"s, "a\\x00b"},
      {"delete", "\x7f", "\\x7f"},
      {"two bytes", "gr\xc3\xbcn", "gr\xc3\xbcn"},
      {"three bytes", "\xe2\x82\xac", "\xe2\x82\xac"},
      {"four bytes", "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7"},
      {"C1 control (CSI)", "\xc2\x9b", "\\xc2\\x9b"},
      {"no-break space is the first after C1", "\xc2\xa0", "\xc2\xa0"},
      {"lone continuation", "\x80", "\\x80"},
      {"truncated", "\xe2\x82", "\\xe2\\x82"},
      {"truncated, then text", "\xc3(", "\\xc3("},
      {"overlong newline", "\xc0\x8a", "\\xc0\\x8a"},
      {"overlong in three", "\xe0\x80\x8a", "\\xe0\\x80\\x8a"},
      {"overlong in four", "\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a"},
      {"surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"beyond Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"the last of Unicode", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
      {"line separator", "\xe2\x80\xa8", "\\xe2\\x80\\xa8"},
      {"right-to-left override", "\xe2\x80\xae", "\\xe2\\x80\\xae"},
      {"isolate", "\xe2\x81\xa6", "\\xe2\\x81\\xa6"},
      {"Latin-1", "caf\xe9 au lait", "caf\\xe9 au lait"},
      {"0xff", "\xff", "\\xff"},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    std::string out = ">";
    dmpm::append_printable(out, c.text);
    CHECK(out == ">" + c.printed);
  }
}
