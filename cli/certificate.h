// Certificate: what a certificate file says to people. libcrypto ends here: the master never looks
// into such a file, the keyholder alone decides whether it can be used (keyholder/key_pair.h).
#pragma once

#include <openssl/x509.h>

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dmpm::cli {

class Certificate {
 public:
  // The first one of a PEM text; nothing when that holds none.
  static std::optional<Certificate> parse(std::string_view pem);

  // Whether clients accept it for that name of a virtual host; for "*.a.test" whether they do for
  // every name of one more label.
  bool covers(std::string_view host) const;
  // What it is for: its alternative names of hosts and addresses.
  std::vector<std::string> names() const;
  std::string issuer() const;  // its common name or organization, printable
  bool self_signed() const;
  // Its validity, in seconds since 1970.
  std::time_t begins() const;
  std::time_t ends() const;

 private:
  struct Deleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  explicit Certificate(X509* certificate) : certificate_(certificate) {}
  std::unique_ptr<X509, Deleter> certificate_;
};

// "2027-01-31".
std::string date(std::time_t time);

}  // namespace dmpm::cli
