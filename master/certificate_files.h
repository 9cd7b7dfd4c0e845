// Reads a certificate's two files as bytes. The master never looks into them.
#pragma once

#include <string>

#include "base/result.h"
#include "config/configuration.h"
#include "config/trusted_files.h"

namespace dmpm::master {

// What a certificate's two files were when they were last looked at.
struct CertificateStamps {
  config::FileStamp chain, key;
  bool operator==(const CertificateStamps&) const = default;
};

struct CertificateText {
  CertificateText() = default;
  CertificateText(CertificateText&&) = default;
  CertificateText& operator=(CertificateText&&) = delete;
  ~CertificateText();  // wipes the key

  std::string chain, key;
  CertificateStamps stamps;
};

// By the rule of config/trusted_files.h; at most kMaxCertificateBytes together.
Result<CertificateText> read_certificate(const config::CertificateFiles& certificate);
// By the same rule, without opening them; `files` remembers the directories that it has looked at.
Result<CertificateStamps> stamps_of(const config::CertificateFiles& certificate,
                                    config::TrustedFiles& files);

// Overwrites `text` before it is freed.
void wipe(std::string& text);

}  // namespace dmpm::master
