#include "cli/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/text.h"
#include "cli/text.h"

namespace dmpm::cli {
namespace {

std::string_view bytes_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<size_t>(ASN1_STRING_length(string))};
}

// Empty when the address is of no known size.
std::string address(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool v6 = bytes.size() == sizeof(in6_addr);
  if (!v6 && bytes.size() != sizeof(in_addr)) return {};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return v6 ? concat({"[", text, "]"}) : std::string(text);
}

std::string entry(const X509_NAME* name, int kind) {
  const int at = X509_NAME_get_index_by_NID(name, kind, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const ASN1_STRING* data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  const int size = ASN1_STRING_to_UTF8(&utf8, data);
  if (size < 0) return {};
  std::string text(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return printable(text);
}

std::time_t seconds(const ASN1_TIME* time) {
  tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

}  // namespace

std::optional<Certificate> Certificate::parse(std::string_view pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  Certificate found(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
  BIO_free(bio);
  ERR_clear_error();
  if (found.certificate_ == nullptr) return std::nullopt;
  return found;
}

bool Certificate::covers(std::string_view host) const {
  X509* certificate = certificate_.get();
  if (host.starts_with("[")) {
    const std::string inner(host.substr(1, host.size() - 2));
    return X509_check_ip_asc(certificate, inner.c_str(), 0) == 1;
  }
  const std::string name(host);
  in_addr ignored{};
  if (::inet_pton(AF_INET, name.c_str(), &ignored) == 1) {
    return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  }
  // Clients look at the alternative names only.
  constexpr unsigned kFlags =
      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  const std::string asked = host.starts_with("*.") ? concat({"any", host.substr(1)}) : name;
  return X509_check_host(certificate, asked.c_str(), asked.size(), kFlags, nullptr) == 1;
}

std::vector<std::string> Certificate::names() const {
  std::vector<std::string> names;
  auto* found = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate_.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found, i);
    if (name->type == GEN_DNS) names.push_back(printable(bytes_of(name->d.dNSName)));
    if (name->type == GEN_IPADD) names.push_back(address(bytes_of(name->d.iPAddress)));
  }
  GENERAL_NAMES_free(found);
  ERR_clear_error();
  return names;
}

std::string Certificate::issuer() const {
  const X509_NAME* name = X509_get_issuer_name(certificate_.get());
  std::string organization = entry(name, NID_organizationName);
  std::string common = entry(name, NID_commonName);
  if (organization.empty() || common.empty()) return common.empty() ? organization : common;
  return concat({organization, ", ", common});
}

bool Certificate::self_signed() const {
  return (X509_get_extension_flags(certificate_.get()) & EXFLAG_SS) != 0;
}

std::time_t Certificate::begins() const {
  return seconds(X509_get0_notBefore(certificate_.get()));
}

std::time_t Certificate::ends() const {
  return seconds(X509_get0_notAfter(certificate_.get()));
}

std::string date(std::time_t time) {
  tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

}  // namespace dmpm::cli
