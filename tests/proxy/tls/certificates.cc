#include "tests/proxy/tls/certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>

namespace dmpm::test {

namespace {

using BioPtr = std::unique_ptr<BIO, OpensslDeleter>;

void require(bool done) {
  if (!done) throw std::runtime_error("libcrypto");
}

std::string content(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

void set_name(X509_NAME* name, const std::string& text) {
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                     reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1,
                                     0) == 1);
}

// Ed25519 has its digest built in.
const EVP_MD* digest_for(const EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "ED25519") == 1 ? nullptr : EVP_sha256();
}

}  // namespace

KeyPtr make_ec_key() {
  return KeyPtr(EVP_EC_gen("P-256"));
}

KeyPtr make_rsa_key() {
  return KeyPtr(EVP_RSA_gen(2048));
}

X509Ptr make_certificate(const std::string& name, EVP_PKEY* key, EVP_PKEY* issuer,
                         const std::string& issuer_name) {
  X509Ptr certificate(X509_new());
  constexpr long kDay = 24 * 60 * 60;
  require(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  require(ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) == 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDay);
  set_name(X509_get_subject_name(certificate.get()), name);
  set_name(X509_get_issuer_name(certificate.get()), issuer_name);
  require(X509_set_pubkey(certificate.get(), key) == 1);
  require(X509_sign(certificate.get(), issuer, digest_for(issuer)) > 0);
  return certificate;
}

std::string to_der(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  require(i2d_X509_bio(bio.get(), certificate) == 1);
  return content(bio.get());
}

std::string to_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return content(bio.get());
}

std::string to_pem(EVP_PKEY* key, const char* pass_phrase) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  const EVP_CIPHER* cipher = pass_phrase != nullptr ? EVP_aes_128_cbc() : nullptr;
  require(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, cipher, nullptr, 0, nullptr,
                                        const_cast<char*>(pass_phrase)) == 1);
  return content(bio.get());
}

}  // namespace dmpm::test
