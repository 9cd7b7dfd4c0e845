#include "tests/cli/fixture.h"

#include <doctest/doctest.h>
#include <openssl/x509v3.h>
#include <pwd.h>
#include <unistd.h>

#include <memory>

#include "tests/proxy/tls/certificates.h"

namespace dmpm::cli::test {

PemPair make_pair(const std::vector<std::string>& names, long from, long until, bool self_signed) {
  using namespace dmpm::test;
  const KeyPtr key = make_ec_key();
  const KeyPtr other = make_ec_key();
  EVP_PKEY* issuer = self_signed ? key.get() : other.get();
  const X509Ptr certificate =
      make_certificate("test", key.get(), issuer, self_signed ? "test" : "an authority");
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + name;
  if (!names.empty()) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, list.c_str());
    REQUIRE(extension != nullptr);
    REQUIRE(X509_add_ext(certificate.get(), extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  REQUIRE(X509_sign(certificate.get(), issuer, EVP_sha256()) > 0);
  return {to_pem(certificate.get()), to_pem(key.get())};
}

config::VirtualHost make_host(std::vector<std::string> names, unsigned line) {
  config::VirtualHost host;
  host.names = std::move(names);
  host.location = {std::make_shared<const std::string>("x.json"), line, 1};
  return host;
}

config::Group make_group(const std::string& name) {
  config::Group group;
  group.name = name;
  group.permissions.identity.uid = ::getuid();
  group.permissions.identity.gid = ::getgid();
  const passwd* user = ::getpwuid(::getuid());
  group.permissions.identity.user = user != nullptr ? user->pw_name : "nobody-known";
  group.worker.command = {"/bin/true"};
  group.location = {std::make_shared<const std::string>("x.json"), 1, 1};
  return group;
}

config::Configuration make_configuration(std::vector<config::Group> groups,
                                         std::vector<config::VirtualHost> hosts) {
  config::Configuration configuration;
  configuration.sections.push_back(std::make_shared<const config::Section>(
      config::Section{std::move(groups), std::move(hosts)}));
  return configuration;
}

}  // namespace dmpm::cli::test
