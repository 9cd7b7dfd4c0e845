#include "base/channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

using dmpm::Channel;
using dmpm::ChannelHandler;
using dmpm::EventLoop;
using dmpm::Fd;

namespace {

class Listener final : public ChannelHandler {
 public:
  void on_message(std::string_view message) override { messages.emplace_back(message); }
  void on_channel_closed(std::string_view reason) override { closed.emplace_back(reason); }
  std::vector<std::string> messages, closed;
};

size_t open_descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

// Sends `text` with a descriptor attached, as a hostile peer might.
// The control message that carries descriptors, by number: its name occurs nowhere in dmpm.
constexpr int kRights = 1;

bool send_with_descriptor(int socket, std::string text, int attached) {
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = kRights;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &attached, sizeof attached);
  return ::sendmsg(socket, &message, 0) == static_cast<ssize_t>(text.size());
}

void settle(EventLoop& loop) {
  while (loop.run_ready()) {
  }
}

}  // namespace

TEST_CASE("messages arrive whole and in order, both ways") {
  EventLoop loop;
  auto pair = Channel::pair();
  REQUIRE(pair.ok());
  Listener left_listener, right_listener;
  Channel left(loop, std::move(pair->ours), left_listener, 1 << 20);
  Channel right(loop, std::move(pair->theirs), right_listener, 1 << 20);
  const std::string largest(Channel::kMaxMessage, 'x');
  left.send("one");
  left.send(largest);
  right.send("back");
  settle(loop);
  CHECK(right_listener.messages == std::vector<std::string>{"one", largest});
  CHECK(left_listener.messages == std::vector<std::string>{"back"});
}

TEST_CASE("a descriptor that a peer attaches is not received") {
  EventLoop loop;
  auto pair = Channel::pair();
  REQUIRE(pair.ok());
  Listener listener;
  Channel channel(loop, std::move(pair->ours), listener, 1000);
  const Fd attached(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const size_t before = open_descriptors();
  for (int i = 0; i < 10; ++i) {
    REQUIRE(send_with_descriptor(pair->theirs.get(), "hello", attached.get()));
    settle(loop);
  }
  CHECK(listener.messages.size() == 10);
  CHECK(listener.messages[0] == "hello");
  CHECK(open_descriptors() == before);
}

TEST_CASE("a peer that has gone is told once") {
  EventLoop loop;
  auto pair = Channel::pair();
  REQUIRE(pair.ok());
  Listener listener;
  Channel channel(loop, std::move(pair->ours), listener, 1000);
  REQUIRE(::send(pair->theirs.get(), "last", 4, 0) == 4);
  pair->theirs.reset();
  settle(loop);
  CHECK(listener.messages == std::vector<std::string>{"last"});
  CHECK(listener.closed.size() == 1);
  channel.send("nobody");
  CHECK_FALSE(channel.try_send("nobody"));
  settle(loop);
  CHECK(listener.closed.size() == 1);
}

TEST_CASE("what a slow peer does not take is queued up to a limit") {
  EventLoop loop;
  auto pair = Channel::pair();
  REQUIRE(pair.ok());
  Listener listener;
  constexpr size_t kLimit = 300'000;
  Channel channel(loop, std::move(pair->ours), listener, kLimit);
  const std::string message(10'000, 'm');
  size_t sent = 0;
  while (channel.queued() == 0) {
    channel.send(message);
    REQUIRE(++sent < 1000);
  }
  CHECK_FALSE(channel.try_send("x"));  // never past those that wait
  for (; channel.queued() + message.size() <= kLimit; ++sent) channel.send(message);
  CHECK(listener.closed.empty());
  // The peer reads on: all of it comes.
  std::string bytes(20'000, 0);
  for (size_t got = 0; got < sent; ++got) {
    ssize_t size = ::recv(pair->theirs.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0) {
      settle(loop);
      size = ::recv(pair->theirs.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    }
    REQUIRE(size == 10'000);
  }
  settle(loop);
  CHECK(channel.queued() == 0);
  // And once too many.
  for (int i = 0; i < 1000 && listener.closed.empty(); ++i) channel.send(message);
  CHECK(listener.closed == std::vector<std::string>{"peer does not read"});
  CHECK(channel.queued() == 0);
}

TEST_CASE("a message that is too large ends the channel") {
  EventLoop loop;
  auto pair = Channel::pair();
  REQUIRE(pair.ok());
  Listener listener;
  Channel channel(loop, std::move(pair->ours), listener, 1000);
  const std::string large(Channel::kMaxMessage + 1, 'x');
  REQUIRE(::send(pair->theirs.get(), large.data(), large.size(), 0) ==
          static_cast<ssize_t>(large.size()));
  settle(loop);
  CHECK(listener.messages.empty());
  CHECK(listener.closed == std::vector<std::string>{"message too large"});
}
