#include "worker-adapter/bridge/relay.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace dmpm::adapter {

Relay::~Relay() {
  // What is still held is lost, so the server must not take it for a regular end.
  if (state_ == RelayState::broken && server_) {
    const linger abort{1, 0};
    ::setsockopt(server_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }
  for (Direction* direction : {&up_, &down_}) {
    if (direction->pipe && direction->held == 0) pipes_.give_back(std::move(*direction->pipe));
  }
}

void Relay::connect_again() {
  server_.reset(::socket(address_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!server_) {
    state_ = RelayState::refused;
  } else if (::connect(server_.get(), address_.get(), address_.size) == 0) {
    state_ = RelayState::open;
  } else {
    state_ = errno == EINPROGRESS ? RelayState::connecting : RelayState::refused;
  }
}

void Relay::look_at_connecting() {
  pollfd ready{server_.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) == 0) return;  // it was the client's event
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(server_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  state_ = error == 0 ? RelayState::open : RelayState::refused;
}

Relay::Step Relay::fill(Direction& direction, int from) {
  if (direction.ended || direction.held >= kMostHeld) return Step::nothing;
  if (!direction.pipe) direction.pipe = pipes_.take();
  if (!direction.pipe) return Step::failed;
  const ssize_t size = ::splice(from, nullptr, direction.pipe->in.get(), nullptr,
                                kMostHeld - direction.held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (size > 0) {
    direction.held += static_cast<size_t>(size);
    return Step::moved;
  }
  if (size == 0) {
    direction.ended = true;
    return Step::moved;
  }
  // Nothing there, or the pipe is full of small pieces.
  return errno == EAGAIN || errno == EINTR ? Step::nothing : Step::failed;
}

Relay::Step Relay::drain(Direction& direction, int to) {
  if (direction.held > 0) {
    const ssize_t size = ::splice(direction.pipe->out.get(), nullptr, to, nullptr, direction.held,
                                  SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (size < 0) return errno == EAGAIN || errno == EINTR ? Step::nothing : Step::failed;
    direction.held -= static_cast<size_t>(size);
    return Step::moved;
  }
  if (direction.ended && !direction.finished) {
    direction.finished = true;
    // ENOTCONN: the other side has gone altogether, and wants no more.
    if (::shutdown(to, SHUT_WR) != 0 && errno != ENOTCONN) return Step::failed;
  }
  return Step::nothing;
}

Relay::Step Relay::move(Direction& direction, int from, int to, size_t& moved) {
  const size_t before = direction.held;
  const Step in = fill(direction, from);
  moved += direction.held - before;
  const Step out = in == Step::failed ? Step::failed : drain(direction, to);
  if (out == Step::failed) return Step::failed;
  if (direction.pipe && direction.held == 0) {
    pipes_.give_back(std::move(*direction.pipe));
    direction.pipe.reset();
  }
  return in == Step::moved || out == Step::moved ? Step::moved : Step::nothing;
}

bool Relay::pump() {
  size_t moved = 0;
  for (bool going = true; going;) {
    const Step up = move(up_, client_.get(), server_.get(), moved);
    const Step down = move(down_, server_.get(), client_.get(), moved);
    if (up == Step::failed || down == Step::failed) {
      state_ = RelayState::broken;
      return false;
    }
    if (up_.finished && down_.finished) {
      state_ = RelayState::done;
      return false;
    }
    going = up == Step::moved || down == Step::moved;
    if (going && moved >= kMostPerTurn) return true;
  }
  return false;
}

}  // namespace dmpm::adapter
