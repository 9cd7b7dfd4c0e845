#include "tests/proxy/tls/test_signer.h"

#include <openssl/rsa.h>

#include <memory>
#include <stdexcept>

namespace dmpm::test {

using keyholder_protocol::Algorithm;

namespace {

void require(bool done) {
  if (!done) throw std::runtime_error("libcrypto");
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

const EVP_MD* digest_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::rsa_pkcs1_sha256:
    case Algorithm::ecdsa_sha256:
    case Algorithm::rsa_pss_sha256: return EVP_sha256();
    case Algorithm::rsa_pkcs1_sha384:
    case Algorithm::ecdsa_sha384:
    case Algorithm::rsa_pss_sha384: return EVP_sha384();
    case Algorithm::rsa_pkcs1_sha512:
    case Algorithm::ecdsa_sha512:
    case Algorithm::rsa_pss_sha512: return EVP_sha512();
    case Algorithm::ed25519: return nullptr;
  }
  return nullptr;
}

}  // namespace

std::string sign_with(EVP_PKEY* key, Algorithm algorithm, std::string_view message) {
  const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  require(EVP_DigestSignInit(context.get(), &parameters, digest_of(algorithm), nullptr, key) == 1);
  const bool pss = (static_cast<uint32_t>(algorithm) >> 8) == 8 && algorithm != Algorithm::ed25519;
  if (pss) {
    require(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    require(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  std::string signature(1024, '\0');
  size_t size = signature.size();
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         reinterpret_cast<const unsigned char*>(message.data()),
                         message.size()) == 1);
  signature.resize(size);
  return signature;
}

}  // namespace dmpm::test
