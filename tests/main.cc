// The entry point of every unit test.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <csignal>

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // as every process of dmpm's
  return doctest::Context(count, arguments).run();
}
