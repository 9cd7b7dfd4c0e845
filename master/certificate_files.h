// Reads a certificate's two files as bytes. The master never looks into them.
#pragma once

#include <string>

#include "base/result.h"
#include "config/configuration.h"

namespace dmpm::master {

struct CertificateText {
  CertificateText() = default;
  CertificateText(CertificateText&&) = default;
  CertificateText& operator=(CertificateText&&) = delete;
  ~CertificateText();  // wipes the key

  std::string chain, key;
};

// By the rule of config/trusted_files.h; at most kMaxCertificateBytes together.
Result<CertificateText> read_certificate(const config::CertificateFiles& certificate);

// Overwrites `text` before it is freed.
void wipe(std::string& text);

}  // namespace dmpm::master
