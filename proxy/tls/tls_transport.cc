#include "proxy/tls/tls_transport.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dmpm::tls {

using net::Transport;

TlsShared::TlsShared(net::OutputStaging& staging)
    : staging_(staging),
      bio_method_(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dmpm")),
      received_(new char[limits::kReadSize]) {
  BIO_meth_set_read(bio_method_.get(), TlsTransport::bio_read);
  BIO_meth_set_write(bio_method_.get(), TlsTransport::bio_write);
  BIO_meth_set_ctrl(bio_method_.get(), TlsTransport::bio_control);
  bio_.reset(BIO_new(bio_method_.get()));
  BIO_set_data(bio_.get(), this);
  BIO_set_init(bio_.get(), 1);
}

TlsTransport::TlsTransport(int fd, SslPtr ssl, TlsShared& shared, RemoteSigner& signer,
                           SignatureWaiter& waiter, net::Connection& connection)
    : fd_(fd),
      shared_(shared),
      connection_(connection),
      ssl_(std::move(ssl)),
      signature_(std::make_unique<PendingSignature>(signer, waiter)),
      output_(fd) {
  BIO_up_ref(shared_.bio());  // one reference serves both directions
  SSL_set_bio(ssl_.get(), shared_.bio(), shared_.bio());
  SSL_set_accept_state(ssl_.get());
  SSL_set_mode(ssl_.get(), SSL_MODE_ASYNC);
}

TlsTransport::~TlsTransport() {
  end_job();
  if (shared_.staging().owned_by(*this)) shared_.staging().release();
}

net::Connection& TlsTransport::connection_of(SSL* ssl) {
  return TlsShared::turn_of(SSL_get_rbio(ssl)).connection_;
}

int TlsTransport::bio_read(BIO* bio, char* into, int size) {
  TlsTransport& self = TlsShared::turn_of(bio);
  BIO_clear_retry_flags(bio);
  if (self.input_.empty()) {
    if (self.socket_ended_) return 0;
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t taken = std::min(static_cast<size_t>(size), self.input_.size());
  std::memcpy(into, self.input_.data(), taken);
  self.input_.remove_prefix(taken);
  return static_cast<int>(taken);
}

int TlsTransport::bio_write(BIO* bio, const char* bytes, int size) {
  TlsTransport& self = TlsShared::turn_of(bio);
  self.shared_.staging().claim(self);
  self.shared_.staging().wire.append(bytes, static_cast<size_t>(size));
  return size;
}

long TlsTransport::bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

bool TlsTransport::load_input() {
  if (!kept_.empty()) {
    input_ = kept_.view();
    return true;
  }
  // Not SSL_has_pending: part of a record in OpenSSL's buffer needs more input, not another look.
  if (SSL_pending(ssl_.get()) > 0) return true;
  if (socket_ended_) return true;  // lets OpenSSL say so
  const std::span<char> into = shared_.received();
  const ssize_t size = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
  if (size > 0) {
    input_ = {into.data(), static_cast<size_t>(size)};
    return true;
  }
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size < 0) failed_ = true;
  socket_ended_ = true;
  return true;
}

void TlsTransport::keep_input() {
  if (!kept_.empty()) {
    kept_.consume(kept_.size() - input_.size());
  } else {
    kept_.append(input_);
  }
  input_ = {};
}

Transport::HandshakeStatus TlsTransport::handshake() {
  // A handshake that waited for its certificate has its input already.
  load_input();
  if (failed_) return HandshakeStatus::failed;
  ERR_clear_error();
  const TlsShared::Turn turn(shared_, *this);
  const SigningContext::Scope scope(shared_.signing(), signature_.get());
  const int result = SSL_do_handshake(ssl_.get());
  const int error = SSL_get_error(ssl_.get(), result);
  keep_input();
  if (result == 1) {
    forget_handshake();
    return HandshakeStatus::done;
  }
  if (error == SSL_ERROR_WANT_ASYNC) return HandshakeStatus::wants_signature;
  if (error == SSL_ERROR_WANT_READ && !socket_ended_) return HandshakeStatus::wants_input;
  if (error == SSL_ERROR_WANT_X509_LOOKUP) return HandshakeStatus::wants_certificate;
  peer_spoke_http_ =
      error == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  ERR_clear_error();
  failed_ = true;
  return HandshakeStatus::failed;
}

void TlsTransport::forget_handshake() {
  // From here on a job for each read and write would only cost.
  SSL_clear_mode(ssl_.get(), SSL_MODE_ASYNC);
  signature_.reset();
  // OpenSSL would keep both ephemeral keys as long as the connection. What a key is given a type for is
  // what that type drops first: the key. With TLS 1.2 it has none left.
  EVP_PKEY* key = nullptr;
  for (const auto get : {SSL_CTRL_GET_TMP_KEY, SSL_CTRL_GET_PEER_TMP_KEY}) {
    if (SSL_ctrl(ssl_.get(), get, 0, &key) != 1) continue;
    EVP_PKEY_set_type(key, EVP_PKEY_X25519);
    EVP_PKEY_free(key);
  }
}

// A job that waits for its signature owns memory that only its end gives back.
void TlsTransport::end_job() {
  if (signature_ == nullptr || SSL_waiting_for_async(ssl_.get()) != 1) return;
  signature_->refuse();
  const TlsShared::Turn turn(shared_, *this);
  const SigningContext::Scope scope(shared_.signing(), signature_.get());
  SSL_do_handshake(ssl_.get());
  ERR_clear_error();
}

Transport::ReadResult TlsTransport::read(std::span<char> into) {
  if (ended_) return {ReadStatus::end};
  if (!failed_ && !load_input()) return {ReadStatus::would_block};
  if (failed_) return {ReadStatus::failed};
  ERR_clear_error();
  const TlsShared::Turn turn(shared_, *this);
  size_t total = 0;
  while (total < into.size()) {
    size_t size = 0;
    if (SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &size) != 1) {
      const int error = SSL_get_error(ssl_.get(), 0);
      if (error == SSL_ERROR_ZERO_RETURN) {
        ended_ = true;
      } else if (error != SSL_ERROR_WANT_READ) {
        failed_ = true;
        ERR_clear_error();
      }
      break;
    }
    total += size;
    // Ask once more only where there is something to be had.
    if (input_.empty() && SSL_pending(ssl_.get()) == 0) break;
  }
  keep_input();
  if (total > 0) return {ReadStatus::data, total};
  if (ended_) return {ReadStatus::end};
  return {failed_ ? ReadStatus::failed : ReadStatus::would_block};
}

bool TlsTransport::has_buffered_input() const {
  return !kept_.empty() || ended_ || failed_ || SSL_pending(ssl_.get()) > 0;
}

void TlsTransport::write(std::string_view plaintext) {
  net::OutputStaging& staging = shared_.staging();
  staging.claim(*this);
  while (!plaintext.empty()) {
    if (staging.plain.empty() && plaintext.size() >= limits::kTlsRecord) {
      encrypt(plaintext.substr(0, limits::kTlsRecord));
      plaintext.remove_prefix(limits::kTlsRecord);
      continue;
    }
    const size_t room = limits::kTlsRecord - staging.plain.size();
    staging.plain += plaintext.substr(0, room);
    plaintext.remove_prefix(std::min(room, plaintext.size()));
    if (staging.plain.size() == limits::kTlsRecord) {
      encrypt(staging.plain);
      staging.plain.clear();
    }
  }
}

void TlsTransport::encrypt(std::string_view plaintext) {
  if (failed_) return;
  ERR_clear_error();
  const TlsShared::Turn turn(shared_, *this);
  size_t written = 0;
  // The BIO takes everything, so this either writes all or the connection is broken.
  if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &written) != 1 ||
      written != plaintext.size()) {
    failed_ = true;
    ERR_clear_error();
  }
}

size_t TlsTransport::unsent() const {
  const net::OutputStaging& staging = shared_.staging();
  if (!staging.owned_by(*this)) return output_.kept();
  return output_.kept() + staging.plain.size() + staging.wire.size();
}

Transport::FlushStatus TlsTransport::flush() {
  net::OutputStaging& staging = shared_.staging();
  if (!staging.owned_by(*this)) return output_.send({});
  if (!staging.plain.empty()) encrypt(staging.plain);
  const FlushStatus status = output_.send(staging.wire);
  staging.release();
  return failed_ ? FlushStatus::failed : status;
}

void TlsTransport::end_output() {
  flush();
  ERR_clear_error();
  const TlsShared::Turn turn(shared_, *this);
  // After a failed handshake OpenSSL has queued its alert by itself.
  if (!failed_ && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  if (flush() == FlushStatus::sent) ::shutdown(fd_, SHUT_WR);
}

bool TlsTransport::resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

std::string_view TlsTransport::protocol() const {
  return SSL_get_version(ssl_.get());
}

std::string_view TlsTransport::cipher() const {
  return SSL_CIPHER_get_name(SSL_get_current_cipher(ssl_.get()));
}

std::string_view TlsTransport::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string_view() : name;
}

std::string_view TlsTransport::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace dmpm::tls
