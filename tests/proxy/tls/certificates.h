// Keys and certificates for tests, made as they are needed.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace dmpm::test {

struct OpensslDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter>;

KeyPtr make_ec_key();
KeyPtr make_rsa_key();
// For `name`, with the public half of `key`, signed by `issuer` in the name of `issuer_name`.
X509Ptr make_certificate(const std::string& name, EVP_PKEY* key, EVP_PKEY* issuer,
                         const std::string& issuer_name);

std::string to_der(X509* certificate);
std::string to_pem(X509* certificate);
// With a pass phrase, encrypted by it.
std::string to_pem(EVP_PKEY* key, const char* pass_phrase = nullptr);

}  // namespace dmpm::test
