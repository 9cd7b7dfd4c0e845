// What may be signed: the two messages that a TLS server signs, by their form.
#pragma once

#include <string_view>

#include "keyholder/protocol.h"

namespace dmpm::keyholder {

enum class KeyType { rsa, p256, p384, ed25519 };

enum class TlsMessage {
  none,                 // anything else: never signed
  certificate_verify,   // TLS 1.3, a server's (RFC 8446 4.4.3)
  server_key_exchange,  // TLS 1.2, ECDHE (RFC 8422 5.4)
};

TlsMessage tls_message(std::string_view bytes);

// TLS allows this algorithm for this message with such a key (RFC 8446 4.2.3, RFC 8422 5.1).
bool may_sign(TlsMessage message, keyholder_protocol::Algorithm algorithm, KeyType key);

}  // namespace dmpm::keyholder
