// The keyholder's place in tests: keeps what it is asked to sign until the test settles it.
#pragma once

#include <openssl/evp.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/tls/remote_signing.h"

namespace dmpm::test {

std::string sign_with(EVP_PKEY* key, keyholder_protocol::Algorithm algorithm,
                      std::string_view message);

class TestSigner final : public tls::RemoteSigner {
 public:
  struct Asked {
    tls::PendingSignature* pending;
    tls::KeyName key;
    keyholder_protocol::Algorithm algorithm;
    std::string message;
    void settle_with(EVP_PKEY* private_key) const {
      pending->settle(sign_with(private_key, algorithm, message));
    }
  };
  void request_signature(tls::PendingSignature& pending, const tls::KeyName& key,
                         keyholder_protocol::Algorithm algorithm,
                         std::string_view message) override {
    asked.push_back({&pending, key, algorithm, std::string(message)});
  }
  void forget_signature(tls::PendingSignature& pending) override {
    std::erase_if(asked, [&](const Asked& one) { return one.pending == &pending; });
  }
  // The oldest one; it is not in `asked` any more.
  Asked take() {
    const Asked first = asked.at(0);
    asked.erase(asked.begin());
    return first;
  }
  std::vector<Asked> asked;
};

}  // namespace dmpm::test
