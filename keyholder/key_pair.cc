#include "keyholder/key_pair.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <optional>

#include "keyholder/limits.h"

namespace dmpm::keyholder {

using keyholder_protocol::Algorithm;
using keyholder_protocol::Verdict;

namespace {

struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using CertificatePtr = std::unique_ptr<X509, X509Deleter>;
using BioPtr = std::unique_ptr<BIO, X509Deleter>;
using Chain = std::vector<CertificatePtr>;

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// ---- certificates ----

Verdict read_chain(std::string_view text, Chain& chain) {
  const BioPtr bio = reader(text);
  while (chain.size() <= keyholder_limits::kMaxChain) {
    ERR_clear_error();
    CertificatePtr next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    chain.push_back(std::move(next));
  }
  // What ends the file in good order is that no further one begins.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (chain.size() > keyholder_limits::kMaxChain) return Verdict::too_large;
  if (!at_end) return Verdict::malformed;
  return chain.empty() ? Verdict::no_certificate : Verdict::good;
}

bool has_begun(const X509* certificate, std::time_t now) {
  return X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0;
}

bool has_ended(const X509* certificate, std::time_t now) {
  return X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0;
}

Verdict check_chain(const Chain& chain, std::time_t now) {
  if (has_ended(chain.front().get(), now)) return Verdict::expired;
  if (!has_begun(chain.front().get(), now)) return Verdict::not_yet_valid;
  for (size_t i = 1; i < chain.size(); ++i) {
    X509 *issued = chain[i - 1].get(), *issuer = chain[i].get();
    if (X509_check_issued(issuer, issued) != X509_V_OK ||
        X509_verify(issued, X509_get0_pubkey(issuer)) != 1) {
      return Verdict::broken_chain;
    }
    if (has_ended(issuer, now) || !has_begun(issuer, now)) return Verdict::chain_expired;
  }
  return Verdict::good;
}

template <typename T>
std::string to_der(const T* object, int (*encode)(const T*, unsigned char**)) {
  unsigned char* bytes = nullptr;
  const int size = encode(object, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

// ---- keys ----

std::optional<KeyType> type_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyType::ed25519;
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    const int bits = EVP_PKEY_get_bits(key);
    return bits >= 2048 && bits <= 8192 ? std::optional(KeyType::rsa) : std::nullopt;
  }
  char name[64] = "";
  if (EVP_PKEY_is_a(key, "EC") != 1 ||
      EVP_PKEY_get_group_name(key, name, sizeof name, nullptr) != 1) {
    return std::nullopt;
  }
  const std::string_view group = name;
  if (group == "prime256v1") return KeyType::p256;
  return group == "secp384r1" ? std::optional(KeyType::p384) : std::nullopt;
}

// ---- signatures ----

const EVP_MD* digest_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::rsa_pkcs1_sha256:
    case Algorithm::rsa_pss_sha256:
    case Algorithm::ecdsa_sha256: return EVP_sha256();
    case Algorithm::rsa_pkcs1_sha384:
    case Algorithm::rsa_pss_sha384:
    case Algorithm::ecdsa_sha384: return EVP_sha384();
    case Algorithm::rsa_pkcs1_sha512:
    case Algorithm::rsa_pss_sha512:
    case Algorithm::ecdsa_sha512: return EVP_sha512();
    case Algorithm::ed25519: return nullptr;
  }
  return nullptr;
}

int padding_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::rsa_pkcs1_sha256:
    case Algorithm::rsa_pkcs1_sha384:
    case Algorithm::rsa_pkcs1_sha512: return RSA_PKCS1_PADDING;
    case Algorithm::rsa_pss_sha256:
    case Algorithm::rsa_pss_sha384:
    case Algorithm::rsa_pss_sha512: return RSA_PKCS1_PSS_PADDING;
    default: return 0;
  }
}

size_t digest(Algorithm algorithm, std::string_view message, unsigned char* out) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  switch (EVP_MD_get_size(digest_of(algorithm))) {
    case SHA256_DIGEST_LENGTH: SHA256(bytes, message.size(), out); return SHA256_DIGEST_LENGTH;
    case SHA384_DIGEST_LENGTH: SHA384(bytes, message.size(), out); return SHA384_DIGEST_LENGTH;
    default: SHA512(bytes, message.size(), out); return SHA512_DIGEST_LENGTH;
  }
}

constexpr size_t kMaxSignature = 8192 / 8;  // of an RSA key of the largest size

}  // namespace

KeyPair::Parsed KeyPair::parse(PrivateKeyReader& keys, std::string_view chain_text,
                               std::string_view key_text, std::time_t now) {
  Chain chain;
  if (const Verdict verdict = read_chain(chain_text, chain); verdict != Verdict::good) {
    return {verdict, nullptr};
  }
  auto pair = std::make_unique<KeyPair>();
  PrivateKey read = keys.read(key_text);
  pair->key_.reset(read.key.release());
  if (read.encrypted) return {Verdict::encrypted_key, nullptr};
  if (pair->key_ == nullptr) return {Verdict::no_key, nullptr};
  const auto type = type_of(pair->key_.get());
  if (!type) return {Verdict::unsupported_key, nullptr};
  pair->type_ = *type;
  const bool matches = X509_check_private_key(chain.front().get(), pair->key_.get()) == 1;
  ERR_clear_error();
  if (!matches) return {Verdict::mismatch, nullptr};
  if (const Verdict verdict = check_chain(chain, now); verdict != Verdict::good) {
    ERR_clear_error();
    return {verdict, nullptr};
  }
  for (const CertificatePtr& one : chain) {
    pair->chain_.push_back(to_der<X509>(one.get(), i2d_X509));
  }
  const std::string spki =
      to_der<X509_PUBKEY>(X509_get_X509_PUBKEY(chain.front().get()), i2d_X509_PUBKEY);
  SHA256(reinterpret_cast<const unsigned char*>(spki.data()), spki.size(),
         reinterpret_cast<unsigned char*>(pair->fingerprint_.data()));
  return {Verdict::good, std::move(pair)};
}

EVP_PKEY_CTX* KeyPair::prepared(Algorithm algorithm) {
  for (const Prepared& one : prepared_) {
    if (one.algorithm == algorithm) return one.context.get();
  }
  Ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  const int padding = padding_of(algorithm);
  if (context == nullptr || EVP_PKEY_sign_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), digest_of(algorithm)) != 1 ||
      (padding != 0 && EVP_PKEY_CTX_set_rsa_padding(context.get(), padding) != 1) ||
      (padding == RSA_PKCS1_PSS_PADDING &&
       EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return nullptr;
  }
  prepared_.push_back({algorithm, std::move(context)});
  return prepared_.back().context.get();
}

std::string KeyPair::sign(Algorithm algorithm, std::string_view message) {
  if (algorithm == Algorithm::ed25519) return sign_ed25519(message);
  EVP_PKEY_CTX* context = prepared(algorithm);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  std::array<unsigned char, kMaxSignature> signature;
  size_t size = signature.size();
  if (context == nullptr || EVP_PKEY_sign(context, signature.data(), &size, hash.data(),
                                          digest(algorithm, message, hash.data())) != 1) {
    ERR_clear_error();
    return {};
  }
  return {reinterpret_cast<char*>(signature.data()), size};
}

std::string KeyPair::sign_ed25519(std::string_view message) {
  const Ptr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::array<unsigned char, 64> signature;
  size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size,
                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) != 1) {
    ERR_clear_error();
    return {};
  }
  return {reinterpret_cast<char*>(signature.data()), size};
}

}  // namespace dmpm::keyholder
