// Invariant 1: a descriptor that a hostile dispatcher attaches to a message never arrives.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "tests/master/fixture.h"

namespace dmpm::master::test {
namespace {

using protocol::Notice;
using protocol::RequestType;

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

// `request` with the descriptor `attached`.
bool send_with(int channel, const protocol::Request& request, int attached) {
  constexpr int kPassRights = 1;  // the kernel's number of the control message
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof attached)] = {};
  iovec part{const_cast<protocol::Request*>(&request), sizeof request};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = kPassRights;
  header->cmsg_len = CMSG_LEN(sizeof attached);
  std::memcpy(CMSG_DATA(header), &attached, sizeof attached);
  return ::sendmsg(channel, &message, 0) == sizeof request;
}

TEST_CASE("an attached descriptor is dropped by the kernel, the message heard") {
  House house;
  Player& dispatcher = *house.players[0];
  house.configure({});
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const int before = open_descriptors();
  REQUIRE(send_with(dispatcher.fd(), {RequestType::want_worker, 77}, writer.get()));
  CHECK(dispatcher.is_ended());
  CHECK(dispatcher.offence == "names a group that never was");
  CHECK(open_descriptors() == before);
  writer.reset();
  char byte;
  CHECK(::read(reader.get(), &byte, 1) == 0);  // no copy of the writing end lives anywhere
}

}  // namespace
}  // namespace dmpm::master::test
