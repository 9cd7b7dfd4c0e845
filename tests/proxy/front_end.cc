#include "tests/proxy/front_end.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "base/channel.h"
#include "base/socket.h"
#include "base/text.h"
#include "proxy/limits.h"

namespace dmpm::test {

// ---- MemoryClient ----

MemoryClient::MemoryClient(EventLoop& loop, http::ClientInfo client,
                           const SessionMaker& make_session)
    : loop_(loop),
      client_(std::move(client)),
      private_connections_({"192.0.2.1", 443, "http/1.1", "a.test"}),
      session_(make_session(*this)) {}

MemoryClient::~MemoryClient() {
  session_->on_lost();
}

void MemoryClient::send(std::string_view bytes) {
  input_ += bytes;
  pump();
}

void MemoryClient::end_input() {
  end_wanted_ = true;
  pump();
}

bool MemoryClient::pump() {
  bool progress = false;
  while (!closed_ && !input_.empty()) {
    const size_t size = std::min(session_->wanted(), input_.size());
    if (size == 0) break;
    const std::string piece = input_.substr(0, size);
    input_.erase(0, size);
    session_->on_data(piece);
    progress = true;
  }
  if (std::exchange(turn_wanted_, false) && !closed_) {
    session_->on_turn();
    progress = true;
  }
  if (!closed_ && end_wanted_ && input_.empty()) {
    end_wanted_ = false;
    session_->on_end_of_input();
    progress = true;
  }
  if (std::exchange(flush_wanted_, false)) {
    session_->produce();
    progress = true;
  }
  return progress;
}

void MemoryClient::write(std::string_view bytes) {
  received_ += bytes;
}

void MemoryClient::set_unsent(size_t size) {
  unsent_ = size;
  if (size == 0 && !closed_) session_->on_room();
}

// ---- WorkerEnd ----

void WorkerEnd::read() {
  std::array<char, 65536> bytes;
  while (fd_) {
    const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN)) ended_ = true;
    if (size <= 0) return;
    received_.append(bytes.data(), static_cast<size_t>(size));
  }
}

const std::string& WorkerEnd::received() {
  read();
  return received_;
}

std::string WorkerEnd::take_received() {
  read();
  return std::exchange(received_, {});
}

bool WorkerEnd::ended() {
  read();
  return ended_;
}

void WorkerEnd::send(std::string_view bytes) {
  const ssize_t size = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size >= 0 && static_cast<size_t>(size) != bytes.size())
    throw std::runtime_error("short send");
}

void WorkerEnd::half_close() {
  ::shutdown(fd_.get(), SHUT_WR);
}

// ---- FrontEnd ----

namespace {
std::string make_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "dmpm-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  return name;
}

// One end; the other is `peer` from now on.
Fd make_channel(Fd& peer) {
  auto pair = Channel::pair();
  if (!pair) throw std::runtime_error("socketpair");
  peer = std::move(pair->theirs);
  return std::move(pair->ours);
}
}  // namespace

FrontEnd::FrontEnd()
    : directory_(make_directory()),
      wheel_(loop_),
      graveyard_(loop_),
      counts_(std::move(*metrics::Mapping<Counts::Segment>::alone())),
      worker_input_(limits::kReadSize),
      groups_({loop_, wheel_, graveyard_, *this, counts_, worker_input_}),
      access_log_(loop_, wheel_, make_channel(logger_), counts_.own().access_records_dropped),
      services_{loop_, wheel_, router_, groups_, limits_, *this, access_log_, counts_},
      exchanges_(services_),
      streams_(services_) {}

FrontEnd::~FrontEnd() {
  std::filesystem::remove_all(directory_);
}

uint32_t FrontEnd::add_site(const std::string& name, uint32_t capacity, bool proxy_protocol) {
  const auto group = static_cast<uint32_t>(sites_.size() + 1);
  Site& site = sites_[group];
  site.capacity = capacity;
  forward::GroupSettings settings;
  settings.name = name;
  settings.queue = 100;
  settings.proxy_protocol = proxy_protocol;
  settings.queue_timeout = settings.idle_timeout = settings.start_timeout =
      settings.response_timeout = Milliseconds(60'000);
  groups_.set(group, settings);
  router_.set(group, {group, 0, {name}, logs_});
  start_worker(group);
  return group;
}

void FrontEnd::log_exchanges() {
  logs_ = true;
  access_log_.log_unrouted(true);
}

std::vector<FrontEnd::Logged> FrontEnd::take_logged() {
  using exchange_protocol::kMaxMessage, exchange_protocol::MessageHead, exchange_protocol::Record;
  std::vector<Logged> all;
  std::vector<char> bytes(kMaxMessage);
  // The wheel turns in its own time.
  ssize_t size = 0;
  while ((size = ::recv(logger_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)) < 0) {
    settle();
  }
  for (size_t at = sizeof(MessageHead); at < static_cast<size_t>(size);) {
    Logged& logged = all.emplace_back();
    std::memcpy(&logged.record, &bytes[at], sizeof(Record));
    size_t text = at + sizeof(Record);
    for (size_t i = 0; i < exchange_protocol::kTexts; ++i) {
      logged.texts[i].assign(&bytes[text], logged.record.text_size[i]);
      text += logged.record.text_size[i];
    }
    at += logged.record.size;
  }
  return all;
}

void FrontEnd::start_worker(uint32_t group) {
  Site& site = sites_.at(group);
  ++site.worker;
  site.socket = concat({directory_, "/", std::to_string(group), ".", std::to_string(site.worker)});
  auto address = SocketAddress::unix_path(site.socket);
  site.listening.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::bind(site.listening.get(), address->get(), address->size) != 0 ||
      ::listen(site.listening.get(), 64) != 0) {
    throw std::runtime_error("cannot listen");
  }
}

void FrontEnd::kill_worker(uint32_t group) {
  Site& site = sites_.at(group);
  site.listening.reset();
  site.accepted.clear();
  ::unlink(site.socket.c_str());
  if (auto* pool = groups_.existing_pool(group)) pool->on_worker_gone(site.worker);
}

void FrontEnd::fail_starts(uint32_t group, std::string reason) {
  sites_.at(group).fail_reason = std::move(reason);
}

void FrontEnd::want_worker(uint32_t group) {
  ++wanted_;
  unanswered_.push_back(group);  // as the master: never inside the call
}

std::unique_ptr<MemoryClient> FrontEnd::connect(http::ClientInfo client) {
  return std::make_unique<MemoryClient>(loop_, std::move(client), [this](net::SessionHost& host) {
    return std::make_unique<http1::Http1Server>(host, exchanges_);
  });
}

std::unique_ptr<MemoryClient> FrontEnd::connect_http2() {
  const http::ClientInfo client{"192.0.2.7", true, 0};
  return std::make_unique<MemoryClient>(loop_, client, [this](net::SessionHost& host) {
    return std::make_unique<http2::Http2Server>(host, streams_);
  });
}

std::vector<std::unique_ptr<WorkerEnd>>& FrontEnd::accepted(uint32_t group) {
  Site& site = sites_.at(group);
  while (site.listening) {
    Fd fd(::accept4(site.listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) break;
    site.accepted.push_back(std::make_unique<WorkerEnd>(std::move(fd)));
  }
  return site.accepted;
}

void FrontEnd::settle(std::initializer_list<MemoryClient*> clients) {
  bool progress = true;
  while (progress) {
    progress = loop_.run_ready();
    for (const uint32_t group : std::exchange(unanswered_, {})) {
      progress = true;
      Site& site = sites_.at(group);
      forward::WorkerPool& pool = *groups_.pool(group);
      if (!site.fail_reason.empty()) {
        pool.on_worker_failed(Milliseconds(5000), std::exchange(site.fail_reason, {}));
      } else {
        answer(group, site, pool);
      }
    }
    for (MemoryClient* client : clients) progress |= client->pump();
  }
}

// As the master of a group with "max_workers": 1.
void FrontEnd::answer(uint32_t group, Site& site, forward::WorkerPool& pool) {
  if (!site.listening) start_worker(group);
  if (site.known_worker == site.worker) {
    return pool.on_worker_failed(Milliseconds(0), "all 1 workers are busy");
  }
  site.known_worker = site.worker;
  // The pool puts the socket below its root directory: here that is "/".
  pool.on_worker_ready(site.worker, {site.capacity}, site.socket.substr(1));
}

std::string FrontEnd::report(const forward::Failure& failure, std::string_view, std::string_view,
                             std::string_view) {
  failures_.push_back(concat({std::to_string(failure.status), " ", failure.detail}));
  return "testid";
}

}  // namespace dmpm::test
