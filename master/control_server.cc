#include "master/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/socket.h"
#include "base/text.h"
#include "base/wire.h"
#include "master/limits.h"

namespace dmpm::master {

using control_protocol::Command;
using control_protocol::Item;
using control_protocol::Request;

class ControlServer::Client final : public ChannelHandler, public Deadline {
 public:
  Client(ControlServer& all, uint32_t number, Fd fd)
      : all_(all), number_(number), channel_(all.loop_, std::move(fd), *this, kMaxControlAnswer) {
    all_.wheel_.set(*this, kControlRequestTime);
  }

  void send(std::string_view items) { channel_.send(items); }
  void wait_for_answer() {
    asked_ = true;
    all_.wheel_.set(*this, kControlAnswerTime);
  }
  void finished() { all_.wheel_.set(*this, kControlReadTime); }
  int fd() const { return channel_.fd(); }
  bool gone() const { return gone_; }

 private:
  void on_message(std::string_view message) override {
    Request request{};
    if (asked_ || message.size() != sizeof request) return leave();
    std::memcpy(&request, message.data(), sizeof request);
    if (request.version != control_protocol::kVersion) {
      all_.line(number_, "this \"dmpm\" is of another version than the master that runs");
      return all_.finish(number_, false);
    }
    wait_for_answer();
    all_.handler_.on_command(number_, request.command);
  }
  void on_channel_closed(std::string_view) override { leave(); }
  void on_deadline() override { leave(); }
  void leave() {
    gone_ = true;
    all_.loop_.defer(all_);
  }

  ControlServer& all_;
  const uint32_t number_;
  bool asked_ = false;
  bool gone_ = false;
  Channel channel_;
};

Result<Fd> ControlServer::listen(const std::string& runtime_directory) {
  const std::string path = concat({runtime_directory, "/", control_protocol::kSocketName});
  const auto address = SocketAddress::unix_path(path);
  if (!address) return address.error();
  ::unlink(path.c_str());  // the lock of the runtime directory is ours
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The process's umask leaves it to root from the start.
  if (!fd || ::bind(fd.get(), address.value().get(), address.value().size) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), kMaxControlClients) != 0) {
    return Error::from_errno(concat({"cannot listen on ", path}), errno);
  }
  return fd;
}

ControlServer::ControlServer(EventLoop& loop, DeadlineWheel& wheel, Fd listener,
                             ControlHandler& handler)
    : loop_(loop),
      wheel_(wheel),
      handler_(handler),
      listener_(std::move(listener)),
      watcher_(loop, listener_.get(), *this) {
  watcher_.watch_read(true);
}

ControlServer::~ControlServer() = default;

void ControlServer::on_readable() {
  Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool root =
      fd && ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
  if (root && clients_.size() < kMaxControlClients) add(std::move(fd));
}

uint32_t ControlServer::add(Fd connection) {
  const uint32_t client = ++last_;
  clients_.emplace(client, std::make_unique<Client>(*this, client, std::move(connection)));
  return client;
}

uint32_t ControlServer::adopt(Fd connection) {
  const uint32_t client = add(std::move(connection));
  find(client)->wait_for_answer();
  return client;
}

ControlServer::Client* ControlServer::find(uint32_t client) const {
  const auto found = clients_.find(client);
  return found == clients_.end() || found->second->gone() ? nullptr : found->second.get();
}

int ControlServer::connection(uint32_t client) const {
  const Client* found = find(client);
  return found == nullptr ? -1 : found->fd();
}

void ControlServer::send(uint32_t client, std::string_view items) {
  if (Client* found = find(client)) found->send(items);
}

void ControlServer::line(uint32_t client, std::string_view text) {
  send(client, WireWriter().u32(static_cast<uint32_t>(Item::line)).string(text).bytes());
}

void ControlServer::finish(uint32_t client, bool done) {
  send(client, WireWriter().u32(static_cast<uint32_t>(Item::done)).u32(done ? 1 : 0).bytes());
  if (Client* found = find(client)) found->finished();
}

void ControlServer::run_deferred() {
  std::erase_if(clients_, [](const auto& entry) { return entry.second->gone(); });
}

}  // namespace dmpm::master
