// KeyPair: a certificate chain and its private key, checked, and what can be signed with it.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyholder/private_key.h"
#include "keyholder/protocol.h"
#include "keyholder/tls_message.h"

namespace dmpm::keyholder {

using Fingerprint = std::array<char, keyholder_protocol::kFingerprintSize>;

class KeyPair {
 public:
  struct Parsed;
  // PEM texts, as the master read them, at the time `now`.
  static Parsed parse(PrivateKeyReader& keys, std::string_view chain, std::string_view key,
                      std::time_t now);

  KeyType type() const { return type_; }
  // SHA-256 of the public half's DER SubjectPublicKeyInfo.
  const Fingerprint& fingerprint() const { return fingerprint_; }
  // DER, the leaf first.
  const std::vector<std::string>& chain() const { return chain_; }

  // Only for what may_sign() allows. Empty when libcrypto fails.
  std::string sign(keyholder_protocol::Algorithm algorithm, std::string_view message);

 private:
  struct Deleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  template <typename T>
  using Ptr = std::unique_ptr<T, Deleter>;

  // A key prepared for one algorithm: making it anew costs more than an ECDSA signature's half.
  struct Prepared {
    keyholder_protocol::Algorithm algorithm;
    Ptr<EVP_PKEY_CTX> context;
  };
  EVP_PKEY_CTX* prepared(keyholder_protocol::Algorithm algorithm);
  std::string sign_ed25519(std::string_view message);

  Ptr<EVP_PKEY> key_;
  KeyType type_ = KeyType::rsa;
  Fingerprint fingerprint_{};
  std::vector<std::string> chain_;
  std::vector<Prepared> prepared_;
};

struct KeyPair::Parsed {
  keyholder_protocol::Verdict verdict;
  std::unique_ptr<KeyPair> pair;  // only when it is good
};

}  // namespace dmpm::keyholder
