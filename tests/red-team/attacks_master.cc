// What a dispatcher can say to the master that it should not. The "success" of these is the master's
// answer or its patience, so the test judges them: an attempt only says and stays.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "master/heritage.h"
#include "master/protocol.h"
#include "tests/red-team/attack.h"

namespace dmpm::red_team {

namespace {

using protocol::Request;
using protocol::RequestType;

constexpr uint32_t kGroup = 1;  // alice

// The channel does not block, and there is no call to wait with: epoll is what a dispatcher has.
class Turn {
 public:
  explicit Turn(uint32_t events) {
    epoll_event event{events, {}};
    ::epoll_ctl(kWaiting, EPOLL_CTL_ADD, heritage::kMasterChannel, &event);
    ::epoll_wait(kWaiting, &event, 1, -1);
    ::epoll_ctl(kWaiting, EPOLL_CTL_DEL, heritage::kMasterChannel, nullptr);
  }
};

// The next notice's kind; 0 at the end of the channel.
uint32_t hear() {
  const Turn turn(EPOLLIN);
  uint32_t kind = 0;
  return ::recv(heritage::kMasterChannel, &kind, sizeof kind, 0) > 0 ? kind : 0;
}
// Until the master's answer comes, which is the end of this process.
bool stay() {
  while (hear() != 0) {
  }
  return false;
}
void say(const void* bytes, size_t size) {
  while (::send(heritage::kMasterChannel, bytes, size, MSG_NOSIGNAL) < 0 && errno == EAGAIN) {
    const Turn turn(EPOLLOUT);
  }
}
bool ask(Request request) {
  say(&request, sizeof request);
  return stay();
}

bool unknown_group(const Targets&) {
  return ask({RequestType::want_worker, 4'000'000});
}
// Each is a wish for a worker of a group that is there.
bool many_workers(const Targets&) {
  const Request request{RequestType::want_worker, kGroup};
  for (int i = 0; i < 100'000; ++i) say(&request, sizeof request);
  return stay();
}
bool half_a_request(const Targets&) {
  say("half", 4);
  return stay();
}
bool huge_message(const Targets&) {
  const std::string bytes(100'000, 'A');
  say(bytes.data(), bytes.size());
  return stay();
}
bool random_type(const Targets&) {
  return ask({static_cast<RequestType>(0xdeadbeef)});
}
bool out_of_phase(const Targets&) {
  return ask({RequestType::drained});
}
bool unknown_worker(const Targets&) {
  return ask({RequestType::worker_released, kGroup, 77'777});
}
bool unknown_group_idle(const Targets&) {
  return ask({RequestType::worker_idle, 77'777, 1});
}
bool configured_again(const Targets&) {
  return ask({RequestType::configured, 0, 0, 99});
}

// The right way, so that the test knows that being ended is the answer to the wrong ones.
bool known_group(const Targets&) {
  const Request request{RequestType::want_worker, kGroup};
  say(&request, sizeof request);
  while (const uint32_t kind = hear()) {
    if (kind == static_cast<uint32_t>(protocol::Notice::worker_ready)) return true;
  }
  return false;
}

constexpr Attack kAttacks[] = {
    {"ask the master for a worker as one may", known_group},
    {"ask the master for a worker of an unknown group", unknown_group},
    {"ask the master for 100,000 workers", many_workers},
    {"send the master half a request", half_a_request},
    {"send the master a huge message", huge_message},
    {"send the master an unknown request", random_type},
    {"send the master a request out of phase", out_of_phase},
    {"release a worker that never was", unknown_worker},
    {"call an unknown group's worker idle", unknown_group_idle},
    {"confirm a configuration that never came", configured_again},
};

}  // namespace

std::span<const Attack> attacks_on_the_master() {
  return kAttacks;
}

}  // namespace dmpm::red_team
