// What the keyholder says and hears: over kMasterChannel with the master, over one channel each with
// the dispatchers (master/heritage.h). All in base/wire.h encoding.
//
// Dispatchers are not trusted here: a malformed message, one too large, or too many of them are
// counted and answered with nothing; no message makes the keyholder end.
//
// A key has the certificate's number and is named to the keyholder with the fingerprint of its
// public half (SHA-256 of the DER SubjectPublicKeyInfo), so that a handshake that began before a
// renewal or a restart of the keyholder gets the key that it began with, or none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dmpm::keyholder_protocol {

inline constexpr size_t kFingerprintSize = 32;

// ---- with the dispatchers ----

// dispatcher -> keyholder: a message is any number of requests, one after the other:
//   u32 Request, u64 id, u32 certificate, then by type:
//     load   nothing
//     sign   string fingerprint, u32 Algorithm, string message (what TLS has signed, whole)
// `id` is the dispatcher's; it begins at random, so that an answer to a predecessor fits nothing.
enum class Request : uint32_t { load = 1, sign = 2 };

// keyholder -> dispatcher: the same way:
//   u32 Answer, then by type:
//     certificate  u64 id, u32 count (1 or 2: of different key types; what is wrong with one does
//                  not keep the other back), and for each of them u32 count, then as many strings:
//                  DER certificates, the leaf first
//     signature    u64 id, string signature
//     refused      u64 id, string reason (English, for the log)
//     ticket_keys  u32 count, then as many strings of kTicketKeySize, the newest first; unasked: at
//                  the keyholder's start and at each rotation to all dispatchers, and to one that
//                  starts (dispatcher_started). The same for all.
enum class Answer : uint32_t { certificate = 1, signature = 2, refused = 3, ticket_keys = 4 };

// Name (16 bytes), AES-256 key (32), HMAC-SHA256 key (32).
inline constexpr size_t kTicketNameSize = 16;
inline constexpr size_t kTicketKeySize = 16 + 32 + 32;

// Signature algorithms by their TLS SignatureScheme (RFC 8446 4.2.3). rsa_pkcs1_*: TLS 1.2 only.
enum class Algorithm : uint32_t {
  rsa_pkcs1_sha256 = 0x0401,
  rsa_pkcs1_sha384 = 0x0501,
  rsa_pkcs1_sha512 = 0x0601,
  ecdsa_sha256 = 0x0403,  // TLS 1.3: with a P-256 key only; TLS 1.2: with any curve
  ecdsa_sha384 = 0x0503,
  ecdsa_sha512 = 0x0603,  // TLS 1.2 only
  rsa_pss_sha256 = 0x0804,
  rsa_pss_sha384 = 0x0805,
  rsa_pss_sha512 = 0x0806,
  ed25519 = 0x0807,
};

// What is signed is one of (anything else is refused):
//   TLS 1.3 CertificateVerify (RFC 8446 4.4.3): 64 spaces, "TLS 1.3, server CertificateVerify", a
//           zero byte, a transcript hash of 32 or 48 bytes
//   TLS 1.2 ServerKeyExchange (RFC 8422 5.4): client and server random (32 each), curve type 3, a
//           named curve (x25519, secp256r1, secp384r1), a point of that curve's length
// The largest is the latter: 64 + 4 + 97.
inline constexpr size_t kMaxSigned = 192;

// ---- with the master ----

// master -> keyholder:
//   welcome  string root directory (empty, nobody's), u32 uid, u32 gid, u32 count of dispatchers
//   key      u32 certificate, u32 count of pairs (1 or 2), u32 index of this one (they come in order,
//            nothing between them), string chain (PEM), string key (PEM). The answer to want_key, not
//            looked into.
//   no_key   u32 certificate, string reason (a file that could not be read)
//   forget   u32 certificate: its files changed or it is not in use any more. What was loaded serves
//            handshakes that had begun (kRenewalGrace).
//   dispatcher_started  u32 number: its successor listens on the channel now; it needs ticket keys.
enum class Notice : uint32_t {
  welcome = 1,
  key = 2,
  no_key = 3,
  forget = 4,
  dispatcher_started = 5
};

// keyholder -> master: structs of fixed size; gossip.
enum class MasterRequestType : uint32_t {
  ready = 1,     // locked down; once, the first
  want_key = 2,  // `certificate`
  verdict = 3,   // `certificate` is as `verdict` says, in its pair `index`; once for each `key`
  // What a dispatcher did that it should not: `certificate` is the dispatcher's number here, `index`
  // how often since this was said last, which is at most once a second for each of the four.
  malformed = 4,  // messages that are none
  too_many = 5,   // requests beyond its rate: refused
  forbidden = 6,  // signatures that it asked for of what is no TLS handshake of that key: refused
  unread = 7,     // answers dropped, because it does not read
};

// What is wrong with a certificate. By number, so that the master prints only its own words.
enum class Verdict : uint32_t {
  good = 0,
  no_certificate,   // the certificate file holds no PEM certificate
  malformed,        // it holds one that cannot be parsed
  no_key,           // the key file holds no PEM private key
  encrypted_key,    // it is encrypted: there is nobody to ask for the pass phrase
  unsupported_key,  // not RSA of 2048 to 8192 bits, ECDSA P-256 or P-384, Ed25519
  mismatch,         // the key is not the certificate's
  expired,          // the leaf's validity has ended
  not_yet_valid,    // or not begun
  broken_chain,     // a certificate of the chain did not issue the one before it
  chain_expired,    // an intermediate's validity has ended
  same_type,        // two pairs have the same type of key
  too_large,
};
inline constexpr uint32_t kVerdicts = static_cast<uint32_t>(Verdict::too_large) + 1;

// For logs.
constexpr const char* describe(Verdict verdict) {
  switch (verdict) {
    case Verdict::good: return "it is in order";
    case Verdict::no_certificate: return "the certificate file holds no PEM certificate";
    case Verdict::malformed: return "the certificate file holds a certificate that cannot be read";
    case Verdict::no_key: return "the key file holds no PEM private key";
    case Verdict::encrypted_key:
      return "the private key is encrypted, and there is nobody to ask for its pass phrase";
    case Verdict::unsupported_key:
      return "the key is neither RSA of 2048 to 8192 bits, ECDSA P-256 or P-384, nor Ed25519";
    case Verdict::mismatch: return "the private key does not belong to the certificate";
    case Verdict::expired: return "the certificate has expired";
    case Verdict::not_yet_valid: return "the certificate is not valid yet";
    case Verdict::broken_chain:
      return "a certificate of the chain did not issue the one before it in the file";
    case Verdict::chain_expired: return "an intermediate certificate is not valid now";
    case Verdict::same_type: return "the other certificate has the same type of key";
    case Verdict::too_large: return "the chain has too many certificates";
  }
  return "unknown";
}

struct MasterRequest {
  MasterRequestType type;
  uint32_t certificate = 0;
  uint32_t index = 0;
  Verdict verdict = Verdict::good;
};
static_assert(sizeof(MasterRequest) == 16);

}  // namespace dmpm::keyholder_protocol
