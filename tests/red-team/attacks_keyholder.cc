// What a dispatcher can ask the keyholder for that it should not. An attempt succeeds when it gets a
// signature (or makes the keyholder fall silent); refused is EPERM, not understood EBADMSG.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/channel.h"
#include "base/wire.h"
#include "keyholder/protocol.h"
#include "master/heritage.h"
#include "tests/red-team/attack.h"

namespace dmpm::red_team {

namespace {

using keyholder_protocol::Algorithm;
using keyholder_protocol::Answer;
using namespace std::string_literals;

constexpr int kChannel = heritage::kDispatcherKeyholder;
constexpr uint32_t kCertificate = 1;  // alice's, of ECDSA P-256
constexpr uint64_t kId = 0x7265642d7465616d;

// ---- the channel ----

void wait_for(uint32_t events) {
  epoll_event event{events, {}};
  ::epoll_ctl(kWaiting, EPOLL_CTL_ADD, kChannel, &event);
  ::epoll_wait(kWaiting, &event, 1, -1);
  ::epoll_ctl(kWaiting, EPOLL_CTL_DEL, kChannel, nullptr);
}

// How many answers of each kind have come to requests with these ids.
struct Heard {
  size_t signatures = 0, refusals = 0, others = 0;
  bool last_signed = false;  // that with the id kId - 1
};

bool hear_once(Heard& heard) {
  static std::array<char, Channel::kMaxMessage> bytes;
  const ssize_t size = ::recv(kChannel, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size <= 0) return false;
  WireReader reader({bytes.data(), static_cast<size_t>(size)});
  while (!reader.at_end() && reader.ok()) {
    const auto kind = static_cast<Answer>(reader.u32());
    if (kind == Answer::ticket_keys) {
      for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) reader.string();
      continue;
    }
    const uint64_t id = reader.u64();
    if (kind == Answer::certificate) {
      for (uint32_t pairs = reader.u32(); pairs > 0 && reader.ok(); --pairs) {
        for (uint32_t more = reader.u32(); more > 0 && reader.ok(); --more) reader.string();
      }
    } else {
      reader.string();
    }
    if (id != kId && id != kId - 1) continue;
    if (kind == Answer::signature) {
      ++heard.signatures;
      if (id == kId - 1) heard.last_signed = true;
    } else if (kind == Answer::refused) {
      ++heard.refusals;
    } else {
      ++heard.others;
    }
  }
  return true;
}

bool say(std::string_view bytes) {
  return ::send(kChannel, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

Heard ask(std::string_view bytes) {
  Heard heard;
  while (!say(bytes)) {
    if (errno != EAGAIN) return heard;
    wait_for(EPOLLOUT | EPOLLIN);
    hear_once(heard);
  }
  while (heard.signatures + heard.refusals + heard.others == 0) {
    wait_for(EPOLLIN);
    hear_once(heard);
  }
  return heard;
}

// ---- requests ----

std::string fingerprint(const Targets& targets) {
  const std::string& digits = targets.at("fingerprint");
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::strtol(digits.substr(i, 2).c_str(), nullptr, 16));
  }
  return bytes;
}

std::string request(const Targets& targets, std::string_view message,
                    Algorithm algorithm = Algorithm::ecdsa_sha256,
                    uint32_t certificate = kCertificate, uint64_t id = kId) {
  return WireWriter()
      .u32(static_cast<uint32_t>(keyholder_protocol::Request::sign))
      .u64(id)
      .u32(certificate)
      .string(fingerprint(targets))
      .u32(static_cast<uint32_t>(algorithm))
      .string(message)
      .take();
}

const std::string kRight =
    std::string(64, ' ') + "TLS 1.3, server CertificateVerify\0"s + std::string(32, 'h');

bool judge(const Heard& heard) {
  if (heard.signatures == 0) errno = EPERM;
  return heard.signatures > 0;
}
bool sign(const Targets& targets, std::string_view message) {
  return judge(ask(request(targets, message)));
}
// What is not understood has no answer; that what is right still has one shows that it did nothing.
bool survives(const Targets& targets, std::string_view message) {
  Heard heard;
  while (!say(message) && errno == EAGAIN) {
    wait_for(EPOLLOUT | EPOLLIN);
    hear_once(heard);
  }
  heard = ask(request(targets, kRight, Algorithm::ecdsa_sha256, kCertificate, kId - 1));
  if (heard.last_signed && heard.signatures == 1) errno = EBADMSG;
  return errno != EBADMSG;
}

// ---- attacks ----

bool right(const Targets& targets) {
  return sign(targets, kRight);
}
bool right_1_2(const Targets& targets) {
  return sign(targets, std::string(64, 'r') + "\x03\x00\x1d\x20"s + std::string(32, 'p'));
}
bool hash_256(const Targets& targets) {
  return sign(targets, std::string(32, 'h'));
}
bool hash_384(const Targets& targets) {
  return sign(targets, std::string(48, 'h'));
}
bool nothing(const Targets& targets) {
  return sign(targets, "");
}
// The beginning of a certificate's body (RFC 5280 4.1), as long as may be asked for.
bool certificate(const Targets& targets) {
  return sign(targets, "\x30\x82\x01\x0a\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x0a\x06\x08"s +
                           "\x2a\x86\x48\xce\x3d\x04\x03\x02\x30\x11\x31\x0f\x30\x0d\x06"s +
                           std::string(150, 'c'));
}
bool token(const Targets& targets) {
  return sign(targets,
              "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZG1pbiIsImV4cCI6OTk5OTk5OTk5OX0");
}
bool token_of_verify_length(const Targets& targets) {
  return sign(targets, std::string(kRight.size(), 'A'));
}
bool client_verify_1_3(const Targets& targets) {
  return sign(targets,
              std::string(64, ' ') + "TLS 1.3, client CertificateVerify\0"s + std::string(32, 'h'));
}
// The whole transcript: ClientHello first (RFC 5246 7.4.8).
bool client_verify_1_2(const Targets& targets) {
  return sign(targets, "\x01\x00\x00\xb8\x03\x03"s + std::string(180, 'h'));
}
bool authenticator(const Targets& targets) {
  return sign(targets, std::string(64, ' ') + "Exported Authenticator\0"s + std::string(32, 'h'));
}
bool finite_field(const Targets& targets) {
  return sign(targets, std::string(64, 'r') + "\x00\x20"s + std::string(100, 'p'));
}
bool explicit_curve(const Targets& targets) {
  return sign(targets, std::string(64, 'r') + "\x01\x01\x20"s + std::string(100, 'p'));
}
bool longer(const Targets& targets) {
  return sign(targets, kRight + "h");
}
bool shorter(const Targets& targets) {
  return sign(targets, std::string_view(kRight).substr(0, kRight.size() - 1));
}
bool other_algorithm(const Targets& targets) {
  return judge(ask(request(targets, kRight, Algorithm::rsa_pss_sha256)));
}
bool unknown_algorithm(const Targets& targets) {
  return judge(ask(request(targets, kRight, static_cast<Algorithm>(0x0203))));
}
bool unknown_certificate(const Targets& targets) {
  return judge(ask(request(targets, kRight, Algorithm::ecdsa_sha256, 77'777)));
}
bool other_certificate(const Targets& targets) {
  return judge(ask(request(targets, kRight, Algorithm::ecdsa_sha256, kCertificate + 1)));
}
bool wrong_fingerprint(const Targets& targets) {
  Targets other = targets;
  other["fingerprint"] = std::string(64, '0');
  return sign(other, kRight);
}
bool oversized(const Targets& targets) {
  return survives(targets, request(targets, std::string(100'000, ' ')));
}
bool huge(const Targets& targets) {
  return survives(targets, std::string(Channel::kMaxMessage + 1, 'A'));
}
bool decrypt(const Targets& targets) {
  return survives(targets, WireWriter()
                               .u32(3)
                               .u64(kId)
                               .u32(kCertificate)
                               .string(fingerprint(targets))
                               .string(std::string(128, 'c'))
                               .take());
}
bool export_key(const Targets& targets) {
  bool any = false;
  for (uint32_t kind = 0; kind < 64; ++kind) {
    if (kind == 1 || kind == 2) continue;  // the two that there are
    any = any || survives(targets, WireWriter().u32(kind).u64(kId).u32(kCertificate).take());
  }
  return any;
}
bool malformed(const Targets& targets) {
  const std::string good = request(targets, kRight);
  bool any = false;
  for (size_t size = 0; size < good.size(); ++size) {
    any = any || survives(targets, std::string_view(good).substr(0, size));
  }
  return any;
}
bool random_bytes(const Targets& targets) {
  uint32_t state = 1;
  std::string bytes(333, '\0');
  bool any = false;
  for (int i = 0; i < 1'000 && !any; ++i) {
    for (char& c : bytes) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    any = survives(targets, bytes);
  }
  return any;
}
// Signed as far as the rate allows, refused beyond: each is answered, and then it signs as before.
bool many(const Targets& targets) {
  const std::string one = request(targets, kRight);
  Heard heard;
  for (int sent = 0; sent < 100'000;) {
    if (say(one)) {
      ++sent;
    } else {
      wait_for(EPOLLOUT | EPOLLIN);
    }
    hear_once(heard);
  }
  while (heard.signatures + heard.refusals < 100'000) {
    wait_for(EPOLLIN);
    hear_once(heard);
  }
  errno = EBUSY;
  return false;
}
// None of them is there; each has to be asked of the master, which allows only so many.
bool many_loads(const Targets& targets) {
  for (uint32_t sent = 0; sent < 100'000;) {
    const std::string load = WireWriter()
                                 .u32(static_cast<uint32_t>(keyholder_protocol::Request::load))
                                 .u64(kId - 2)
                                 .u32(100'000 + sent)
                                 .take();
    Heard heard;
    if (say(load)) {
      ++sent;
    } else {
      wait_for(EPOLLOUT | EPOLLIN);
    }
    hear_once(heard);
  }
  return survives(targets, "x");
}

constexpr Attack kAttacks[] = {
    {"have a handshake signed as one may", right},
    {"have a handshake of TLS 1.2 signed as one may", right_1_2},
    {"have a SHA-256 hash signed", hash_256},
    {"have a SHA-384 hash signed", hash_384},
    {"have nothing signed", nothing},
    {"have a certificate signed", certificate},
    {"have a JWT signed", token},
    {"have a JWT of a handshake's length signed", token_of_verify_length},
    {"have a client's CertificateVerify of TLS 1.3 signed", client_verify_1_3},
    {"have a client's CertificateVerify of TLS 1.2 signed", client_verify_1_2},
    {"have an exported authenticator signed", authenticator},
    {"have finite-field parameters signed", finite_field},
    {"have an explicit curve signed", explicit_curve},
    {"have a longer message signed", longer},
    {"have a shorter message signed", shorter},
    {"have a handshake signed by another key's algorithm", other_algorithm},
    {"have a handshake signed by an unknown algorithm", unknown_algorithm},
    {"have a handshake signed with an unknown certificate's key", unknown_certificate},
    {"have a handshake signed with another certificate's key", other_certificate},
    {"have a handshake signed with a key that is not there", wrong_fingerprint},
    {"have 100,000 bytes signed", oversized},
    {"send the keyholder a huge message", huge},
    {"have something decrypted", decrypt},
    {"ask the keyholder for what it does not do", export_key},
    {"send the keyholder each part of a request", malformed},
    {"send the keyholder random bytes", random_bytes},
    {"ask for 100,000 signatures", many},
    {"ask for 100,000 certificates", many_loads},
};

}  // namespace

std::span<const Attack> attacks_on_the_keyholder() {
  return kAttacks;
}

}  // namespace dmpm::red_team
