// Connection: one client's socket, its transport and its session, and the events that drive them.
//
//   handshaking --(done)--> open --(close)--> closing --(sent)--> lingering --> closed
//        |                   |                   |                   |
//        +-------------------+------ failure ----+-------------------+
//
// Events enter at on_readable, on_writable, run_deferred and on_deadline and run downward. A closed
// connection is buried at the round's end.
//
// A client who takes much of the dispatcher's time is served in the background (shares.h), and so is
// whoever asks a group whose visitors together do. What came in one read is served in pieces if it asks
// for much.
#pragma once

#include <memory>

#include "base/client_limits.h"
#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "base/graveyard.h"
#include "base/intrusive_list.h"
#include "proxy/counts.h"
#include "proxy/forward/private_connections.h"
#include "proxy/net/address_counts.h"
#include "proxy/net/session.h"
#include "proxy/net/shares.h"
#include "proxy/net/transport.h"
#include "proxy/tls/tls_transport.h"

namespace dmpm::net {

class Connection;

// What connections share, and who is told of them.
class ConnectionOwner {
 public:
  // The session for a connection whose handshake is done and chose `alpn`.
  virtual std::unique_ptr<Session> new_session(SessionHost& host, std::string_view alpn) = 0;
  // The connection is over: take it out of the books and bury it.
  virtual void on_closed(Connection& connection) = 0;

 protected:
  ~ConnectionOwner() = default;
};

struct ConnectionServices {
  EventLoop& loop;
  DeadlineWheel& wheel;
  Shares& shares;
  ConnectionOwner& owner;
  const ClientLimits& limits;
  Counts& counts;
  std::span<char> plaintext;  // limits::kReadSize bytes, for the time of one read
};

class Connection final : public Mortal,
                         public ListNode<Connection>,
                         private SessionHost,
                         private IoHandler,
                         private tls::SignatureWaiter,
                         private Deferred,
                         private Deadline {
 public:
  // `address` is what AddressCounts counts it by.
  Connection(ConnectionServices& services, Fd fd, http::ClientInfo client,
             AddressCounts::Key address);
  ~Connection() override;

  // Exactly one of them, once.
  void start_plain(OutputStaging& staging);
  void start_tls(tls::SslPtr ssl, tls::TlsShared& shared, tls::RemoteSigner& signer);

  // The certificate that the handshake waits for has come, or will not.
  void resume_handshake();
  void drain(Milliseconds idle);
  // In the list of handshakes that wait for a certificate.
  class CertificateWaiter : public ListNode<CertificateWaiter> {
   public:
    Connection* connection = nullptr;
  };
  CertificateWaiter& certificate_waiter() { return certificate_waiter_; }
  AddressCounts::Key address() const { return address_; }

 private:
  enum class State : uint8_t { handshaking, open, closing, lingering, closed };

  // SessionHost
  void write(std::string_view bytes) override;
  size_t unsent() const override { return transport_->unsent(); }
  void request_flush() override { services_.loop.defer(*this, priority_); }
  void request_turn() override;
  unsigned work_at_once() const override {
    return services_.loop.hurried() ? kWorkAtOnce : kQuietWorkAtOnce;
  }
  void update_reading() override;
  void expect_within(Milliseconds delay) override;
  void end_output() override;
  void close(bool linger) override;
  Instant now() const override { return services_.loop.now(); }
  void charge(unsigned work) override { share_.charge(services_.loop.now(), work); }
  void hold_back() override {
    services_.counts.hit(metrics::Cap::misbehaving_client);
    share_.hold_back(services_.loop.now());
  }
  Priority priority() const override { return priority_; }
  void set_group_overdrawn(bool overdrawn) override;
  const http::ClientInfo& client() const override { return client_; }
  forward::PrivateConnections& private_connections() override;

  // tls::SignatureWaiter
  void on_signature() override { resume_handshake(); }

  // Events
  void on_readable() override;
  void on_writable() override;
  void run_deferred() override;
  void on_deadline() override;

  void choose_priority();
  void begin_handshake();
  void advance_handshake();
  void count_handshake(bool done);
  void take_turn();
  void read_input();
  void discard_input();
  // The session is told of room when fewer than `enough` bytes are left unsent.
  void flush(size_t enough);
  void finish_closing();
  void destroy();
  void set_state(State state);

  ConnectionServices& services_;
  Fd fd_;
  http::ClientInfo client_;
  const AddressCounts::Key address_;
  Share& share_;
  IoWatcher watcher_;
  std::unique_ptr<Transport> transport_;
  tls::TlsTransport* tls_ = nullptr;                                  // transport_ when it is TLS
  std::unique_ptr<forward::PrivateConnections> private_connections_;  // outlives the session
  std::unique_ptr<Session> session_;
  CertificateWaiter certificate_waiter_;
  Instant accepted_{};    // when a TLS connection began
  Instant last_taken_{};  // while output waits: when the client last took some of it
  State state_ = State::handshaking;
  Priority priority_ = Priority::foreground;
  bool group_overdrawn_ = false;  // that of the last request
  bool turn_wanted_ = false;
  bool held_ = false;  // its handshake has not begun
  bool output_ends_ = false;
  bool linger_ = false;
  bool input_ended_ = false;
  Milliseconds drain_idle_{};
  bool draining_ = false;
  bool handshake_waits_ = false;  // for something else than input
  bool output_waits_ = false;
};

}  // namespace dmpm::net
