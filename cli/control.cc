#include "cli/control.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/fd.h"
#include "base/socket.h"
#include "base/text.h"
#include "cli/command.h"

namespace dmpm::cli {

using control_protocol::Item;

namespace {

Result<Fd> connect_to(const std::string& runtime_directory) {
  const std::string path = concat({runtime_directory, "/", control_protocol::kSocketName});
  const auto address = SocketAddress::unix_path(path);
  if (!address) return address.error();
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (fd && ::connect(fd.get(), address.value().get(), address.value().size) == 0) return fd;
  if (errno == ENOENT || errno == ECONNREFUSED) {
    return Error{concat({"no dmpm runs with the runtime directory ", runtime_directory,
                         " (--runtime-directory DIR for another one)"})};
  }
  return Error::from_errno(path, errno);
}

class Answer {
 public:
  explicit Answer(const Conversation& conversation) : conversation_(conversation) {}

  // False when it is malformed.
  bool take(std::string_view message) {
    WireReader reader(message);
    while (reader.ok() && !reader.at_end()) {
      switch (const auto item = static_cast<Item>(reader.u32())) {
        case Item::line: lines_.emplace_back(reader.string()); break;
        case Item::done:
          over_ = true;
          done_ = reader.u32() == 1;
          break;
        default:
          if (!conversation_.on_item) return false;
          conversation_.on_item(item, reader);
      }
    }
    return reader.ok();
  }
  bool over() const { return over_; }
  bool done() const { return done_; }
  void print() const {
    for (const std::string& line : lines_) {
      std::fprintf(done_ ? stdout : stderr, "%s\n", line.c_str());
    }
  }

 private:
  const Conversation& conversation_;
  std::vector<std::string> lines_;
  bool over_ = false, done_ = false;
};

int fail(std::string_view why) {
  std::fprintf(stderr, "dmpm: %.*s\n", static_cast<int>(why.size()), why.data());
  return kFailed;
}

}  // namespace

int converse(const std::string& runtime_directory, const Conversation& conversation) {
  auto fd = connect_to(runtime_directory);
  if (!fd) return fail(fd.error().message);
  const control_protocol::Request request{control_protocol::kVersion, conversation.command};
  if (::send(fd->get(), &request, sizeof request, MSG_NOSIGNAL) != sizeof request) {
    return fail(concat({"the master does not listen: ", std::strerror(errno)}));
  }
  Answer answer(conversation);
  std::vector<char> bytes(control_protocol::kMaxMessage);
  while (!answer.over() || conversation.until_end) {
    const ssize_t size = ::recv(fd->get(), bytes.data(), bytes.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    if (!answer.take({bytes.data(), static_cast<size_t>(size)})) {
      return fail("the master's answer is of another version");
    }
  }
  answer.print();
  if (!answer.over()) return fail("the master went away before it had answered");
  return answer.done() ? 0 : kFailed;
}

}  // namespace dmpm::cli
