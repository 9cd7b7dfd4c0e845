#include "keyholder/tls_message.h"

#include <algorithm>

namespace dmpm::keyholder {

using keyholder_protocol::Algorithm;

namespace {

//   64 spaces | "TLS 1.3, server CertificateVerify" | 0 | transcript hash (SHA-256 or SHA-384)
constexpr size_t kSpaces = 64;
constexpr std::string_view kContext{"TLS 1.3, server CertificateVerify\0", 34};

bool is_certificate_verify(std::string_view bytes) {
  if (bytes.size() != kSpaces + kContext.size() + 32 &&
      bytes.size() != kSpaces + kContext.size() + 48) {
    return false;
  }
  return std::all_of(bytes.begin(), bytes.begin() + kSpaces, [](char c) { return c == ' '; }) &&
         bytes.substr(kSpaces, kContext.size()) == kContext;
}

//   client random (32) | server random (32) | 3 (named_curve) | curve (2) | length (1) | point
constexpr size_t kRandoms = 64;

struct Curve {
  std::string_view head;  // curve type, curve, length of the point, and how the point begins
  size_t point;
};
constexpr Curve kCurves[] = {
    {{"\x03\x00\x1d\x20", 4}, 32},      // x25519
    {{"\x03\x00\x17\x41\x04", 5}, 65},  // secp256r1, uncompressed
    {{"\x03\x00\x18\x61\x04", 5}, 97},  // secp384r1, uncompressed
};

bool is_server_key_exchange(std::string_view bytes) {
  if (bytes.size() < kRandoms) return false;
  const std::string_view parameters = bytes.substr(kRandoms);
  return std::any_of(std::begin(kCurves), std::end(kCurves), [&](const Curve& curve) {
    return parameters.starts_with(curve.head) && parameters.size() == 4 + curve.point;
  });
}

bool fits(Algorithm algorithm, KeyType key) {
  switch (algorithm) {
    case Algorithm::rsa_pkcs1_sha256:
    case Algorithm::rsa_pkcs1_sha384:
    case Algorithm::rsa_pkcs1_sha512:
    case Algorithm::rsa_pss_sha256:
    case Algorithm::rsa_pss_sha384:
    case Algorithm::rsa_pss_sha512: return key == KeyType::rsa;
    case Algorithm::ecdsa_sha256:
    case Algorithm::ecdsa_sha384:
    case Algorithm::ecdsa_sha512: return key == KeyType::p256 || key == KeyType::p384;
    case Algorithm::ed25519: return key == KeyType::ed25519;
  }
  return false;
}

// TLS 1.3 binds a curve to its hash, and knows no PKCS #1 v1.5 in handshakes.
bool fits_1_3(Algorithm algorithm, KeyType key) {
  switch (algorithm) {
    case Algorithm::rsa_pkcs1_sha256:
    case Algorithm::rsa_pkcs1_sha384:
    case Algorithm::rsa_pkcs1_sha512:
    case Algorithm::ecdsa_sha512: return false;
    case Algorithm::ecdsa_sha256: return key == KeyType::p256;
    case Algorithm::ecdsa_sha384: return key == KeyType::p384;
    default: return true;
  }
}

}  // namespace

TlsMessage tls_message(std::string_view bytes) {
  if (is_certificate_verify(bytes)) return TlsMessage::certificate_verify;
  if (is_server_key_exchange(bytes)) return TlsMessage::server_key_exchange;
  return TlsMessage::none;
}

bool may_sign(TlsMessage message, Algorithm algorithm, KeyType key) {
  if (message == TlsMessage::none || !fits(algorithm, key)) return false;
  return message == TlsMessage::server_key_exchange || fits_1_3(algorithm, key);
}

}  // namespace dmpm::keyholder
