#include "proxy/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace dmpm::tls {

namespace {

// What the callback of SSL_CTX_set_tlsext_ticket_key_evp_cb(3) says.
constexpr int kFailed = -1;
constexpr int kNoTicket = 0;  // or, when opening: a full handshake
constexpr int kDone = 1;
constexpr int kDoneRenew = 2;  // opened, but the client should get a new one

bool set_mac_key(EVP_MAC_CTX* mac, std::span<const unsigned char> key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.data()),
                                        key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

TicketKeys::~TicketKeys() {
  wipe(now_);
  wipe(before_);
}

void TicketKeys::wipe(Keys& keys) {
  if (!keys.empty()) OPENSSL_cleanse(keys.data(), keys.size() * sizeof(Key));
  keys.clear();
}

bool TicketKeys::set(std::span<const std::string_view> keys) {
  const auto right = [](std::string_view key) {
    return key.size() == keyholder_protocol::kTicketKeySize;
  };
  if (!std::all_of(keys.begin(), keys.end(), right)) return false;
  wipe(before_);
  before_ = std::move(now_);
  now_ = Keys(keys.size());
  static_assert(sizeof(Key) == keyholder_protocol::kTicketKeySize);
  for (size_t i = 0; i < keys.size(); ++i) std::memcpy(&now_[i], keys[i].data(), sizeof(Key));
  return true;
}

void TicketKeys::install(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

int TicketKeys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* mac, int encrypt) {
  const auto& self = *static_cast<const TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return encrypt != 0 ? self.seal(name, iv, cipher, mac) : self.open(name, iv, cipher, mac);
}

int TicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
  if (now_.empty()) return kNoTicket;
  const Key& key = now_.front();
  std::copy(key.name.begin(), key.name.end(), name);
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1 ||
      EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.encryption.data(), iv) != 1 ||
      !set_mac_key(mac, key.authentication)) {
    return kFailed;
  }
  return kDone;
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
  const Key* key = find(name);
  if (key == nullptr) return kNoTicket;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->encryption.data(), iv) != 1 ||
      !set_mac_key(mac, key->authentication)) {
    return kFailed;
  }
  return key == now_.data() ? kDone : kDoneRenew;
}

const TicketKeys::Key* TicketKeys::find(const unsigned char* name) const {
  for (const Keys* keys : {&now_, &before_}) {
    for (const Key& key : *keys) {
      if (std::equal(key.name.begin(), key.name.end(), name)) return &key;
    }
  }
  return nullptr;
}

}  // namespace dmpm::tls
