// Transport: a client's connection as a stream of plaintext, over TLS or not.
//
// Written bytes are staged in a buffer that all transports share, so that what one round of the
// event loop produces for a connection leaves in one system call; flush() ends that.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/graveyard.h"

namespace dmpm::net {

class Transport : public Mortal {
 public:
  enum class HandshakeStatus {
    done,
    wants_input,        // call again when the socket is readable
    wants_certificate,  // the certificate is being fetched: call again when told
    wants_signature,    // a signature is being made elsewhere: call again when told
    failed,
  };
  enum class ReadStatus { data, would_block, end, failed };
  struct ReadResult {
    ReadStatus status;
    size_t size = 0;  // with `data`
  };
  enum class FlushStatus {
    sent,     // everything has left
    waiting,  // unsent() bytes wait for the socket to become writable
    failed,
  };

  virtual HandshakeStatus handshake() = 0;
  // Up to into.size() bytes of plaintext. After `end` or `failed` only that again.
  virtual ReadResult read(std::span<char> into) = 0;
  // Input waits in here that no readable socket will announce.
  virtual bool has_buffered_input() const = 0;
  // Takes all of it; the caller keeps unsent() within bounds.
  virtual void write(std::string_view plaintext) = 0;
  // Bytes written that the kernel has not taken, staged ones included.
  virtual size_t unsent() const = 0;
  virtual FlushStatus flush() = 0;
  // Tells the peer that nothing more will come (close_notify, FIN); flushes.
  virtual void end_output() = 0;
  // "h2" or "http/1.1" or empty; after the handshake.
  virtual std::string_view alpn() const = 0;
};

}  // namespace dmpm::net
