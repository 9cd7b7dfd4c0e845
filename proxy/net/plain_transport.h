// PlainTransport: a Transport without TLS.
#pragma once

#include "base/fd.h"
#include "proxy/net/output_staging.h"
#include "proxy/net/socket_output.h"
#include "proxy/net/transport.h"

namespace dmpm::net {

class PlainTransport final : public Transport, private StagingOwner {
 public:
  // `fd` outlives the transport.
  PlainTransport(int fd, OutputStaging& staging) : fd_(fd), staging_(staging), output_(fd) {}
  ~PlainTransport() override;

  HandshakeStatus handshake() override { return HandshakeStatus::done; }
  ReadResult read(std::span<char> into) override;
  bool has_buffered_input() const override { return false; }
  void write(std::string_view plaintext) override;
  size_t unsent() const override;
  FlushStatus flush() override;
  void end_output() override;
  std::string_view alpn() const override { return {}; }

 private:
  void evict_staged() override { flush(); }

  const int fd_;
  OutputStaging& staging_;
  SocketOutput output_;
};

}  // namespace dmpm::net
