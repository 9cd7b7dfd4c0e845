// What the loader says of many configurations in one process, for schema_test.py: each line of
// standard input names a file. The answer is a line for each problem and one with a dot. Of two files,
// with a tab between them, it is "same" or "different", as a reload would see it.
#include <algorithm>
#include <iostream>
#include <string>

#include "config/loader.h"

namespace {

using dmpm::config::Configuration;
using dmpm::config::Loader;

// Two loads share no sections.
bool same_sections(const Configuration& a, const Configuration& b) {
  return std::equal(a.sections.begin(), a.sections.end(), b.sections.begin(), b.sections.end(),
                    [](const auto& x, const auto& y) { return *x == *y; });
}

void compare(const std::string& first, const std::string& second) {
  const auto a = Loader(first).load().configuration;
  auto b = Loader(second).load().configuration;
  if (a && b && same_sections(*a, *b)) b->sections = a->sections;
  std::cout << (a && b && *a == *b ? "same" : "different") << '\n';
}

void check(const std::string& file) {
  for (const auto& problem : Loader(file).load().problems) {
    std::cout << problem.to_string() << '\n';
  }
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) {
      check(line);
    } else {
      compare(line.substr(0, tab), line.substr(tab + 1));
    }
    std::cout << "." << std::endl;
  }
  return 0;
}
