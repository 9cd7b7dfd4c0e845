// TicketKeys: the keys that session tickets are sealed with (RFC 5077 4, RFC 8446 4.6.1), as the
// keyholder hands them out: the same in all dispatchers, changed by the clock.
//
// They are long-term secrets of a kind: who has one can read the tickets, and with TLS 1.2 what was
// said in the sessions that they resume. So they live for hours, not for weeks.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "keyholder/protocol.h"

namespace dmpm::tls {

class TicketKeys {
 public:
  TicketKeys() = default;
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // The newest first. What was set before is kept for one more time, so that tickets outlive a
  // restart of the keyholder. False when one has the wrong size; then nothing changes.
  bool set(std::span<const std::string_view> keys);
  // Makes `context` use them. Without a key it gives no tickets.
  void install(SSL_CTX* context);

 private:
  struct Key {
    std::array<unsigned char, keyholder_protocol::kTicketNameSize> name;
    std::array<unsigned char, 32> encryption, authentication;
  };
  using Keys = std::vector<Key>;

  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int encrypt);
  int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const;
  int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac) const;
  const Key* find(const unsigned char* name) const;
  static void wipe(Keys& keys);

  Keys now_, before_;
};

}  // namespace dmpm::tls
