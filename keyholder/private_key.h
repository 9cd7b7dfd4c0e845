// Reads private keys from PEM text.
//
// OpenSSL's decoder costs eight times as much to make as a key costs to read with it (0.34 and 0.046
// ms), so one is kept as long as the process lives. Of a key that was read it keeps nothing.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string_view>

namespace dmpm::keyholder {

struct PrivateKeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct PrivateKey {
  std::unique_ptr<EVP_PKEY, PrivateKeyDeleter> key;  // null: the text holds none that can be read
  bool encrypted = false;  // then that is because there is nobody to ask for its pass phrase
};

// The first one in the text; what else there is before it (EC PARAMETERS, say) is passed over.
PrivateKey read_private_key(std::string_view text);

}  // namespace dmpm::keyholder
