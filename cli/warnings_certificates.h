// What is the matter with virtual hosts' certificates, or soon will be.
#pragma once

#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cli/certificate.h"
#include "config/configuration.h"
#include "config/trusted_files.h"
#include "keyholder/private_key.h"

namespace dmpm::cli {

using Warn = std::function<void(std::string_view)>;

class CertificateWarnings {
 public:
  explicit CertificateWarnings(std::time_t now) : now_(now) {}

  // Of a virtual host that has TLS.
  void look_at(const config::VirtualHost& host, const Warn& warn);

 private:
  // Of the two files, which many virtual hosts may share.
  struct Pair {
    std::optional<Certificate> certificate;
    std::string problem;  // why the keyholder will not use it; empty: it will, or that is unknown
    bool key_is_public = false;
  };
  const Pair& pair(const config::CertificateFiles& files);
  Pair read(const config::CertificateFiles& files);
  void look_at_names(const config::VirtualHost& host, const Certificate& certificate,
                     const std::string& path, const Warn& warn) const;
  void look_at_end(const Certificate& certificate, const std::string& path, const Warn& warn) const;

  const std::time_t now_;
  config::TrustedFiles files_;
  keyholder::PrivateKeyReader keys_;
  std::map<std::pair<std::string, std::string>, Pair> pairs_;  // by the paths
};

}  // namespace dmpm::cli
