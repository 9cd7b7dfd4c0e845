#include "proxy/dispatcher.h"

#include <openssl/async.h>

#include <algorithm>

#include "base/text.h"
#include "proxy/limits.h"

namespace dmpm {

Dispatcher::Dispatcher(EventLoop& loop, Log& log, Counts& counts, Channels channels,
                       uint64_t random_seed, size_t descriptors)
    : loop_(loop),
      log_(log),
      counts_(counts),
      wheel_(loop),
      graveyard_(loop),
      shares_(random_seed),
      access_log_(loop, wheel_, std::move(channels.exchanges), counts.own().access_records_dropped),
      error_ids_(random_seed),
      plaintext_(new char[limits::kReadSize]),
      worker_input_(new char[limits::kReadSize]),
      tls_shared_(staging_),
      master_(loop, std::move(channels.master), *this, log),
      keyholder_(loop, std::move(channels.keyholder), ~random_seed, log),
      certificates_(loop, keyholder_),
      groups_({loop,
               wheel_,
               graveyard_,
               master_,
               counts,
               {worker_input_.get(), limits::kReadSize},
               descriptors / 2 / limits::kGroupShare}),
      forwarding_{loop, wheel_, router_, groups_, limits_, *this, access_log_, counts},
      http1_exchanges_(forwarding_),
      http2_streams_(forwarding_),
      connection_services_{
          loop, wheel_, shares_, *this, limits_, counts, {plaintext_.get(), limits::kReadSize}},
      // As many again are kept for workers, or idle clients could starve the sites that are busy.
      most_connections_(descriptors / 2) {
  master_.attach({router_, groups_, certificates_, limits_, access_log_});
  keyholder_.attach(certificates_, tickets_);
}

Dispatcher::~Dispatcher() {
  while (!connections_.empty()) {
    net::Connection* connection = &connections_.pop_front();
    std::default_delete<net::Connection>()(connection);  // NOLINT(clang-analyzer-*): it is unlinked
  }
  graveyard_.empty();  // while what they refer to is still there
}

Status Dispatcher::prepare_tls() {
  // Each handshake that waits for its signature is a job of OpenSSL's with a stack of 32 KiB.
  if (ASYNC_init_thread(limits::kMaxPendingSignatures, 0) != 1) {
    return Error{"OpenSSL cannot prepare its jobs"};
  }
  auto remote_keys = tls::RemoteKeyProvider::load(tls_shared_.signing());
  if (!remote_keys.ok()) return remote_keys.error();
  remote_keys_ = std::move(remote_keys.value());
  certificates_.set_provider(*remote_keys_);
  auto context = tls::TlsContext::create(*this, tickets_);
  if (!context.ok()) return context.error();
  tls_context_ = std::move(context.value());
  return {};
}

void Dispatcher::run(std::vector<InheritedListener> listeners) {
  inherited_ = std::move(listeners);
  loop_.run();
}

// ---- connections ----

// Only with a configuration: before, every request would be for an unknown host.
void Dispatcher::on_configured() {
  if (!inherited_.empty()) start_listening();
}

void Dispatcher::start_listening() {
  for (InheritedListener& listener : inherited_) {
    const bool tls = (listener.flags & protocol::kListenerTls) != 0;
    const bool redirect = (listener.flags & protocol::kListenerRedirect) != 0;
    if (tls && https_port_ == 443) {
      const auto address = local_address(listener.fd.get());
      if (address.ok()) https_port_ = address.value().port();
    }
    net::ListenerOwner& owner = *this;
    listeners_.push_back(std::make_unique<net::Listener>(loop_, wheel_, std::move(listener.fd), tls,
                                                         redirect, owner));
  }
  inherited_.clear();
}

bool Dispatcher::may_accept() {
  if (connection_count_ < std::min<size_t>(limits_.connections, most_connections_)) return true;
  counts_.hit(metrics::Cap::connections);
  return false;
}

void Dispatcher::set_connection_count(size_t count) {
  connection_count_ = count;
  crowd_.on_count(count);
  counts_.own().connections_open.set(count);
}

void Dispatcher::on_accept_paused(std::string_view reason) {
  if (loop_.now() < quiet_until_) return;
  quiet_until_ = loop_.now() + limits::kSayFullEvery;
  log_.warning(concat({"no connection is accepted for the moment: ", reason, "; ",
                       std::to_string(connection_count_), " are open"}));
}

void Dispatcher::on_accepted(Fd fd, const SocketAddress& peer, bool tls, bool redirect_to_https) {
  const net::AddressCounts::Key address = net::AddressCounts::key_of(peer);
  (tls ? counts_.own().connections_tls : counts_.own().connections_plain).add();
  if (!addresses_.add(address, limits_.connections_per_address)) {
    return counts_.hit(metrics::Cap::connections_per_address);  // closed at once
  }
  http::ClientInfo client;
  client.address = peer.host();
  client.port = peer.port();
  client.tls = tls;
  if (redirect_to_https) client.redirect_to_port = https_port_;
  tls::SslPtr ssl;
  if (tls && (ssl = tls_context_->new_ssl()) == nullptr) {
    addresses_.remove(address);  // no memory: closed
    return;
  }
  auto connection = std::make_unique<net::Connection>(connection_services_, std::move(fd),
                                                      std::move(client), address);
  net::Connection& started = *connection.release();  // owned by the list from here on
  connections_.push_back(started);
  set_connection_count(connection_count_ + 1);
  if (tls) {
    started.start_tls(std::move(ssl), tls_shared_, keyholder_);
  } else {
    started.start_plain(staging_);
  }
}

void Dispatcher::on_closed(net::Connection& connection) {
  IntrusiveList<net::Connection>::remove(connection);
  set_connection_count(connection_count_ - 1);
  addresses_.remove(connection.address());
  graveyard_.bury(std::unique_ptr<Mortal>(&connection));
  if (draining_ && connections_.empty()) finish_drain();
}

std::unique_ptr<net::Session> Dispatcher::new_session(net::SessionHost& host,
                                                      std::string_view alpn) {
  if (alpn == "h2") {
    counts_.own().sessions_http2.add();
    return std::make_unique<http2::Http2Server>(host, http2_streams_);
  }
  counts_.own().sessions_http1.add();
  return std::make_unique<http1::Http1Server>(host, http1_exchanges_);
}

tls::CertificateSelector::Outcome Dispatcher::select(SSL* ssl, std::string_view server_name) {
  const forward::VirtualHost* host = router_.find(server_name);
  // Without a name, or with one that is not served, some certificate lets the client read the error.
  if (host == nullptr || host->certificate == protocol::kNoCertificate) host = router_.fallback();
  if (host == nullptr) return Outcome::none;
  net::Connection& connection = tls::TlsTransport::connection_of(ssl);
  return certificates_.use(host->certificate, ssl, connection.certificate_waiter());
}

// ---- failures ----

std::string Dispatcher::report(const forward::Failure& failure, std::string_view group,
                               std::string_view host, std::string_view client) {
  std::string id = error_ids_.next();
  std::string line =
      concat({"error ", id, ": status ", std::to_string(failure.status), ", ", failure.detail,
              "; client ", client, ", group \"", group, "\", host \""});
  append_escaped(line, host);
  line += '"';
  log_.warning(line);
  return id;
}

// ---- the end ----

void Dispatcher::on_drain(Milliseconds deadline, Milliseconds idle) {
  draining_ = true;
  inherited_.clear();
  for (auto& listener : listeners_) listener->stop();
  wheel_.set(*this, deadline);
  IntrusiveList<net::Connection> connections;
  connections.take(connections_);
  while (!connections.empty()) {
    net::Connection& connection = connections.pop_front();
    connections_.push_back(connection);
    connection.drain(idle);
  }
  if (connections_.empty()) finish_drain();
}

void Dispatcher::on_deadline() {
  log_.warning(concat({"drain: ", std::to_string(connection_count_), " connections were cut off"}));
  finish_drain();
}

void Dispatcher::finish_drain() {
  master_.drained();
  loop_.stop();
}

void Dispatcher::on_master_lost() {
  loop_.stop();
}

}  // namespace dmpm
