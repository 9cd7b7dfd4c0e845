#include "master/certificate_files.h"

#include <cstring>

#include "base/text.h"
#include "master/limits.h"

namespace dmpm::master {

void wipe(std::string& text) {
  ::explicit_bzero(text.data(), text.size());
}

CertificateText::~CertificateText() {
  wipe(key);
}

Result<CertificateText> read_certificate(const config::CertificateFiles& certificate) {
  config::TrustedFiles files;
  auto chain = files.read(certificate.certificate_path, kMaxCertificateBytes);
  if (!chain) return chain.error();
  const size_t room = kMaxCertificateBytes - chain->text.size();
  auto key = files.read(certificate.key_path, room);
  if (!key) return key.error();
  CertificateText text;
  text.chain = std::move(chain->text);
  text.key = std::move(key->text);
  text.stamps = {chain->stamp, key->stamp};
  return text;
}

Result<CertificateStamps> stamps_of(const config::CertificateFiles& certificate,
                                    config::TrustedFiles& files) {
  auto chain = files.stamp(certificate.certificate_path);
  if (!chain) return chain.error();
  auto key = files.stamp(certificate.key_path);
  if (!key) return key.error();
  return CertificateStamps{*chain, *key};
}

}  // namespace dmpm::master
