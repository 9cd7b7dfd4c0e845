// What the keyholder's tests share: messages that TLS has signed, pairs in PEM, and the two sides of
// its channels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/wire.h"
#include "keyholder/key_pair.h"
#include "keyholder/protocol.h"
#include "tests/base/run_until.h"
#include "tests/proxy/tls/certificates.h"

namespace dmpm::test {

// TLS 1.3 CertificateVerify, a server's, with a transcript hash of that size.
std::string certificate_verify(size_t hash = 32);
// TLS 1.2 ServerKeyExchange.
std::string server_key_exchange_x25519();
std::string server_key_exchange_p256();
std::string server_key_exchange_p384();

// A certificate of its own and its key, in PEM.
struct PemPair {
  std::string chain, key;
};
PemPair make_pair(EVP_PKEY* key, const std::string& name = "a.test");
// With a reader that has read nothing before.
keyholder::KeyPair::Parsed parse_pair(std::string_view chain, std::string_view key,
                                      std::time_t now);

// By libcrypto's one-shot interface, another than the keyholder signs with.
bool is_signature(EVP_PKEY* key, keyholder_protocol::Algorithm algorithm, std::string_view message,
                  std::string_view signature);

// ---- a dispatcher's end ----

std::string load_request(uint64_t id, uint32_t certificate);
std::string sign_request(uint64_t id, uint32_t certificate, const keyholder::Fingerprint& key,
                         keyholder_protocol::Algorithm algorithm, std::string_view message);

struct Answer {
  keyholder_protocol::Answer kind{};
  uint64_t id = 0;
  std::string text;                              // the signature, or the reason
  std::vector<std::vector<std::string>> chains;  // of certificates
  std::vector<std::string> keys;                 // of tickets
};
// Fails the test when the message is malformed.
std::vector<Answer> parse_answers(std::string_view message);

// ---- a master's end ----

std::string key_notice(uint32_t certificate, const PemPair& pair, uint32_t count = 1,
                       uint32_t index = 0);
std::string no_key_notice(uint32_t certificate, std::string_view reason);
std::string number_notice(keyholder_protocol::Notice kind, uint32_t number);

// ---- channels ----

struct Ends {
  Fd ours, theirs;
};
Ends make_channel();
void say(const Fd& fd, std::string_view message);
// The next message; empty when there is none now.
std::string hear(const Fd& fd);

}  // namespace dmpm::test
