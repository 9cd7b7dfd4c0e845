// dmpm-keyholder as the master starts it. Needs root.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <random>

#include "base/channel.h"
#include "tests/base/exit_status.h"
#include "tests/keyholder/fixture.h"

using namespace dmpm;
using namespace dmpm::test;
using keyholder::Fingerprint;
using keyholder_protocol::Algorithm;
using keyholder_protocol::MasterRequest;
using keyholder_protocol::MasterRequestType;
using keyholder_protocol::Notice;
using keyholder_protocol::Verdict;
using Kind = keyholder_protocol::Answer;

namespace {

constexpr uid_t kUid = 61'236;  // any that is not 0: it need not have a name
constexpr gid_t kGid = 61'237;

class EmptyDirectory {
 public:
  EmptyDirectory() { REQUIRE(::mkdtemp(path_) != nullptr); }
  ~EmptyDirectory() { ::rmdir(path_); }
  EmptyDirectory(const EmptyDirectory&) = delete;
  EmptyDirectory& operator=(const EmptyDirectory&) = delete;
  const char* path() const { return path_; }

 private:
  char path_[40] = "/tmp/dmpm-keyholder-test.XXXXXX";
};

std::string welcome(const char* root, uint32_t dispatchers = 1) {
  return WireWriter()
      .u32(static_cast<uint32_t>(Notice::welcome))
      .string(root)
      .u32(kUid)
      .u32(kGid)
      .u32(dispatchers)
      .take();
}

class KeyholderProcess {
 public:
  KeyholderProcess() {
    Ends master_ends = make_channel(), dispatcher_ends = make_channel();
    master = std::move(master_ends.ours);
    dispatcher = std::move(dispatcher_ends.ours);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) run(std::move(master_ends.theirs), std::move(dispatcher_ends.theirs));
    dispatcher_theirs_ = std::move(dispatcher_ends.theirs);  // as the master holds it
  }
  ~KeyholderProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  KeyholderProcess(const KeyholderProcess&) = delete;
  KeyholderProcess& operator=(const KeyholderProcess&) = delete;

  pid_t pid() const { return pid_; }
  MasterRequest hear_request() const {
    const std::string message = wait_for(master);
    MasterRequest request{};
    REQUIRE(message.size() == sizeof request);
    std::memcpy(&request, message.data(), sizeof request);
    return request;
  }
  Answer hear_answer() const { return parse_answers(wait_for(dispatcher)).at(0); }
  int wait() { return test::exit_status(pid_); }
  bool runs() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

  Fd master, dispatcher;

 private:
  [[noreturn]] static void run(Fd master, Fd dispatcher) {
    // Out of the way of 3 and 4 first.
    const int high_master = ::fcntl(master.get(), F_DUPFD, 10);
    const int high_dispatcher = ::fcntl(dispatcher.get(), F_DUPFD, 10);
    ::dup2(high_master, 3);
    ::dup2(high_dispatcher, 4);
    ::syscall(SYS_close_range, 5, ~0U, 0);
    char* const nothing[] = {nullptr};
    ::execle(DMPM_KEYHOLDER, "dmpm-keyholder", nullptr, nothing);
    ::_exit(127);
  }
  static std::string wait_for(const Fd& fd) {
    pollfd readable{fd.get(), POLLIN, 0};
    REQUIRE(::poll(&readable, 1, 10'000) == 1);
    std::string message = hear(fd);
    REQUIRE_FALSE(message.empty());
    return message;
  }
  pid_t pid_ = -1;
  Fd dispatcher_theirs_;
};

// What follows `key` on its line of /proc/PID/FILE.
std::string proc_line(pid_t pid, const std::string& name, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return {};
}

bool is_root() {
  if (::geteuid() == 0) return true;
  MESSAGE("SKIPPED: needs root");
  return false;
}

}  // namespace

TEST_CASE("the keyholder gives up everything that it does not need, and signs") {
  if (!is_root()) return;
  const EmptyDirectory root;
  KeyholderProcess keyholder;
  say(keyholder.master, welcome(root.path()));
  CHECK(keyholder.hear_request().type == MasterRequestType::ready);
  CHECK(keyholder.hear_answer().kind == Kind::ticket_keys);

  const auto status = [&](const std::string& key) {
    return proc_line(keyholder.pid(), "status", key + ":\t");
  };
  CHECK(status("Uid") == "61236\t61236\t61236\t61236");
  CHECK(status("Gid") == "61237\t61237\t61237\t61237");
  CHECK(status("Groups").find_first_not_of(' ') == std::string::npos);
  CHECK(status("CapEff") == "0000000000000000");
  CHECK(status("CapPrm") == "0000000000000000");
  CHECK(status("NoNewPrivs") == "1");
  CHECK(status("Seccomp") == "2");
  char link[4096] = "";
  const std::string proc = "/proc/" + std::to_string(keyholder.pid());
  CHECK(::readlink((proc + "/root").c_str(), link, sizeof link - 1) > 0);
  CHECK(std::string_view(root.path()) == link);
  CHECK(proc_line(keyholder.pid(), "limits", "Max processes").starts_with("             0 "));
  CHECK(proc_line(keyholder.pid(), "limits", "Max core file size").starts_with("        0 "));
  // Locked memory holds at least the heap of the private keys.
  const std::string locked = status("VmLck");
  CHECK(std::atol(locked.c_str()) >= 4096);

  for (const bool rsa : {false, true}) {
    const KeyPtr key = rsa ? make_rsa_key() : make_ec_key();
    const PemPair pem = make_pair(key.get());
    const uint32_t number = rsa ? 8 : 7;
    const Fingerprint fingerprint =
        parse_pair(pem.chain, pem.key, std::time(nullptr)).pair->fingerprint();
    const Algorithm algorithm = rsa ? Algorithm::rsa_pss_sha256 : Algorithm::ecdsa_sha256;
    say(keyholder.dispatcher, load_request(1, number));
    CHECK(keyholder.hear_request().type == MasterRequestType::want_key);
    say(keyholder.master, key_notice(number, pem));
    CHECK(keyholder.hear_request().verdict == Verdict::good);
    CHECK(keyholder.hear_answer().kind == Kind::certificate);
    say(keyholder.dispatcher,
        sign_request(2, number, fingerprint, algorithm, certificate_verify()));
    const Answer answer = keyholder.hear_answer();
    CHECK(is_signature(key.get(), algorithm, certificate_verify(), answer.text));
  }
}

TEST_CASE("nothing that a dispatcher says ends the keyholder") {
  if (!is_root()) return;
  const EmptyDirectory root;
  KeyholderProcess keyholder;
  say(keyholder.master, welcome(root.path()));
  CHECK(keyholder.hear_request().type == MasterRequestType::ready);
  CHECK(keyholder.hear_answer().kind == Kind::ticket_keys);
  std::mt19937 random(7);
  for (int i = 0; i < 2'000; ++i) {
    std::string message(1 + random() % 400, '\0');
    for (char& c : message) c = static_cast<char>(random());
    if (i % 3 == 0) message[0] = 2, message[1] = message[2] = message[3] = 0;
    say(keyholder.dispatcher, message);
  }
  say(keyholder.dispatcher, std::string(Channel::kMaxMessage, 'A'));
  say(keyholder.dispatcher, std::string(Channel::kMaxMessage + 1, 'A'));
  // The certificates that bytes of it happened to name are not what is waited for.
  say(keyholder.dispatcher, load_request(99, 1'000'000));
  MasterRequest request = keyholder.hear_request();
  while (request.type != MasterRequestType::want_key || request.certificate != 1'000'000) {
    if (request.type == MasterRequestType::want_key) {
      say(keyholder.master, no_key_notice(request.certificate, "unknown"));
    }
    request = keyholder.hear_request();
  }
  CHECK(keyholder.runs());
}

TEST_CASE("signals do not end the keyholder, the end of the master does") {
  if (!is_root()) return;
  const EmptyDirectory root;
  KeyholderProcess keyholder;
  say(keyholder.master, welcome(root.path()));
  CHECK(keyholder.hear_request().type == MasterRequestType::ready);
  ::kill(keyholder.pid(), SIGINT);
  ::kill(keyholder.pid(), SIGPIPE);
  keyholder.master.reset();
  CHECK(keyholder.wait() == 0);
}

TEST_CASE("a wrong start of the keyholder ends at once with status 1") {
  if (!is_root()) return;
  KeyholderProcess keyholder;
  SUBCASE("no welcome") {
    say(keyholder.master, number_notice(Notice::forget, 1));
  }
  SUBCASE("half a welcome") {
    say(keyholder.master, welcome("/").substr(0, 9));
  }
  SUBCASE("no master") {
    keyholder.master.reset();
  }
  SUBCASE("no directory") {
    say(keyholder.master, welcome("/nonexistent"));
  }
  CHECK(keyholder.wait() == 1);
}
