#include "master/certificate_files.h"

#include <unistd.h>

#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

TEST_CASE("chain and key together are bounded") {
  TemporaryDirectory directory;
  const config::CertificateFiles certificate{directory / "chain", directory / "key"};
  struct Case {
    size_t chain, key;
    bool ok;
  };
  for (const Case& test :
       {Case{1, 1, true}, Case{kMaxCertificateBytes - 1, 1, true},
        Case{kMaxCertificateBytes, 1, false}, Case{kMaxCertificateBytes + 1, 0, false},
        Case{1, kMaxCertificateBytes, false}}) {
    write_file(certificate.certificate_path, std::string(test.chain, 'c'));
    write_file(certificate.key_path, std::string(test.key, 'k'), 0600);
    const auto text = read_certificate(certificate);
    CHECK(text.ok() == test.ok);
  }
}

}  // namespace
}  // namespace dmpm::master::test
