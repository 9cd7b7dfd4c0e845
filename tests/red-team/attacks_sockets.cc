// Sockets: to make, to reach, to change into something else, and to pass descriptors over.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "tests/red-team/attack.h"

namespace dmpm::red_team {

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
const sockaddr* generic(const auto& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}
// An accepted connection that the process had before: the attacker's own client.
int client(const Targets& targets) {
  return number(targets, "client");
}

bool connect_tcp(const Targets& targets) {
  const auto address = loopback(number(targets, "port"));
  return ::connect(::socket(AF_INET, SOCK_STREAM, 0), generic(address), sizeof address) == 0;
}
bool make_tcp(const Targets&) {
  return ::socket(AF_INET, SOCK_STREAM, 0) >= 0;
}
bool make_tcp6(const Targets&) {
  return ::socket(AF_INET6, SOCK_STREAM, 0) >= 0;
}
bool send_udp(const Targets&) {
  const auto address = loopback(9);
  return ::sendto(::socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, generic(address), sizeof address) ==
         1;
}
bool make_raw(const Targets&) {
  return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0;
}
bool make_packet(const Targets&) {
  return ::socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}
bool make_netlink(const Targets&) {
  return ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) >= 0;
}
bool bind_tcp(const Targets&) {
  const auto address = loopback(0);
  return ::bind(::socket(AF_INET, SOCK_STREAM, 0), generic(address), sizeof address) == 0;
}
bool bind_low_port(const Targets&) {
  const auto address = loopback(913);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  return ::bind(fd, generic(address), sizeof address) == 0;
}
// connect() to nowhere makes a connected socket a fresh one.
bool make_fresh(int fd) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  return ::connect(fd, &nowhere, sizeof nowhere) == 0;
}
bool turn_client_around(const Targets& targets) {
  const auto address = loopback(number(targets, "port"));
  return make_fresh(client(targets)) &&
         ::connect(client(targets), generic(address), sizeof address) == 0;
}
bool turn_client_around_fast(const Targets& targets) {
  const auto address = loopback(number(targets, "port"));
  return make_fresh(client(targets)) &&
         ::sendto(client(targets), "x", 1, MSG_FASTOPEN, generic(address), sizeof address) == 1;
}
bool turn_client_around_by_message(const Targets& targets) {
  auto address = loopback(number(targets, "port"));
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof address;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return make_fresh(client(targets)) && ::sendmsg(client(targets), &message, MSG_FASTOPEN) == 1;
}
bool listen_with_client(const Targets& targets) {
  return make_fresh(client(targets)) && ::listen(client(targets), 1) == 0;
}

socklen_t fill(sockaddr_un& address, const std::string& path, bool abstract) {
  address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + (abstract ? 1 : 0), path.data(), path.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
}
// As the dispatcher makes them, so that only the address decides.
int make_unix() {
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}
bool reach(const std::string& path, bool abstract = false) {
  sockaddr_un address{};
  const socklen_t size = fill(address, path, abstract);
  return ::connect(make_unix(), generic(address), size) == 0;
}
bool connect_outside(const Targets& targets) {
  return reach(targets.at("outside_socket"));
}
bool connect_upward(const Targets& targets) {
  return reach("../../../../../../../.." + targets.at("outside_socket"));
}
bool connect_abstract(const Targets& targets) {
  return reach(targets.at("abstract_socket"), true);
}
bool connect_other(const Targets& targets) {
  return reach(targets.at("other_socket"));
}
bool connect_own(const Targets& targets) {
  return reach(targets.at("own_socket"));
}
bool bind_unix(const Targets&) {
  sockaddr_un address{};
  const socklen_t size = fill(address, "/dmpm-red-team-socket", false);
  const bool bound = ::bind(make_unix(), generic(address), size) == 0;
  if (bound) ::unlink("/dmpm-red-team-socket");
  return bound;
}
bool bind_beside_sockets(const Targets& targets) {
  sockaddr_un address{};
  const std::string path = targets.at("other_socket") + ".x";
  const bool bound = ::bind(make_unix(), generic(address), fill(address, path, false)) == 0;
  if (bound) ::unlink(path.c_str());
  return bound;
}
bool bind_abstract(const Targets&) {
  sockaddr_un address{};
  const socklen_t size = fill(address, "dmpm-red-team", true);
  return ::bind(make_unix(), generic(address), size) == 0;
}
bool make_datagram(const Targets&) {
  return ::socket(AF_UNIX, SOCK_DGRAM, 0) >= 0;
}
bool make_seqpacket(const Targets&) {
  return ::socket(AF_UNIX, SOCK_SEQPACKET, 0) >= 0;
}
bool make_pair(const Targets&) {
  int ends[2];
  return ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
}

bool pass_descriptor(const Targets& targets) {
  constexpr int kPassRights = 1;  // the kernel's number of the control message
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = kPassRights;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int passed = STDIN_FILENO;
  std::memcpy(CMSG_DATA(header), &passed, sizeof passed);
  return ::sendmsg(number(targets, "channel"), &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}
bool take_descriptor(const Targets& targets) {
  char control[256], byte;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  return ::recvmsg(number(targets, "channel"), &message, MSG_DONTWAIT) >= 0 || errno == EAGAIN;
}
bool send_many(const Targets& targets) {
  mmsghdr none{};
  return ::sendmmsg(number(targets, "channel"), &none, 0, MSG_DONTWAIT) == 0;
}
bool set_option(const Targets& targets) {
  const int mark = 1;
  return ::setsockopt(client(targets), SOL_SOCKET, SO_PRIORITY, &mark, sizeof mark) == 0;
}
bool control_descriptor(const Targets& targets) {
  int waiting = 0;
  return ::ioctl(client(targets), FIONREAD, &waiting) == 0;
}
bool duplicate(const Targets&) {
  return ::dup(STDERR_FILENO) >= 0;
}
bool make_queue(const Targets&) {
  const mqd_t queue = ::mq_open("/dmpm-red-team", O_RDWR | O_CREAT, 0600, nullptr);
  if (queue >= 0) ::mq_unlink("/dmpm-red-team");
  return queue >= 0;
}

constexpr Attack kAttacks[] = {
    {"connect to 127.0.0.1 by TCP", connect_tcp},
    {"make a TCP socket", make_tcp},
    {"make an IPv6 socket", make_tcp6},
    {"send by UDP", send_udp},
    {"make a raw socket", make_raw},
    {"make a packet socket", make_packet},
    {"make a netlink socket", make_netlink},
    {"bind a TCP port", bind_tcp},
    {"bind a port below 1024", bind_low_port},
    {"turn a client's connection around", turn_client_around},
    {"turn a client's connection around by TCP Fast Open", turn_client_around_fast},
    {"the same by sendmsg", turn_client_around_by_message},
    {"listen on a client's connection", listen_with_client},
    {"connect to a Unix socket outside", connect_outside},
    {"connect to a Unix socket outside by ../", connect_upward},
    {"connect to an abstract Unix socket", connect_abstract},
    {"connect to another group's socket", connect_other},
    {"connect to the own socket by its path", connect_own},
    {"bind a Unix socket in the root directory", bind_unix},
    {"bind a Unix socket beside a worker's", bind_beside_sockets},
    {"bind an abstract Unix socket", bind_abstract},
    {"make a Unix datagram socket", make_datagram},
    {"make a Unix socket of packets", make_seqpacket},
    {"make a pair of sockets", make_pair},
    {"pass a descriptor", pass_descriptor},
    {"take a descriptor", take_descriptor},
    {"send many messages in one call", send_many},
    {"set a socket option", set_option},
    {"ioctl", control_descriptor},
    {"duplicate a descriptor", duplicate},
    {"make a message queue", make_queue},
};

}  // namespace

std::span<const Attack> attacks_over_sockets() {
  return kAttacks;
}

}  // namespace dmpm::red_team
