// Dispatcher: owns everything that serves clients, and connects the parts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/graveyard.h"
#include "base/log.h"
#include "proxy/access_log.h"
#include "proxy/counts.h"
#include "proxy/crowd_watch.h"
#include "proxy/error_ids.h"
#include "proxy/forward/forwarder.h"
#include "proxy/http1/server.h"
#include "proxy/http2/server.h"
#include "proxy/keyholder_link.h"
#include "proxy/master_link.h"
#include "proxy/net/connection.h"
#include "proxy/net/listener.h"
#include "proxy/tls/certificate_store.h"
#include "proxy/tls/tls_context.h"
#include "proxy/tls/tls_transport.h"

namespace dmpm {

class Dispatcher final : private net::ConnectionOwner,
                         private net::ListenerOwner,
                         private tls::CertificateSelector,
                         private forward::FailureReporter,
                         private MasterLinkOwner,
                         private Deadline {
 public:
  struct InheritedListener {
    Fd fd;
    uint32_t flags;  // protocol::ListenerFlags
  };

  struct Channels {
    Fd master, exchanges, keyholder;  // `exchanges`: of the access log
  };
  // `descriptors`: the limit of this process.
  Dispatcher(EventLoop& loop, Log& log, Counts& counts, Channels channels, uint64_t random_seed,
             size_t descriptors);
  ~Dispatcher();
  // Makes what TLS needs; once, before run().
  Status prepare_tls();
  // Serves until the master says drain and all is done, or has gone.
  void run(std::vector<InheritedListener> listeners);

 private:
  // net::ConnectionOwner
  std::unique_ptr<net::Session> new_session(net::SessionHost& host, std::string_view alpn) override;
  void on_closed(net::Connection& connection) override;
  // net::ListenerOwner
  void on_accepted(Fd fd, const SocketAddress& peer, bool tls, bool redirect_to_https) override;
  bool may_accept() override;
  void on_accept_paused(std::string_view reason) override;
  // tls::CertificateSelector
  Outcome select(SSL* ssl, std::string_view server_name) override;
  // forward::FailureReporter
  std::string report(const forward::Failure& failure, std::string_view group, std::string_view host,
                     std::string_view client) override;
  // MasterLinkOwner
  void on_configured() override;
  void on_drain(Milliseconds deadline, Milliseconds idle) override;
  void on_master_lost() override;
  // Deadline: of the drain
  void on_deadline() override;

  void set_connection_count(size_t count);
  void start_listening();
  void finish_drain();

  EventLoop& loop_;
  Log& log_;
  Counts& counts_;
  DeadlineWheel wheel_;
  Graveyard graveyard_;
  net::Shares shares_;
  AccessLog access_log_;
  ErrorIds error_ids_;
  ClientLimits limits_;

  std::unique_ptr<char[]> plaintext_;
  std::unique_ptr<char[]> worker_input_;
  net::OutputStaging staging_;
  tls::TlsShared tls_shared_;

  MasterLink master_;
  KeyholderLink keyholder_;
  tls::TicketKeys tickets_;
  // Before whatever has one of its keys.
  std::unique_ptr<tls::RemoteKeyProvider> remote_keys_;
  tls::CertificateStore certificates_;
  forward::Router router_;
  forward::Groups groups_;
  forward::ForwarderServices forwarding_;
  http1::ExchangePool http1_exchanges_;
  http2::StreamPool http2_streams_;
  net::ConnectionServices connection_services_;
  std::unique_ptr<tls::TlsContext> tls_context_;

  std::vector<InheritedListener> inherited_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  uint16_t https_port_ = 443;
  IntrusiveList<net::Connection> connections_;
  net::AddressCounts addresses_;
  size_t connection_count_ = 0;
  CrowdWatch crowd_{wheel_};
  size_t most_connections_;  // that the descriptor limit leaves room for
  Instant quiet_until_{};    // nothing is said of connections that have to wait
  bool draining_ = false;
};

}  // namespace dmpm
