// PrivateKeyReader: reads private keys from PEM text.
//
// OpenSSL's decoder costs eight times as much to make as a key costs to read with it (0.34 and 0.046
// ms), so whoever reads many keeps one. Of a key that was read it keeps nothing.
#pragma once

#include <openssl/decoder.h>
#include <openssl/evp.h>

#include <memory>
#include <string_view>

namespace dmpm::keyholder {

struct PrivateKeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct PrivateKey {
  std::unique_ptr<EVP_PKEY, PrivateKeyDeleter> key;  // null: the text holds none that can be read
  bool encrypted = false;  // because there is nobody to ask for its pass phrase
};

class PrivateKeyReader {
 public:
  PrivateKeyReader();
  PrivateKeyReader(const PrivateKeyReader&) = delete;
  PrivateKeyReader& operator=(const PrivateKeyReader&) = delete;

  // The first one in the text; what else there is before it (EC PARAMETERS, say) is passed over.
  PrivateKey read(std::string_view text);

 private:
  struct Deleter {
    void operator()(OSSL_DECODER_CTX* context) const { OSSL_DECODER_CTX_free(context); }
  };
  EVP_PKEY* key_ = nullptr;  // where the decoder puts it
  bool encrypted_ = false;
  std::unique_ptr<OSSL_DECODER_CTX, Deleter> context_;
};

}  // namespace dmpm::keyholder
