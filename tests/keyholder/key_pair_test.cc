// Pairs of certificate and key: what is taken, what is wrong with what is not, and the signatures.
#include "keyholder/key_pair.h"

#include <doctest/doctest.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "keyholder/limits.h"
#include "tests/keyholder/fixture.h"

using namespace dmpm;
using namespace dmpm::keyholder;
using namespace dmpm::test;
using keyholder_protocol::Algorithm;
using keyholder_protocol::Verdict;

namespace {

constexpr std::time_t kDay = 24 * 60 * 60;

Verdict verdict(const PemPair& pair, std::time_t now = std::time(nullptr)) {
  const KeyPair::Parsed parsed = parse_pair(pair.chain, pair.key, now);
  CHECK((parsed.pair != nullptr) == (parsed.verdict == Verdict::good));
  return parsed.verdict;
}

Verdict verdict_of_key(KeyPtr key) {
  REQUIRE(key != nullptr);
  return verdict(make_pair(key.get()));
}

KeyPtr ed25519_key() {
  return KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

// `name`'s certificate by `issuer`, valid from and until that many days from now.
X509Ptr issued(const std::string& name, EVP_PKEY* key, EVP_PKEY* issuer,
               const std::string& issuer_name, int from = -1, int until = 1) {
  X509Ptr certificate = make_certificate(name, key, issuer, issuer_name);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until * kDay);
  REQUIRE(X509_sign(certificate.get(), issuer, EVP_sha256()) > 0);
  return certificate;
}

KeyPtr dsa_key() {
  struct Deleter {
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  };
  const std::unique_ptr<EVP_PKEY_CTX, Deleter> parameters(
      EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, nullptr));
  EVP_PKEY* made = nullptr;
  REQUIRE(EVP_PKEY_paramgen_init(parameters.get()) == 1);
  REQUIRE(EVP_PKEY_CTX_set_dsa_paramgen_bits(parameters.get(), 1024) == 1);
  REQUIRE(EVP_PKEY_paramgen(parameters.get(), &made) == 1);
  const KeyPtr group(made);
  const std::unique_ptr<EVP_PKEY_CTX, Deleter> generator(EVP_PKEY_CTX_new(group.get(), nullptr));
  made = nullptr;
  REQUIRE(EVP_PKEY_keygen_init(generator.get()) == 1);
  REQUIRE(EVP_PKEY_keygen(generator.get(), &made) == 1);
  return KeyPtr(made);
}

// As `openssl ecparam -genkey` and `openssl rsa -traditional` write keys.
std::string to_traditional_pem(EVP_PKEY* key, bool with_parameters) {
  struct Deleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  const std::unique_ptr<BIO, Deleter> bio(BIO_new(BIO_s_mem()));
  if (with_parameters) REQUIRE(PEM_write_bio_Parameters(bio.get(), key) == 1);
  REQUIRE(PEM_write_bio_PrivateKey_traditional(bio.get(), key, nullptr, nullptr, 0, nullptr,
                                               nullptr) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

}  // namespace

TEST_CASE("each algorithm's signature is one for libcrypto as well, again and again") {
  struct Case {
    const char* what;
    KeyPtr key;
    KeyType type;
    std::vector<Algorithm> algorithms;
  };
  const std::vector<Algorithm> rsa = {Algorithm::rsa_pkcs1_sha256, Algorithm::rsa_pkcs1_sha384,
                                      Algorithm::rsa_pkcs1_sha512, Algorithm::rsa_pss_sha256,
                                      Algorithm::rsa_pss_sha384,   Algorithm::rsa_pss_sha512};
  const std::vector<Algorithm> ecdsa = {Algorithm::ecdsa_sha256, Algorithm::ecdsa_sha384,
                                        Algorithm::ecdsa_sha512};
  Case cases[] = {{"RSA-2048", KeyPtr(EVP_RSA_gen(2048)), KeyType::rsa, rsa},
                  {"RSA-3072", KeyPtr(EVP_RSA_gen(3072)), KeyType::rsa, rsa},
                  {"P-256", make_ec_key(), KeyType::p256, ecdsa},
                  {"P-384", KeyPtr(EVP_EC_gen("P-384")), KeyType::p384, ecdsa},
                  {"Ed25519", ed25519_key(), KeyType::ed25519, {Algorithm::ed25519}}};
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const PemPair pem = make_pair(one.key.get());
    const KeyPair::Parsed parsed = parse_pair(pem.chain, pem.key, std::time(nullptr));
    REQUIRE(parsed.verdict == Verdict::good);
    CHECK(parsed.pair->type() == one.type);
    for (int round = 0; round < 3; ++round) {
      for (const Algorithm algorithm : one.algorithms) {
        CAPTURE(static_cast<uint32_t>(algorithm));
        const std::string message = certificate_verify(round == 0 ? 32 : 48);
        const std::string signature = parsed.pair->sign(algorithm, message);
        CHECK(is_signature(one.key.get(), algorithm, message, signature));
        CHECK_FALSE(is_signature(one.key.get(), algorithm, message + "x", signature));
      }
    }
  }
}

TEST_CASE("kinds of keys") {
  CHECK(verdict_of_key(KeyPtr(EVP_RSA_gen(2047))) == Verdict::unsupported_key);
  CHECK(verdict_of_key(KeyPtr(EVP_RSA_gen(1024))) == Verdict::unsupported_key);
  CHECK(verdict_of_key(KeyPtr(EVP_EC_gen("P-521"))) == Verdict::unsupported_key);
  CHECK(verdict_of_key(KeyPtr(EVP_EC_gen("secp256k1"))) == Verdict::unsupported_key);
  CHECK(verdict_of_key(KeyPtr(EVP_EC_gen("brainpoolP256r1"))) == Verdict::unsupported_key);
  CHECK(verdict_of_key(dsa_key()) == Verdict::unsupported_key);
}

TEST_CASE("the largest RSA key is taken, a larger one is not") {
  for (const int bits : {8192, 8200}) {
    CAPTURE(bits);
    // Three primes are found faster than two of that size.
    struct Deleter {
      void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
    };
    const std::unique_ptr<EVP_PKEY_CTX, Deleter> context(
        EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr));
    REQUIRE(EVP_PKEY_keygen_init(context.get()) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), bits) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_keygen_primes(context.get(), 5) == 1);
    EVP_PKEY* made = nullptr;
    REQUIRE(EVP_PKEY_keygen(context.get(), &made) == 1);
    const KeyPtr key(made);
    const PemPair pem = make_pair(key.get());
    const KeyPair::Parsed parsed = parse_pair(pem.chain, pem.key, std::time(nullptr));
    CHECK(parsed.verdict == (bits <= 8192 ? Verdict::good : Verdict::unsupported_key));
    if (parsed.pair == nullptr) continue;
    const std::string signature =
        parsed.pair->sign(Algorithm::rsa_pss_sha512, certificate_verify());
    CHECK(signature.size() == 1024);
    CHECK(is_signature(key.get(), Algorithm::rsa_pss_sha512, certificate_verify(), signature));
  }
}

TEST_CASE("keys as programs write them") {
  const KeyPtr ec = make_ec_key(), rsa = make_rsa_key();
  PemPair pair = make_pair(ec.get());
  pair.key = to_traditional_pem(ec.get(), false);
  CHECK(verdict(pair) == Verdict::good);
  pair.key = to_traditional_pem(ec.get(), true);  // "EC PARAMETERS" before it
  CHECK(verdict(pair) == Verdict::good);
  pair.key = "what this is\n" + to_pem(ec.get());
  CHECK(verdict(pair) == Verdict::good);
  PemPair other = make_pair(rsa.get());
  other.key = to_traditional_pem(rsa.get(), false);
  CHECK(verdict(other) == Verdict::good);
  // One file for both, as some programs have it.
  const std::string both = other.chain + other.key;
  CHECK(verdict({both, both}) == Verdict::good);
}

std::string public_pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

TEST_CASE("what is wrong with a pair") {
  const KeyPtr key = make_ec_key();
  const PemPair good = make_pair(key.get());
  const std::time_t now = std::time(nullptr);
  CHECK(verdict(good) == Verdict::good);
  CHECK(verdict({"", good.key}) == Verdict::no_certificate);
  CHECK(verdict({"no PEM at all", good.key}) == Verdict::no_certificate);
  CHECK(verdict({good.key, good.key}) == Verdict::no_certificate);
  CHECK(verdict({"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", good.key}) ==
        Verdict::malformed);
  CHECK(verdict({good.chain.substr(0, good.chain.size() / 2), good.key}) == Verdict::malformed);
  CHECK(verdict({good.chain + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                 good.key}) == Verdict::malformed);
  CHECK(verdict({good.chain, ""}) == Verdict::no_key);
  CHECK(verdict({good.chain, good.chain}) == Verdict::no_key);
  CHECK(verdict({good.chain, good.key.substr(0, good.key.size() / 2)}) == Verdict::no_key);
  CHECK(verdict({good.chain, to_pem(key.get(), "pass")}) == Verdict::encrypted_key);
  CHECK(verdict(good) == Verdict::good);  // nothing is left of that
  CHECK(verdict({good.chain, public_pem(key.get())}) == Verdict::no_key);
  CHECK(verdict({good.chain, to_pem(make_ec_key().get())}) == Verdict::mismatch);
  CHECK(verdict({good.chain, to_pem(make_rsa_key().get())}) == Verdict::mismatch);
  CHECK(verdict(good, now + 3 * kDay) == Verdict::expired);
  CHECK(verdict(good, now - 3 * kDay) == Verdict::not_yet_valid);
}

TEST_CASE("chains") {
  const KeyPtr key = make_ec_key(), middle = make_ec_key(), root = make_rsa_key();
  const std::string leaf = to_pem(issued("a.test", key.get(), middle.get(), "middle").get());
  const std::string issuer = to_pem(issued("middle", middle.get(), root.get(), "root").get());
  const std::string top = to_pem(issued("root", root.get(), root.get(), "root").get());
  const std::string private_key = to_pem(key.get());
  CHECK(verdict({leaf, private_key}) == Verdict::good);
  CHECK(verdict({leaf + issuer, private_key}) == Verdict::good);
  CHECK(verdict({leaf + issuer + top, private_key}) == Verdict::good);
  const KeyPair::Parsed parsed = parse_pair(leaf + issuer + top, private_key, std::time(nullptr));
  CHECK(parsed.pair->chain().size() == 3);
  CHECK(verdict({leaf + top, private_key}) == Verdict::broken_chain);
  CHECK(verdict({leaf + top + issuer, private_key}) == Verdict::broken_chain);
  CHECK(verdict({leaf + leaf, private_key}) == Verdict::broken_chain);
  CHECK(verdict({issuer + leaf, private_key}) == Verdict::mismatch);
  // The right name, another key.
  const std::string impostor = to_pem(issued("middle", root.get(), root.get(), "root").get());
  CHECK(verdict({leaf + impostor, private_key}) == Verdict::broken_chain);
  const std::string old = to_pem(issued("middle", middle.get(), root.get(), "root", -3, -2).get());
  CHECK(verdict({leaf + old, private_key}) == Verdict::chain_expired);
  const std::string early = to_pem(issued("middle", middle.get(), root.get(), "root", 2, 3).get());
  CHECK(verdict({leaf + early, private_key}) == Verdict::chain_expired);
}

TEST_CASE("a chain of too many") {
  const KeyPtr key = make_ec_key();
  const std::string own = to_pem(issued("a.test", key.get(), key.get(), "a.test").get());
  std::string chain;
  for (size_t i = 0; i < keyholder_limits::kMaxChain; ++i) chain += own;
  CHECK(verdict({chain, to_pem(key.get())}) == Verdict::good);
  CHECK(verdict({chain + own, to_pem(key.get())}) == Verdict::too_large);
}

TEST_CASE("the fingerprint is the public key's, not the certificate's") {
  const KeyPtr key = make_ec_key(), other = make_ec_key();
  const auto fingerprint = [](const PemPair& pair) {
    return parse_pair(pair.chain, pair.key, std::time(nullptr)).pair->fingerprint();
  };
  CHECK(fingerprint(make_pair(key.get(), "a.test")) == fingerprint(make_pair(key.get(), "b.test")));
  CHECK(fingerprint(make_pair(key.get())) != fingerprint(make_pair(other.get())));
}
