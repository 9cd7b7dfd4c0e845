// dmpm-keyholder: started by the master with the descriptors of master/heritage.h and nothing else.
// Takes the welcome, gives up every privilege in one column of calls, and signs TLS handshakes.
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstdio>
#include <vector>

#include "base/service_start.h"
#include "base/wire.h"
#include "keyholder/keyholder.h"
#include "keyholder/limits.h"
#include "keyholder/lockdown.h"
#include "master/heritage.h"

#ifdef DMPM_SANITIZED
// The leak checker needs a thread and ptrace, which the lock-down takes away; the unit tests have it.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}
#endif

namespace dmpm {
namespace {

struct Welcome {
  lockdown::Place place;
  uint32_t dispatchers = 0;
};

Result<Welcome> read_welcome() {
  const auto message = receive_welcome(heritage::kMasterChannel,
                                       static_cast<uint32_t>(keyholder_protocol::Notice::welcome));
  if (!message.ok()) return message.error();
  WireReader reader(message.value());
  Welcome welcome;
  welcome.place.root = reader.string();
  welcome.place.uid = reader.u32();
  welcome.place.gid = reader.u32();
  welcome.dispatchers = reader.u32();
  if (!reader.complete()) return Error{"the master's welcome is malformed"};
  return welcome;
}

// What libcrypto would read a file for later, or make a first time. Its secure heap, where private
// numbers lie, is locked memory between guard pages.
Status prepare_crypto() {
  if (CRYPTO_secure_malloc_init(keyholder_limits::kLockedHeap, 32) != 1) {
    return Error{"memory for keys cannot be locked: RLIMIT_MEMLOCK is too low"};
  }
  unsigned char byte = 0;
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
                              OPENSSL_INIT_ADD_ALL_DIGESTS | OPENSSL_INIT_ADD_ALL_CIPHERS,
                          nullptr) != 1 ||
      RAND_bytes(&byte, 1) != 1 || RAND_priv_bytes(&byte, 1) != 1) {
    return Error{"libcrypto could not be set up"};
  }
  return {};
}

int run() {
  ignore_signals_of_others();
  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "error keyholder: %s\n", error.message.c_str());
    return 1;
  };
  const auto welcome = read_welcome();
  if (!welcome.ok()) return fail(welcome.error());
  std::vector<Fd> dispatchers;
  for (uint32_t number = 0; number < welcome.value().dispatchers; ++number) {
    dispatchers.emplace_back(heritage::kKeyholderDispatchers + static_cast<int>(number));
  }
  EventLoop loop;
  Status status = prepare_crypto();
  if (status.ok()) status = lock_down_keyholder(welcome.value().place);
  if (!status.ok()) return fail(status.error());
  keyholder::Keyholder keyholder(loop, Fd(heritage::kMasterChannel), std::move(dispatchers));
  keyholder.start();
  loop.run();
  return 0;
}

}  // namespace
}  // namespace dmpm

int main() {
  return dmpm::run();
}
