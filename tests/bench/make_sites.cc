// bench-sites: certificates for many sites in little time: an own P-256 key and an own certificate
// for each name, signed by one throw-away authority.
//
//     bench-sites DIRECTORY NAME...           NAME.crt, NAME.key, NAME.pem (both)
//     bench-sites DIRECTORY FORMAT COUNT      for example site-%05u.test 10000
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace dmpm::bench {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using File = std::unique_ptr<FILE, Freed<std::fclose>>;

constexpr long kLifetime = 30L * 24 * 3600;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench-sites: %s\n", what.c_str());
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  if (!key) die("no key");
  return key;
}

void set_name(X509_NAME* name, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) die("extension");
}

struct Authority {
  Key key = make_key();
  std::string name = "dmpm bench";
  long serial = 1;
};

Certificate certify(Authority& authority, EVP_PKEY* key, const std::string& name) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++authority.serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kLifetime);
  set_name(X509_get_issuer_name(certificate.get()), authority.name);
  set_name(X509_get_subject_name(certificate.get()), name);
  add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + name);
  X509_set_pubkey(certificate.get(), key);
  if (X509_sign(certificate.get(), authority.key.get(), EVP_sha256()) == 0) die("signature");
  return certificate;
}

void write(const std::string& path, EVP_PKEY* key, X509* certificate) {
  const File file(std::fopen(path.c_str(), "we"));
  if (!file || ::fchmod(::fileno(file.get()), key ? 0600 : 0644) != 0) die(path);
  if (certificate && PEM_write_X509(file.get(), certificate) != 1) die(path);
  if (key && PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    die(path);
  }
}

void make_site(Authority& authority, const std::string& directory, const std::string& name) {
  const Key key = make_key();
  const Certificate certificate = certify(authority, key.get(), name);
  const std::string base = directory + "/" + name;
  write(base + ".crt", nullptr, certificate.get());
  write(base + ".key", key.get(), nullptr);
  write(base + ".pem", key.get(), certificate.get());
}

// FORMAT has one "%0Nu"; anything else in it stays as it is.
std::string numbered(const std::string& format, unsigned number) {
  const size_t at = format.find('%');
  const size_t end = format.find('u', at);
  const int width = std::atoi(format.c_str() + at + 1);
  const std::string digits = std::to_string(number);
  std::string padded(width > static_cast<int>(digits.size()) ? width - digits.size() : 0, '0');
  return format.substr(0, at) + padded + digits + format.substr(end + 1);
}

}  // namespace
}  // namespace dmpm::bench

int main(int argc, char** argv) {
  using namespace dmpm::bench;
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench-sites DIRECTORY NAME... | DIRECTORY FORMAT COUNT\n");
    return 2;
  }
  const std::string directory = argv[1];
  Authority authority;
  const std::string format = argv[2];
  if (format.find('%') == std::string::npos) {
    for (int i = 2; i < argc; ++i) make_site(authority, directory, argv[i]);
  } else {
    const unsigned count = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 0;
    for (unsigned i = 0; i < count; ++i) make_site(authority, directory, numbered(format, i));
  }
}
