// Session: the client's protocol on one connection (HTTP/1 or HTTP/2), and what it may ask of the
// connection that owns it. Neither knows sockets or TLS.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/event_loop.h"
#include "base/graveyard.h"
#include "proxy/http/forwarding.h"

namespace dmpm::forward {
class PrivateConnections;
}

namespace dmpm::net {

// The connection, as its session sees it.
class SessionHost {
 public:
  // Takes all; sent at the end of the round. The caller looks at unsent() to keep it bounded.
  virtual void write(std::string_view bytes) = 0;
  virtual size_t unsent() const = 0;
  // Session::produce() is called, and what it wrote sent, in this round's end.
  virtual void request_flush() = 0;
  // There is more work at hand than a connection should do at once: Session::on_turn() is called
  // after others have had their turn.
  virtual void request_turn() = 0;
  // How much that is, as proxy/allowance.h estimates it.
  virtual unsigned work_at_once() const = 0;
  // wanted() has changed. Input that is already here is handed over in this round's end.
  virtual void update_reading() = 0;
  // Sends what was written and then the end of output; input goes on.
  virtual void end_output() = 0;
  // Session::on_deadline() is called no later than in `delay` (plus a tick).
  virtual void expect_within(Milliseconds delay) = 0;
  // Sends what was written, then ends the connection. `linger`: reads on for a while, so that a
  // client that is still sending gets to see the answer before a reset.
  virtual void close(bool linger) = 0;
  virtual Instant now() const = 0;
  // Work was done for the client, as proxy/allowance.h estimates it.
  virtual void charge(unsigned work) = 0;
  // The connection ends because the client misbehaved (Share::hold_back).
  virtual void hold_back() = 0;
  // Whether the group of the last request has taken more than its part (proxy/allowance.h).
  virtual void set_group_overdrawn(bool overdrawn) = 0;
  // What is done for this client takes its place in it.
  virtual Priority priority() const = 0;
  virtual const http::ClientInfo& client() const = 0;
  // The client's own connections to workers; made at the first call.
  virtual forward::PrivateConnections& private_connections() = 0;

 protected:
  ~SessionHost() = default;
};

class Session : public Mortal {
 public:
  // How much plaintext it takes at most in the next on_data(); 0 pauses reading.
  virtual size_t wanted() const = 0;
  virtual void on_data(std::string_view bytes) = 0;
  // The client will send nothing more; it may still read.
  virtual void on_end_of_input() = 0;
  // Goes on with the work that request_turn() was called for.
  virtual void on_turn() = 0;
  // Called before what was written is sent: the last chance to write more into the same records.
  virtual void produce() = 0;
  // unsent() has become small.
  virtual void on_room() = 0;
  // Checks what is overdue; returns when to be called next.
  virtual Milliseconds on_deadline() = 0;
  // The connection has broken. Abandons its exchanges; the last call.
  virtual void on_lost() = 0;
  // Ends when the requests under way are answered. Where the client could not be told so in time, it
  // may have sent another meanwhile: who is idle for less than `idle` is waited for that long, and
  // answered. 0: takes no new request.
  virtual void drain(Milliseconds idle) = 0;
};

}  // namespace dmpm::net
