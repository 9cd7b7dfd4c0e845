// What a locked-down service does once in a year must not end it by SIGSYS: what the libraries do by
// themselves at large sizes, at errors and at the end. Each case runs in a child with the calls that
// every service has, and no file.
#include <doctest/doctest.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/landlock.h"
#include "base/lockdown.h"
#include "base/seccomp.h"

namespace dmpm {
namespace {

struct Case {
  const char* name;
  void (*run)();
  int signal = 0;  // what it ends with; 0: it goes on
};

void corrupt_heap() {
  auto* block = static_cast<char*>(std::calloc(1, 40));
  char* volatile wrong = block + 16;
  std::free(wrong);  // NOLINT
}

constexpr size_t kLarge = size_t{64} << 20;

const Case kCases[] = {
    {"much memory, more of it, and giving it back",
     [] {
       auto* block = static_cast<char*>(std::malloc(kLarge));
       block = static_cast<char*>(std::realloc(block, 2 * kLarge));
       block[2 * kLarge - 1] = 1;
       std::free(block);
       std::vector<std::vector<char>> small(10'000, std::vector<char>(1000));
       small.clear();
       ::malloc_trim(0);
     }},
    {"memory that cannot be had", [] { delete[] new (std::nothrow) char[size_t{1} << 46]; }},
    {"qsort of much",
     [] {
       std::vector<int> numbers(1'000'000, 3);
       std::qsort(numbers.data(), numbers.size(), sizeof(int), [](const void* a, const void* b) {
         return *static_cast<const int*>(a) - *static_cast<const int*>(b);
       });
     }},
    {"stable_sort of much",
     [] {
       std::vector<int> numbers(1'000'000, 3);
       std::stable_sort(numbers.begin(), numbers.end());
     }},
    {"dates",
     [] {
       char text[100];
       std::tm parts{};
       for (std::time_t time : {std::time_t{0}, std::time(nullptr)}) {
         ::gmtime_r(&time, &parts);
         ::localtime_r(&time, &parts);
         if (std::strftime(text, sizeof text, "%c %Z", &parts) == 0) ::_exit(1);
         std::mktime(&parts);
       }
     }},
    {"clocks",
     [] {
       timespec time{};
       for (clockid_t clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID}) {
         if (::clock_gettime(clock, &time) != 0) ::_exit(1);
       }
     }},
    {"an exception caught",
     [] {
       try {
         throw std::runtime_error("caught");
       } catch (const std::exception&) {
       }
     }},
    {"OpenSSL's random numbers, many",
     [] {
       std::vector<unsigned char> bytes(1 << 20);
       for (int i = 0; i < 20; ++i) {
         if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) ::_exit(1);
       }
     }},
    {"OpenSSL seeds itself anew", [] { RAND_poll(); }},
    {"OpenSSL makes a key",
     [] {
       EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
       if (key == nullptr) ::_exit(1);
       EVP_PKEY_free(key);
     }},
    {"OpenSSL looks for an algorithm that is not there",
     [] { EVP_MD_free(EVP_MD_fetch(nullptr, "no such digest", nullptr)); }},
    {"OpenSSL's errors in words",
     [] {
       ERR_raise(ERR_LIB_SYS, ENOENT);
       std::vector<char> text(200);
       ERR_error_string_n(ERR_get_error(), text.data(), text.size());
     }},
    {"last words", [] { std::fprintf(stderr, "(these are the last words of a test) "); }},
    {"exit()", [] { std::exit(0); }},
    {"abort()", [] { std::abort(); }, SIGABRT},
    {"an exception that nobody catches", [] { throw std::bad_alloc(); }, SIGABRT},
    {"assert()", [] { assert(sizeof(int) == 0); }, SIGABRT},
    {"a heap that is corrupt", corrupt_heap, SIGABRT},
    {"a null pointer",
     [] {
       const volatile uintptr_t nowhere = 8;  // or the compiler sees what comes
       *reinterpret_cast<volatile int*>(nowhere) = 1;
     },
     SIGSEGV},
};

int run_locked(const Case& rare) noexcept {
  std::fflush(nullptr);  // or exit() writes what is not its own
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // doctest has handlers of its own
    std::signal(SIGSEGV, SIG_DFL);
    const Status locked = lockdown::all({
        lockdown::no_new_privileges(),
        lockdown::limit(RLIMIT_CORE, 0, "CORE"),
        lockdown::landlock_all_but({}),
        lockdown::only_calls({lockdown::process_calls()}),
    });
    if (!locked.ok()) ::_exit(2);
    rare.run();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST_CASE("what the libraries do by themselves is in the table") {
  RAND_status();  // as services do: OpenSSL is set up before
  for (const Case& rare : kCases) {
    INFO(std::string(rare.name));
    const int status = run_locked(rare);
    if (rare.signal == 0) {
      CHECK(WIFEXITED(status));
      CHECK(WEXITSTATUS(status) == 0);
    } else {
      CHECK(WIFSIGNALED(status));
      CHECK(WTERMSIG(status) == rare.signal);
    }
  }
}

TEST_CASE("a call that is not in the table is the end") {
  const Case forbidden{"open", [] {
                         // Not reached: the call does not come back.
                         if (std::fopen("/etc/passwd", "r") == nullptr) return;
                       }};
  const int status = run_locked(forbidden);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSYS);
}

}  // namespace
}  // namespace dmpm
