#include "master/certificate_files.h"

#include <cstring>

#include "base/text.h"
#include "config/trusted_files.h"
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
  return text;
}

}  // namespace dmpm::master
