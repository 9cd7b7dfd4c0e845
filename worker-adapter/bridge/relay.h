// Relay: one connection of the dispatcher and the one to the server that belongs to it.
//
//   connecting ──accepted──▶ open ──both directions at their end──▶ done
//       │ ▲                       │
//       ▼ │ connect_again()       └──either side breaks──▶ broken
//     refused
//
// Each direction ends by itself: the end of what one side sends becomes, behind the last byte, the
// end of what the other receives, while the opposite direction goes on.
#pragma once

#include <cstddef>
#include <optional>

#include "base/fd.h"
#include "base/socket.h"
#include "worker-adapter/bridge/pipe_pool.h"

namespace dmpm::adapter {

enum class RelayState { connecting, refused, open, done, broken };

class Relay {
 public:
  Relay(Fd client, const SocketAddress& server, PipePool& pipes)
      : client_(std::move(client)), address_(server), pipes_(pipes) {}
  ~Relay();

  RelayState state() const { return state_; }
  int client_fd() const { return client_.get(); }
  int server_fd() const { return server_.get(); }  // another one after each connect_again()

  // Then it is connecting, open or refused.
  void connect_again();
  // Something happened while connecting: open, refused, or connecting still.
  void look_at_connecting();
  // Moves what can be moved; true when it stopped because others wait. Only when open.
  bool pump();

 private:
  struct Direction {
    std::optional<Pipe> pipe;
    size_t held = 0;
    bool ended = false;     // the source sends no more
    bool finished = false;  // and the sink has been told
  };
  enum class Step { nothing, moved, failed };
  Step fill(Direction& direction, int from);
  Step drain(Direction& direction, int to);
  Step move(Direction& direction, int from, int to, size_t& moved);

  Fd client_, server_;
  const SocketAddress& address_;
  PipePool& pipes_;
  Direction up_, down_;  // to the server; to the client
  RelayState state_ = RelayState::refused;
};

}  // namespace dmpm::adapter
