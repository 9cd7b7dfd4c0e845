// Signatures from elsewhere: what the TLS code asks of whoever holds the private keys (the
// keyholder, through proxy/keyholder_link.h).
//
// A handshake that needs a signature stops in the middle of OpenSSL (an ASYNC job, see
// ASYNC_start_job(3)), and goes on when its PendingSignature has been settled.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "keyholder/protocol.h"

namespace dmpm::tls {

// Names a private key to its holder.
struct KeyName {
  uint32_t certificate = 0;
  std::array<char, keyholder_protocol::kFingerprintSize> fingerprint{};  // of its public half
};

class PendingSignature;

class RemoteSigner {
 public:
  // `pending` is settled later, never during the call. `message`: valid during the call.
  virtual void request_signature(PendingSignature& pending, const KeyName& key,
                                 keyholder_protocol::Algorithm algorithm,
                                 std::string_view message) = 0;
  // `pending` goes away unsettled.
  virtual void forget_signature(PendingSignature& pending) = 0;

 protected:
  ~RemoteSigner() = default;
};

// Who waits for a signature.
class SignatureWaiter {
 public:
  // The handshake can go on. May destroy the waiter.
  virtual void on_signature() = 0;

 protected:
  ~SignatureWaiter() = default;
};

// The one signature that a handshake needs.
class PendingSignature {
 public:
  enum class State : uint8_t { idle, waiting, signed_, refused };

  PendingSignature(RemoteSigner& signer, SignatureWaiter& waiter)
      : signer_(signer), waiter_(waiter) {}
  ~PendingSignature() { refuse(); }
  PendingSignature(const PendingSignature&) = delete;
  PendingSignature& operator=(const PendingSignature&) = delete;

  State state() const { return state_; }
  const std::string& signature() const { return signature_; }

  // ---- for the handshake ----
  // Once.
  void request(const KeyName& key, keyholder_protocol::Algorithm algorithm,
               std::string_view message) {
    state_ = State::waiting;
    signer_.request_signature(*this, key, algorithm, message);
  }
  // It is not wanted any more; nobody is told.
  void refuse() {
    if (state_ != State::waiting) return;
    state_ = State::refused;
    signer_.forget_signature(*this);
  }

  // ---- for the signer ----
  void settle(std::string_view signature) {
    state_ = State::signed_;
    signature_.assign(signature);
    waiter_.on_signature();
  }
  void settle_refused() {
    state_ = State::refused;
    waiter_.on_signature();
  }
  uint64_t id = 0;   // the signer's
  std::string sent;  // by the signer, to be sent again

 private:
  RemoteSigner& signer_;
  SignatureWaiter& waiter_;
  State state_ = State::idle;
  std::string signature_;
};

// The handshake that OpenSSL works on at the moment: what its signature function finds. One for all
// connections of a dispatcher.
class SigningContext {
 public:
  // While it exists, `pending` is the one.
  class Scope {
   public:
    Scope(SigningContext& context, PendingSignature* pending) : context_(context) {
      context_.pending_ = pending;
    }
    ~Scope() { context_.pending_ = nullptr; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    SigningContext& context_;
  };
  PendingSignature* pending() const { return pending_; }

 private:
  PendingSignature* pending_ = nullptr;
};

}  // namespace dmpm::tls
