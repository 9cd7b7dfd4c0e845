#include "proxy/net/connection.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/socket.h"
#include "proxy/limits.h"
#include "proxy/net/plain_transport.h"

namespace dmpm::net {

namespace {

// Without a length: it ends with the connection.
constexpr std::string_view kHttpOnTls =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n"
    "This port speaks HTTPS, but the request came as plain HTTP.\r\n";

}  // namespace

Connection::Connection(ConnectionServices& services, Fd fd, http::ClientInfo client,
                       AddressCounts::Key address)
    : services_(services),
      fd_(std::move(fd)),
      client_(std::move(client)),
      address_(address),
      share_(services.shares.of(address)),
      watcher_(services.loop, fd_.get(), *this) {
  certificate_waiter_.connection = this;
}

Connection::~Connection() = default;

void Connection::start_plain(OutputStaging& staging) {
  transport_ = std::make_unique<PlainTransport>(fd_.get(), staging);
  watcher_.watch_read(true);
  advance_handshake();
}

void Connection::start_tls(tls::SslPtr ssl, tls::TlsShared& shared, tls::RemoteSigner& signer) {
  tls::SignatureWaiter& waiter = *this;
  auto transport =
      std::make_unique<tls::TlsTransport>(fd_.get(), std::move(ssl), shared, signer, waiter, *this);
  tls_ = transport.get();
  accepted_ = services_.loop.now();
  transport_ = std::move(transport);
  choose_priority();
  const Milliseconds held = share_.held(services_.loop.now());
  held_ = held.count() > 0;
  if (held_) return expect_within(held);
  begin_handshake();
}

void Connection::begin_handshake() {
  held_ = false;
  watcher_.watch_read(true);
  expect_within(services_.limits.handshake_timeout);
}

void Connection::set_state(State state) {
  // Only forward, along the drawing.
  if (state < state_) std::abort();
  state_ = state;
}

// ---- handshake ----

// When it is this connection's turn.
void Connection::resume_handshake() {
  if (!std::exchange(handshake_waits_, false) || state_ != State::handshaking) return;
  watcher_.watch_read(true);
  watcher_.call_again();
}

void Connection::advance_handshake() {
  charge(kHandshakeWork);
  const Transport::HandshakeStatus status = transport_->handshake();
  request_flush();  // of what the handshake produced
  switch (status) {
    case Transport::HandshakeStatus::wants_input: return;
    case Transport::HandshakeStatus::wants_certificate:
    case Transport::HandshakeStatus::wants_signature: handshake_waits_ = true; return;
    case Transport::HandshakeStatus::failed:
      share_.note_broken_handshake(services_.loop.now());
      count_handshake(false);
      if (tls_ != nullptr && tls_->peer_spoke_http()) {
        SocketOutput(fd_.get()).send(kHttpOnTls);
        linger_ = true;
      }
      set_state(State::closing);
      return;
    case Transport::HandshakeStatus::done: break;
  }
  set_state(State::open);
  count_handshake(true);
  client_.http2 = transport_->alpn() == "h2";
  if (tls_ != nullptr) {
    client_.tls_protocol = tls_->protocol();
    client_.tls_cipher = tls_->cipher();
    client_.handshake_time = services_.loop.now() - accepted_;
  }
  session_ = services_.owner.new_session(*this, transport_->alpn());
  if (draining_) session_->drain(drain_idle_);
}

void Connection::count_handshake(bool done) {
  if (tls_ == nullptr) return;
  metrics::DispatcherSegment& own = services_.counts.own();
  metrics::Counter& which = !done             ? own.handshakes_failed
                            : tls_->resumed() ? own.handshakes_resumed
                                              : own.handshakes_full;
  which.add();
}

// ---- input ----

// Before anything is done for the client.
void Connection::choose_priority() {
  const bool behind = group_overdrawn_ || share_.overdrawn(services_.loop.now());
  priority_ = behind ? Priority::background : Priority::foreground;
  watcher_.set_priority(priority_);
}

void Connection::set_group_overdrawn(bool overdrawn) {
  if (std::exchange(group_overdrawn_, overdrawn) != overdrawn) choose_priority();
}

void Connection::on_readable() {
  choose_priority();
  switch (state_) {
    case State::handshaking:
      // A client has nothing to say now. One that does is not looked at, or we would be called on and on.
      if (handshake_waits_) return watcher_.watch_read(false);
      advance_handshake();
      // The first request may have come along with the end of the handshake.
      if (state_ == State::open && transport_->has_buffered_input()) read_input();
      return;
    case State::open: return std::exchange(turn_wanted_, false) ? take_turn() : read_input();
    case State::closing:
    case State::lingering: return discard_input();
    case State::closed: return;
  }
}

void Connection::request_turn() {
  turn_wanted_ = true;
  watcher_.call_again();
}

void Connection::take_turn() {
  session_->on_turn();
  if (state_ == State::open) update_reading();
}

void Connection::read_input() {
  const size_t wanted = std::min(session_->wanted(), services_.plaintext.size());
  if (wanted == 0) return watcher_.watch_read(false);
  const Transport::ReadResult result = transport_->read(services_.plaintext.first(wanted));
  switch (result.status) {
    case Transport::ReadStatus::would_block: break;
    case Transport::ReadStatus::data:
      charge(kTransferWork + static_cast<unsigned>(result.size) / kBytesOfWork);
      session_->on_data({services_.plaintext.data(), result.size});
      break;
    case Transport::ReadStatus::end:
      input_ended_ = true;
      watcher_.watch_read(false);
      session_->on_end_of_input();
      break;
    case Transport::ReadStatus::failed: return destroy();
  }
  update_reading();
}

void Connection::update_reading() {
  if (state_ != State::open || input_ended_) return;
  const bool reading = session_->wanted() > 0;
  watcher_.watch_read(reading);
  if (reading && transport_->has_buffered_input()) request_flush();
}

void Connection::discard_input() {
  Transport::ReadResult result{};
  for (int i = 0; i < 4; ++i) {  // then others have their turn
    result = transport_->read(services_.plaintext);
    if (result.status != Transport::ReadStatus::data) break;
  }
  if (result.status == Transport::ReadStatus::end ||
      result.status == Transport::ReadStatus::failed) {
    watcher_.watch_read(false);
    // A client that has ended needs no lingering; one that failed cannot be answered.
    if (state_ == State::lingering || result.status == Transport::ReadStatus::failed) destroy();
  }
}

// ---- output ----

void Connection::write(std::string_view bytes) {
  if (state_ != State::open) return;
  charge(static_cast<unsigned>(bytes.size()) / kBytesOfWork);
  transport_->write(bytes);
  request_flush();
}

void Connection::end_output() {
  output_ends_ = true;
  request_flush();
}

void Connection::on_writable() {
  last_taken_ = services_.loop.now();
  // Not at every byte that becomes free: the worker is read in useful pieces.
  flush(services_.limits.response_buffer / 2);
}

void Connection::flush(size_t enough) {
  Transport::FlushStatus status = transport_->flush();
  if (state_ == State::open && transport_->unsent() < enough) {
    session_->on_room();
    if (transport_->unsent() > 0) status = transport_->flush();
  }
  if (status == Transport::FlushStatus::failed) return destroy();
  const bool waits = status == Transport::FlushStatus::waiting;
  if (waits && !output_waits_) last_taken_ = services_.loop.now();
  output_waits_ = waits;
  watcher_.watch_write(waits);
  if (state_ == State::open && output_ends_ && status == Transport::FlushStatus::sent) {
    output_ends_ = false;
    transport_->end_output();
  }
  if (state_ == State::closing && status == Transport::FlushStatus::sent) finish_closing();
}

// ---- the end of a round ----

void Connection::run_deferred() {
  if (state_ == State::closed || state_ == State::lingering) return;
  if (state_ == State::open) session_->produce();
  // Before this, what was written counted as unsent, and the worker may have been left alone for it.
  flush(services_.limits.response_buffer);
  if (state_ == State::open && !input_ended_ && transport_->has_buffered_input() &&
      session_->wanted() > 0) {
    read_input();
  }
}

// ---- what is the client's alone ----

forward::PrivateConnections& Connection::private_connections() {
  if (private_connections_ == nullptr) {
    forward::Arrival arrival;
    if (const auto listener = local_address(fd_.get()); listener.ok()) {
      arrival.address = listener.value().host();
      arrival.port = listener.value().port();
    }
    arrival.alpn = transport_->alpn();
    if (tls_ != nullptr) arrival.server_name = tls_->server_name();
    private_connections_ = std::make_unique<forward::PrivateConnections>(std::move(arrival));
  }
  return *private_connections_;
}

// ---- time ----

void Connection::expect_within(Milliseconds delay) {
  services_.wheel.set(*this, delay);
}

void Connection::on_deadline() {
  const Milliseconds idle = services_.loop.now() - last_taken_;
  switch (state_) {
    case State::handshaking:
      if (held_) return begin_handshake();
      count_handshake(false);
      return destroy();
    case State::lingering: return destroy();
    case State::closing:
      if (idle >= services_.limits.send_timeout) return destroy();
      return expect_within(services_.limits.send_timeout - idle);
    case State::open:
      if (output_waits_ && idle >= services_.limits.send_timeout) return destroy();
      if (const Milliseconds next = session_->on_deadline(); state_ == State::open) {
        expect_within(output_waits_ ? std::min(next, services_.limits.send_timeout - idle) : next);
      }
      return;
    case State::closed: return;
  }
}

// ---- the end ----

void Connection::close(bool linger) {
  if (state_ != State::open) return;
  linger_ = linger && !input_ended_;
  set_state(State::closing);
  if (private_connections_ != nullptr) private_connections_->end_all();
  services_.wheel.set(*this, services_.limits.send_timeout);
  request_flush();
}

void Connection::finish_closing() {
  transport_->end_output();
  if (!linger_) return destroy();
  set_state(State::lingering);
  watcher_.watch_read(true);
  services_.wheel.set(*this, limits::kLingerTimeout);
}

void Connection::drain(Milliseconds idle) {
  draining_ = true;
  drain_idle_ = idle;
  if (session_ != nullptr && state_ == State::open) session_->drain(idle);
}

void Connection::destroy() {
  if (state_ == State::closed) return;
  if (state_ == State::handshaking && !held_) share_.note_broken_handshake(services_.loop.now());
  const bool had_session = session_ != nullptr;
  set_state(State::closed);
  watcher_.watch_read(false);
  watcher_.watch_write(false);
  DeadlineWheel::cancel(*this);
  certificate_waiter_.unlink();
  if (had_session) session_->on_lost();
  private_connections_.reset();
  services_.owner.on_closed(*this);
}

}  // namespace dmpm::net
