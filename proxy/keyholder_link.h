// KeyholderLink: the dispatcher's end of its channel to the keyholder (keyholder/protocol.h): asks for
// certificates and signatures, and hands the answers to those who wait.
//
// Requests of one round leave in one message. The keyholder may die at any time: its successor says
// so by sending ticket keys, and everything that is unanswered is asked again.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/channel.h"
#include "base/log.h"
#include "base/wire.h"
#include "proxy/tls/certificate_store.h"
#include "proxy/tls/remote_signing.h"
#include "proxy/tls/ticket_keys.h"

namespace dmpm {

class KeyholderLink final : public tls::CertificateSource,
                            public tls::RemoteSigner,
                            private ChannelHandler,
                            private Deferred {
 public:
  // `first_id` is random: an answer to a predecessor's request fits none of ours.
  KeyholderLink(EventLoop& loop, Fd channel, uint64_t first_id, Log& log);
  // Before the loop runs.
  void attach(tls::CertificateStore& certificates, tls::TicketKeys& tickets);

  // tls::CertificateSource
  void want_certificate(uint32_t number) override;
  // tls::RemoteSigner
  void request_signature(tls::PendingSignature& pending, const tls::KeyName& key,
                         keyholder_protocol::Algorithm algorithm,
                         std::string_view message) override;
  void forget_signature(tls::PendingSignature& pending) override;

 private:
  void on_message(std::string_view message) override;
  void on_channel_closed(std::string_view reason) override;
  void run_deferred() override { send_requests(); }

  void ask(std::string_view request);
  void ask_for_certificate(uint64_t id, uint32_t number);
  void ask_again();
  void send_requests();
  void on_certificate(WireReader& reader);
  void on_signature(WireReader& reader);
  void on_refused(WireReader& reader);
  void on_ticket_keys(WireReader& reader);
  tls::PendingSignature* take_signature(uint64_t id);
  // The certificate that `id` asked for; 0: it is none of ours.
  uint32_t take_certificate(uint64_t id);

  EventLoop& loop_;
  Channel channel_;
  Log& log_;
  tls::CertificateStore* certificates_ = nullptr;
  tls::TicketKeys* tickets_ = nullptr;
  uint64_t last_id_;
  std::string requests_;                                             // of this round
  std::unordered_map<uint64_t, tls::PendingSignature*> signatures_;  // unanswered, by id
  std::unordered_map<uint64_t, uint32_t> loads_;                     // unanswered, by id
};

}  // namespace dmpm
