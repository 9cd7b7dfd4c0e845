#include "cli/warnings_certificates.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/text.h"
#include "config/problem_list.h"
#include "keyholder/key_pair.h"

namespace dmpm::cli {
namespace {

// What the master reads of one (master/limits.h).
constexpr size_t kMaxFile = size_t{64} << 10;
// Whoever renews certificates by a timer has done so by then. Of those that live for days only, a
// quarter of their life.
constexpr std::time_t kSoon = std::time_t{14} * 24 * 3600;
constexpr std::time_t kPartOfLife = 4;
constexpr size_t kMaxNames = 5;  // that one warning lists

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kMaxNames); ++i) {
    out += concat({i == 0 ? "" : ", ", names[i]});
  }
  if (names.size() > kMaxNames) {
    out += concat({" and ", std::to_string(names.size() - kMaxNames), " more"});
  }
  return out;
}

}  // namespace

const CertificateWarnings::Pair& CertificateWarnings::pair(const config::CertificateFiles& files) {
  const auto [entry, added] = pairs_.try_emplace({files.certificate_path, files.key_path});
  if (added) entry->second = read(files);
  return entry->second;
}

CertificateWarnings::Pair CertificateWarnings::read(const config::CertificateFiles& files) {
  Pair pair;
  auto chain = files_.read(files.certificate_path, kMaxFile);
  if (!chain) {
    pair.problem = chain.error().message;
    return pair;
  }
  pair.certificate = Certificate::parse(chain->text);
  struct stat status {};
  pair.key_is_public =
      ::stat(files.key_path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
  auto key = files_.read(files.key_path, kMaxFile);
  if (!key) return pair;  // only root can tell
  const auto verdict = keyholder::KeyPair::parse(keys_, chain->text, key->text, now_).verdict;
  if (verdict != keyholder_protocol::Verdict::good) {
    pair.problem = keyholder_protocol::describe(verdict);
  }
  return pair;
}

void CertificateWarnings::look_at(const config::VirtualHost& host, const Warn& warn) {
  const auto look = [&](const config::CertificateFiles& files) {
    const Pair& found = pair(files);
    if (!found.problem.empty()) {
      warn(concat({"this virtual host's TLS does not work: ", files.certificate_path, ", ",
                   files.key_path, ": ", found.problem}));
    } else if (found.certificate) {
      look_at_end(*found.certificate, files.certificate_path, warn);
    }
    if (found.certificate) look_at_names(host, *found.certificate, files.certificate_path, warn);
    if (found.key_is_public) {
      warn(concat(
          {"the private key ", files.key_path, " can be read by every user of this machine"}));
    }
  };
  look(*host.tls);
  if (host.tls->second) look(*host.tls->second);
}

void CertificateWarnings::look_at_names(const config::VirtualHost& host,
                                        const Certificate& certificate, const std::string& path,
                                        const Warn& warn) const {
  std::vector<std::string> missing;
  std::copy_if(host.names.begin(), host.names.end(), std::back_inserter(missing),
               [&](const std::string& name) { return !certificate.covers(name); });
  if (missing.empty()) return;
  const std::vector<std::string> names = certificate.names();
  warn(concat({"the certificate ", path, " is not for ", listed(missing), ", but for ",
               names.empty() ? "no name at all" : listed(names)}));
}

void CertificateWarnings::look_at_end(const Certificate& certificate, const std::string& path,
                                      const Warn& warn) const {
  const std::time_t life = certificate.ends() - certificate.begins();
  const std::time_t left = certificate.ends() - now_;
  if (left >= std::min(kSoon, life / kPartOfLife)) {
    if (certificate.self_signed()) {
      warn(concat({"the certificate ", path, " is self-signed: browsers do not trust it"}));
    }
    return;
  }
  const std::time_t hours = left / 3600;
  warn(concat({"the certificate ", path, " expires on ", date(certificate.ends()), ", in ",
               hours < 48 ? concat({std::to_string(hours), " hours"})
                          : concat({std::to_string(hours / 24), " days"})}));
}

}  // namespace dmpm::cli
