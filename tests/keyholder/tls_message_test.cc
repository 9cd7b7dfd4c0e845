// What is signed and what is not: every field of the two messages off by one.
#include "keyholder/tls_message.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/keyholder/fixture.h"

using namespace dmpm;
using namespace dmpm::keyholder;
using namespace dmpm::test;
using keyholder_protocol::Algorithm;

namespace {

constexpr Algorithm kAlgorithms[] = {Algorithm::rsa_pkcs1_sha256, Algorithm::rsa_pkcs1_sha384,
                                     Algorithm::rsa_pkcs1_sha512, Algorithm::ecdsa_sha256,
                                     Algorithm::ecdsa_sha384,     Algorithm::ecdsa_sha512,
                                     Algorithm::rsa_pss_sha256,   Algorithm::rsa_pss_sha384,
                                     Algorithm::rsa_pss_sha512,   Algorithm::ed25519};
constexpr KeyType kTypes[] = {KeyType::rsa, KeyType::p256, KeyType::p384, KeyType::ed25519};

std::vector<std::string> good_messages() {
  return {certificate_verify(32), certificate_verify(48), server_key_exchange_x25519(),
          server_key_exchange_p256(), server_key_exchange_p384()};
}

std::string changed(std::string message, size_t at, char to) {
  message.at(at) = to;
  return message;
}

}  // namespace

TEST_CASE("the messages that a TLS server signs") {
  CHECK(tls_message(certificate_verify(32)) == TlsMessage::certificate_verify);
  CHECK(tls_message(certificate_verify(48)) == TlsMessage::certificate_verify);
  CHECK(tls_message(server_key_exchange_x25519()) == TlsMessage::server_key_exchange);
  CHECK(tls_message(server_key_exchange_p256()) == TlsMessage::server_key_exchange);
  CHECK(tls_message(server_key_exchange_p384()) == TlsMessage::server_key_exchange);
  for (const std::string& message : good_messages()) {
    CHECK(message.size() <= keyholder_protocol::kMaxSigned);
  }
}

TEST_CASE("a byte more or less makes it none") {
  for (const std::string& message : good_messages()) {
    CAPTURE(message.size());
    CHECK(tls_message(message + "x") == TlsMessage::none);
    CHECK(tls_message("x" + message) == TlsMessage::none);
    for (size_t size = 0; size < message.size(); ++size) {
      // A transcript hash of 48 bytes begins with one of 32.
      if (message.size() == certificate_verify(48).size() &&
          size == certificate_verify(32).size()) {
        continue;
      }
      CHECK(tls_message(std::string_view(message).substr(0, size)) == TlsMessage::none);
    }
  }
}

TEST_CASE("every byte that is fixed is looked at, in every bit") {
  const auto check = [](const std::string& message, size_t from, size_t to) {
    for (size_t at = from; at < to; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        CAPTURE(at);
        CAPTURE(bit);
        CHECK(tls_message(changed(message, at, static_cast<char>(message[at] ^ (1 << bit)))) ==
              TlsMessage::none);
      }
    }
  };
  check(certificate_verify(32), 0, 64 + 34);
  check(certificate_verify(48), 0, 64 + 34);
  check(server_key_exchange_x25519(), 64, 68);
  check(server_key_exchange_p256(), 64, 69);
  check(server_key_exchange_p384(), 64, 69);
}

TEST_CASE("what others would like to have signed") {
  using namespace std::string_literals;
  struct Case {
    const char* what;
    std::string message;
  };
  const std::string randoms(64, 'r');
  const std::string spaces(64, ' ');
  const KeyPtr key = make_ec_key();
  const X509Ptr certificate = make_certificate("b.test", key.get(), key.get(), "b.test");
  unsigned char* bytes = nullptr;
  const int size = i2d_re_X509_tbs(certificate.get(), &bytes);
  REQUIRE(size > 0);
  const std::string tbs(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  const Case cases[] = {
      {"nothing", ""},
      {"a SHA-256 hash", std::string(32, '\x11')},
      {"a SHA-384 hash", std::string(48, '\x11')},
      {"a SHA-512 hash", std::string(64, '\x11')},
      {"a hash as PKCS #1 wraps it", "\x30\x31\x30\x0d\x06\x09"s + std::string(45, '\x11')},
      {"a client's CertificateVerify",
       spaces + "TLS 1.3, client CertificateVerify\0"s + std::string(32, 'h')},
      {"another context", spaces + "TLS 1.3, server CertificateVerifz\0"s + std::string(32, 'h')},
      {"a context without its end",
       spaces + "TLS 1.3, server CertificateVerify"s + std::string(33, 'h')},
      {"delegated credentials",
       spaces + "TLS, server delegated credentials\0"s + std::string(32, 'h')},
      {"exported authenticators", spaces + "Exported Authenticator\0"s + std::string(32, 'h')},
      {"a certificate verify with SHA-1", certificate_verify(20)},
      {"one with SHA-512", certificate_verify(64)},
      {"TLS 1.2's CertificateVerify of a client",
       "\x01\x00\x00\xf0\x03\x03"s + std::string(180, 'h')},
      {"its hash", std::string(36, 'h')},
      {"finite-field Diffie-Hellman", randoms + "\x01\x00"s + std::string(100, 'p')},
      {"an explicit curve", randoms + "\x01\x01\x20"s + std::string(100, 'p')},
      {"secp521r1", randoms + "\x03\x00\x19\x85\x04"s + std::string(132, 'p')},
      {"x448", randoms + "\x03\x00\x1e\x38"s + std::string(56, 'p')},
      {"secp256k1", randoms + "\x03\x00\x16\x41\x04"s + std::string(64, 'p')},
      {"a compressed point", randoms + "\x03\x00\x17\x21\x02"s + std::string(32, 'p')},
      {"a point that says it is compressed",
       randoms + "\x03\x00\x17\x41\x02"s + std::string(64, 'p')},
      {"x25519 with another curve's point",
       randoms + "\x03\x00\x1d\x41\x04"s + std::string(64, 'p')},
      {"a certificate", tbs},
      {"its first 192 bytes", tbs.substr(0, 192)},
      {"its first 100", tbs.substr(0, 100)},
      {"a JWT", "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZG1pbiIsImV4cCI6OTk5OTk5OTk5OX0"},
      {"an SSH challenge", "\0\0\0\x20"s + std::string(32, 's') + "\x32\0\0\0\x04root"s},
      {"text", "I owe the bearer 100 euros. The undersigned, a.test"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    CHECK(tls_message(one.message) == TlsMessage::none);
    for (const Algorithm algorithm : kAlgorithms) {
      for (const KeyType type : kTypes) {
        CHECK_FALSE(may_sign(tls_message(one.message), algorithm, type));
      }
    }
  }
}

TEST_CASE("a JWT of any length is none: base64 has no zero byte") {
  for (size_t size = 0; size <= keyholder_protocol::kMaxSigned; ++size) {
    CHECK(tls_message(std::string(size, 'A')) == TlsMessage::none);
    CHECK(tls_message(std::string(size, ' ')) == TlsMessage::none);
    CHECK(tls_message(std::string(size, '\0')) == TlsMessage::none);
  }
}

TEST_CASE("which algorithm goes with which key and message") {
  using Set = std::vector<Algorithm>;
  struct Case {
    KeyType type;
    Set in_1_3, in_1_2;
  };
  const Set rsa_pss = {Algorithm::rsa_pss_sha256, Algorithm::rsa_pss_sha384,
                       Algorithm::rsa_pss_sha512};
  const Set rsa = {Algorithm::rsa_pkcs1_sha256, Algorithm::rsa_pkcs1_sha384,
                   Algorithm::rsa_pkcs1_sha512, Algorithm::rsa_pss_sha256,
                   Algorithm::rsa_pss_sha384,   Algorithm::rsa_pss_sha512};
  const Set ecdsa = {Algorithm::ecdsa_sha256, Algorithm::ecdsa_sha384, Algorithm::ecdsa_sha512};
  const Case cases[] = {
      {KeyType::rsa, rsa_pss, rsa},
      {KeyType::p256, {Algorithm::ecdsa_sha256}, ecdsa},
      {KeyType::p384, {Algorithm::ecdsa_sha384}, ecdsa},
      {KeyType::ed25519, {Algorithm::ed25519}, {Algorithm::ed25519}},
  };
  for (const Case& one : cases) {
    Set in_1_3, in_1_2;
    for (const Algorithm algorithm : kAlgorithms) {
      if (may_sign(TlsMessage::certificate_verify, algorithm, one.type))
        in_1_3.push_back(algorithm);
      if (may_sign(TlsMessage::server_key_exchange, algorithm, one.type))
        in_1_2.push_back(algorithm);
    }
    CHECK(in_1_3 == one.in_1_3);
    CHECK(in_1_2 == one.in_1_2);
    for (uint32_t number = 0; number < 0x1000; ++number) {
      const auto algorithm = static_cast<Algorithm>(number);
      const bool known = std::find(std::begin(kAlgorithms), std::end(kAlgorithms), algorithm) !=
                         std::end(kAlgorithms);
      if (!known) CHECK_FALSE(may_sign(TlsMessage::server_key_exchange, algorithm, one.type));
    }
  }
}
