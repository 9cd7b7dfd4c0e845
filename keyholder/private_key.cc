#include "keyholder/private_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>

namespace dmpm::keyholder {
namespace {

// For the pass phrase there is nobody to ask: notes that one would be needed.
int note_encrypted(char*, int, int, void* encrypted) {
  *static_cast<bool*>(encrypted) = true;
  return -1;
}

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

}  // namespace

PrivateKeyReader::PrivateKeyReader()
    : context_(OSSL_DECODER_CTX_new_for_pkey(&key_, "PEM", nullptr, nullptr, EVP_PKEY_KEYPAIR,
                                             nullptr, nullptr)) {
  OSSL_DECODER_CTX_set_pem_password_cb(context_.get(), note_encrypted, &encrypted_);
}

PrivateKey PrivateKeyReader::read(std::string_view text) {
  const std::unique_ptr<BIO, BioDeleter> bio(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  key_ = nullptr;
  encrypted_ = false;
  // One block of the text in each turn.
  for (size_t left = text.size(), before = left + 1; 0 < left && left < before;) {
    ERR_clear_error();
    OSSL_DECODER_from_bio(context_.get(), bio.get());
    const bool is_no_key = ERR_GET_REASON(ERR_peek_error()) == ERR_R_UNSUPPORTED;
    if (key_ != nullptr || encrypted_ || !is_no_key) break;
    before = left;
    left = BIO_ctrl_pending(bio.get());
  }
  ERR_clear_error();
  return {std::unique_ptr<EVP_PKEY, PrivateKeyDeleter>(key_), encrypted_};
}

}  // namespace dmpm::keyholder
