// RemoteKeyProvider: an OpenSSL provider (provider(7)) whose keys have only a name and a public half;
// signing with one asks the keyholder.
//
// A provider and not a key method, because only a provider's one-shot digest-sign sees the whole
// message, and only so can the keyholder check that it is a TLS handshake's before it signs.
#pragma once

#include <openssl/evp.h>
#include <openssl/provider.h>

#include <memory>

#include "base/result.h"
#include "proxy/tls/remote_signing.h"

namespace dmpm::tls {

class RemoteKeyProvider {
 public:
  // Loads it into OpenSSL's default library context, beside the default provider, which stays the
  // one that everything else is done with. One at a time; it outlives its keys.
  static Result<std::unique_ptr<RemoteKeyProvider>> load(SigningContext& context);
  ~RemoteKeyProvider();

  // The key whose public half is `public_half`; null when its type is not supported. Takes a
  // reference of its own.
  EVP_PKEY* new_key(EVP_PKEY* public_half, const KeyName& name) const;

 private:
  explicit RemoteKeyProvider(SigningContext& context) : context_(context) {}
  SigningContext& context_;
  OSSL_PROVIDER* remote_ = nullptr;
};

}  // namespace dmpm::tls
