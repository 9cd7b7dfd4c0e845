#include "tests/keyholder/fixture.h"

#include <doctest/doctest.h>
#include <openssl/rsa.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/channel.h"

namespace dmpm::test {

using keyholder_protocol::Algorithm;
using keyholder_protocol::Notice;

// ---- messages ----

namespace {

const std::string kRandoms(64, '\x5a');

std::string server_key_exchange(std::string_view head, size_t rest) {
  return kRandoms + std::string(head) + std::string(rest, '\x77');
}

}  // namespace

std::string certificate_verify(size_t hash) {
  using namespace std::string_literals;
  return std::string(64, ' ') + "TLS 1.3, server CertificateVerify\0"s + std::string(hash, '\x33');
}

std::string server_key_exchange_x25519() {
  return server_key_exchange({"\x03\x00\x1d\x20", 4}, 32);
}
std::string server_key_exchange_p256() {
  return server_key_exchange({"\x03\x00\x17\x41\x04", 5}, 64);
}
std::string server_key_exchange_p384() {
  return server_key_exchange({"\x03\x00\x18\x61\x04", 5}, 96);
}

// ---- keys ----

PemPair make_pair(EVP_PKEY* key, const std::string& name) {
  return {to_pem(make_certificate(name, key, key, name).get()), to_pem(key)};
}

keyholder::KeyPair::Parsed parse_pair(std::string_view chain, std::string_view key,
                                      std::time_t now) {
  keyholder::PrivateKeyReader reader;
  return keyholder::KeyPair::parse(reader, chain, key, now);
}

bool is_signature(EVP_PKEY* key, Algorithm algorithm, std::string_view message,
                  std::string_view signature) {
  struct Deleter {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const std::unique_ptr<EVP_MD_CTX, Deleter> context(EVP_MD_CTX_new());
  const auto scheme = static_cast<uint32_t>(algorithm);
  // The high byte of the PKCS #1 and ECDSA schemes, the low one of PSS (RFC 8446 4.2.3).
  const bool pss = scheme >> 8 == 8;
  const uint32_t hash = pss ? scheme & 0xff : scheme >> 8;
  const EVP_MD* digest = hash == 4 ? EVP_sha256() : hash == 5 ? EVP_sha384() : EVP_sha512();
  if (algorithm == Algorithm::ed25519) digest = nullptr;
  EVP_PKEY_CTX* parameters = nullptr;
  REQUIRE(EVP_DigestVerifyInit(context.get(), &parameters, digest, nullptr, key) == 1);
  if (pss && algorithm != Algorithm::ed25519) {
    REQUIRE(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                          message.size()) == 1;
}

// ---- a dispatcher's end ----

std::string load_request(uint64_t id, uint32_t certificate) {
  return WireWriter()
      .u32(static_cast<uint32_t>(keyholder_protocol::Request::load))
      .u64(id)
      .u32(certificate)
      .take();
}

std::string sign_request(uint64_t id, uint32_t certificate, const keyholder::Fingerprint& key,
                         Algorithm algorithm, std::string_view message) {
  return WireWriter()
      .u32(static_cast<uint32_t>(keyholder_protocol::Request::sign))
      .u64(id)
      .u32(certificate)
      .string({key.data(), key.size()})
      .u32(static_cast<uint32_t>(algorithm))
      .string(message)
      .take();
}

std::vector<Answer> parse_answers(std::string_view message) {
  std::vector<Answer> answers;
  WireReader reader(message);
  while (!reader.at_end() && reader.ok()) {
    Answer& answer = answers.emplace_back();
    answer.kind = static_cast<keyholder_protocol::Answer>(reader.u32());
    if (answer.kind == keyholder_protocol::Answer::ticket_keys) {
      for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
        answer.keys.emplace_back(reader.string());
      }
      continue;
    }
    answer.id = reader.u64();
    if (answer.kind != keyholder_protocol::Answer::certificate) {
      answer.text = reader.string();
      continue;
    }
    for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
      auto& chain = answer.chains.emplace_back();
      for (uint32_t more = reader.u32(); more > 0 && reader.ok(); --more) {
        chain.emplace_back(reader.string());
      }
    }
  }
  CHECK(reader.ok());
  return answers;
}

// ---- a master's end ----

std::string key_notice(uint32_t certificate, const PemPair& pair, uint32_t count, uint32_t index) {
  return WireWriter()
      .u32(static_cast<uint32_t>(Notice::key))
      .u32(certificate)
      .u32(count)
      .u32(index)
      .string(pair.chain)
      .string(pair.key)
      .take();
}

std::string no_key_notice(uint32_t certificate, std::string_view reason) {
  return WireWriter()
      .u32(static_cast<uint32_t>(Notice::no_key))
      .u32(certificate)
      .string(reason)
      .take();
}

std::string number_notice(Notice kind, uint32_t number) {
  return WireWriter().u32(static_cast<uint32_t>(kind)).u32(number).take();
}

// ---- channels ----

Ends make_channel() {
  auto pair = Channel::pair();
  REQUIRE(pair.ok());
  return {std::move(pair->ours), std::move(pair->theirs)};
}

void say(const Fd& fd, std::string_view message) {
  const auto send = [&] { return ::send(fd.get(), message.data(), message.size(), MSG_NOSIGNAL); };
  ssize_t sent = send();
  if (sent < 0 && errno == EAGAIN) {
    pollfd writable{fd.get(), POLLOUT, 0};
    CHECK(::poll(&writable, 1, 10'000) == 1);
    sent = send();
  }
  CHECK(sent == static_cast<ssize_t>(message.size()));
}

std::string hear(const Fd& fd) {
  std::string bytes(Channel::kMaxMessage, '\0');
  const ssize_t size = ::recv(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return bytes;
}

}  // namespace dmpm::test
