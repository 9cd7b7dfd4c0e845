// KeyholderLink with the test in the keyholder's place (relay.cc): what it may ask and say.
#include "master/keyholder_link.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "tests/master/draft.h"
#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

using keyholder_protocol::MasterRequest;
using keyholder_protocol::MasterRequestType;
using keyholder_protocol::Notice;
using keyholder_protocol::Verdict;

config::CertificateFiles files(const TemporaryDirectory& directory, const std::string& name) {
  config::CertificateFiles files;
  files.certificate_path = directory / (name + ".crt");
  files.key_path = directory / (name + ".key");
  return files;
}

struct Link {
  Link() {
    std::filesystem::copy_file(DMPM_RELAY, directory / "dmpm-keyholder");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (directory / "dmpm-keyholder.socket").c_str(),
                 sizeof address.sun_path - 1);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 4) == 0);
    write_file(directory / "a.crt", "certificate a");
    write_file(directory / "a.key", "key a", 0600);
    write_file(directory / "b.crt", "certificate b");
    write_file(directory / "b.key", "key b", 0600);
    config::VirtualHost host;
    host.names = {"a.test"};
    host.location = {std::make_shared<const std::string>("/etc/site.json"), 3, 5};
    host.tls = config::Certificate{files(directory, "a"), files(directory, "b")};
    configuration.virtual_hosts = {host};
    feed.update(configuration);
    link = std::make_unique<KeyholderLink>(loop, children, log, directory / "dmpm-keyholder",
                                           "/empty", config::Identity{"k", "k", 61005, 61005},
                                           std::move(make_key_channels().value()), feed, counts);
    link->start();
    meet();
  }
  ~Link() { link->stop(); }
  // The process that comes next; its welcome has been heard.
  void meet() {
    int fd = -1;
    REQUIRE(run_until(loop, [&] {
      return (fd = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;
    }));
    keyholder = Fd(fd);
    hear();  // what it inherited
    WireReader welcome(text = hear());
    CHECK(welcome.u32() == static_cast<uint32_t>(Notice::welcome));
    CHECK(welcome.string() == "/empty");
  }
  std::string hear() {
    std::string bytes(Channel::kMaxMessage, '\0');
    ssize_t size = -1;
    REQUIRE(run_until(loop, [&] {
      return (size = ::recv(keyholder.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)) >= 0;
    }));
    bytes.resize(static_cast<size_t>(size));
    return bytes;  // empty: it has ended
  }
  void say(const MasterRequest& request) { say_bytes(&request, sizeof request); }
  void say_bytes(const void* bytes, size_t size) {
    REQUIRE(::send(keyholder.get(), bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
  }
  // "no_key REASON" or "key INDEX of COUNT CHAIN KEY".
  std::string answer(uint32_t certificate) {
    say({MasterRequestType::want_key, certificate});
    return next_answer(certificate);
  }
  std::string next_answer(uint32_t certificate) {
    const std::string message = hear();
    WireReader reader(message);
    const auto kind = static_cast<Notice>(reader.u32());
    CHECK(reader.u32() == certificate);
    std::string words;
    if (kind == Notice::no_key) {
      words = "no_key " + std::string(reader.string());
    } else {
      const uint32_t count = reader.u32(), index = reader.u32();
      words = "key " + std::to_string(index) + " of " + std::to_string(count);
      words += " " + std::string(reader.string());
      words += " " + std::string(reader.string());
    }
    CHECK(reader.complete());
    return words;
  }
  // What it has said before has been dealt with.
  void settle() { CHECK(answer(77) == "no_key there never was such a certificate"); }
  size_t lines(std::string_view part) const {
    size_t count = 0;
    for (size_t at = 0; (at = captured.text.find(part, at)) != std::string::npos; ++at) ++count;
    return count;
  }

  TemporaryDirectory directory;
  Fd listener{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  EventLoop loop;
  CapturedLog captured;
  Log log{"master", captured};
  Children children{loop};
  RoutingFeed feed;
  Counts counts{std::move(*metrics::Mapping<metrics::MasterSegment>::alone())};
  Draft configuration;
  std::unique_ptr<KeyholderLink> link;
  Fd keyholder;
  std::string text;
};

TEST_CASE("the keyholder gets the files of certificates that are configured") {
  DMPM_NEEDS_ROOT();
  Link f;
  CHECK(f.answer(1) == "key 0 of 2 certificate a key a");
  CHECK(f.next_answer(1) == "key 1 of 2 certificate b key b");
  CHECK(f.answer(2) == "no_key there never was such a certificate");
  f.configuration.virtual_hosts.clear();
  f.feed.update(f.configuration);
  CHECK(f.answer(1) == "no_key the certificate was removed");
}

TEST_CASE("certificates that were read and have other files now are renewed") {
  DMPM_NEEDS_ROOT();
  Link f;
  using Numbers = std::vector<uint32_t>;
  std::vector<config::Problem> problems;
  // Nobody has read it: nobody has an old one.
  write_file(f.directory / "a.crt", "another a");
  CHECK(f.link->renewed(problems) == Numbers{});
  CHECK(f.answer(1) == "key 0 of 2 another a key a");
  f.next_answer(1);
  CHECK(f.link->renewed(problems) == Numbers{});
  // The second pair's key.
  write_file(f.directory / "b.key", "renewed key b", 0600);
  CHECK(f.link->renewed(problems) == Numbers{1});
  f.link->forget(1);
  f.hear();
  CHECK(f.link->renewed(problems) == Numbers{});
  f.answer(1);
  CHECK(f.next_answer(1) == "key 1 of 2 certificate b renewed key b");
  CHECK(problems.empty());
  // What was read stays in use when its files cannot be.
  std::filesystem::remove(f.directory / "b.key");
  CHECK(f.link->renewed(problems) == Numbers{});
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().to_string().starts_with(
      "/etc/site.json:3:5: this virtual host's TLS does not work: "));
  // What could not be read is new as soon as it can.
  CHECK(f.answer(1).starts_with("no_key "));
  write_file(f.directory / "b.key", "key b", 0600);
  CHECK(f.link->renewed(problems) == Numbers{1});
}

TEST_CASE("a file that cannot be read is an error of its virtual host, said once") {
  DMPM_NEEDS_ROOT();
  Link f;
  std::filesystem::remove(f.directory / "b.key");
  for (int i = 0; i < 3; ++i) CHECK(f.answer(1).starts_with("no_key "));
  CHECK(f.lines("/etc/site.json:3:5: this virtual host's TLS does not work: ") == 1);
  CHECK(f.captured.has("b.key"));
  // Files that everybody may write are not read either.
  write_file(f.directory / "b.key", "key b");
  std::filesystem::permissions(f.directory / "b.key", std::filesystem::perms::all);
  CHECK(f.answer(1).starts_with("no_key "));
  CHECK(f.lines("/etc/site.json:3:5: ") == 2);
}

TEST_CASE("verdicts are logged with the virtual host's place, once") {
  DMPM_NEEDS_ROOT();
  Link f;
  for (int i = 0; i < 3; ++i) f.say({MasterRequestType::verdict, 1, 1, Verdict::expired});
  f.settle();
  CHECK(f.lines("/etc/site.json:3:5: ") == 1);
  CHECK(f.captured.has("b.key: the certificate has expired"));
  f.say({MasterRequestType::verdict, 1, 1, Verdict::good});
  f.say({MasterRequestType::verdict, 1, 1, Verdict::expired});
  f.settle();
  CHECK(f.lines("/etc/site.json:3:5: ") == 2);
  f.link->forget(1);  // its files changed
  f.hear();
  f.say({MasterRequestType::verdict, 1, 1, Verdict::expired});
  // Of what is not configured: gossip.
  f.say({MasterRequestType::verdict, 9, 0, Verdict::expired});
  f.say({MasterRequestType::verdict, 1, 2, Verdict::expired});
  f.say({MasterRequestType::malformed, 3, 12});
  f.settle();
  CHECK(f.lines("/etc/site.json:3:5: ") == 3);
  CHECK(f.captured.has("dispatcher 3 at the keyholder: 12 malformed messages"));
}

TEST_CASE("what it must not say ends the keyholder, and another is started") {
  DMPM_NEEDS_ROOT();
  Link f;
  const auto offend = [&](const void* bytes, size_t size, std::string_view offence) {
    f.say_bytes(bytes, size);
    while (!f.hear().empty()) {
    }
    CHECK(f.captured.has(offence));
    f.meet();
  };
  offend("half", 4, "keyholder sent a request of the wrong size: killed");
  const MasterRequest unknown{static_cast<MasterRequestType>(99)};
  offend(&unknown, sizeof unknown, "keyholder sent a request of unknown type: killed");
  const MasterRequest verdict{MasterRequestType::verdict, 1, 0, static_cast<Verdict>(99)};
  offend(&verdict, sizeof verdict, "keyholder sent an unknown verdict: killed");
  CHECK(f.answer(1).starts_with("key 0"));
}

}  // namespace
}  // namespace dmpm::master::test
