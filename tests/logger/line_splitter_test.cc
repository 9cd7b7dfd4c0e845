#include "logger/line_splitter.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "logger/limits.h"

using dmpm::logger_limits::kMaxLine;

namespace {

struct Collector final : dmpm::LineSink {
  // "+" before a continuation.
  void on_line(std::string_view line, bool continued) override {
    CHECK(line.size() <= kMaxLine);
    lines.push_back((continued ? "+" : "") + std::string(line));
  }
  std::vector<std::string> lines;
};

std::vector<std::string> split(std::string_view bytes, size_t step) {
  Collector collector;
  dmpm::LineSplitter splitter(collector);
  for (size_t at = 0; at < bytes.size(); at += step) splitter.feed(bytes.substr(at, step));
  splitter.finish();
  return collector.lines;
}

}  // namespace

TEST_CASE("lines come out the same however the bytes came in") {
  const std::string longest(kMaxLine, 'x');
  struct Case {
    const char* what;
    std::string bytes;
    std::vector<std::string> lines;
  };
  const Case cases[] = {
      {"nothing", "", {}},
      {"one", "one\n", {"one"}},
      {"two and an empty one", "one\n\ntwo\n", {"one", "", "two"}},
      {"no newline at the end", "one\ntwo", {"one", "two"}},
      {"carriage returns are content", "one\r\n", {"one\r"}},
      {"the longest", longest + "\nnext\n", {longest, "next"}},
      {"one byte more", longest + "y\nnext\n", {longest, "+y", "next"}},
      {"three pieces", longest + longest + "yz\n", {longest, "+" + longest, "+yz"}},
      {"exactly two", longest + longest + "\n", {longest, "+" + longest}},
      {"too long without an end", longest + "y", {longest, "+y"}},
      {"not cut inside a character",
       longest.substr(1) + "\xe2\x82\xac!\n",
       {longest.substr(1), "+\xe2\x82\xac!"}},
      {"cut before a character", longest + "\xe2\x82\xac\n", {longest, "+\xe2\x82\xac"}},
  };
  for (const Case& c : cases) {
    for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, size_t{4096}, size_t{1} << 20}) {
      INFO(c.what, ", ", step, " bytes at a time");
      CHECK(split(c.bytes, step) == c.lines);
    }
  }
}
