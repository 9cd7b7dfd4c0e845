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
#include "cli/text.h"

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

class AnswerReader {
 public:
  explicit AnswerReader(const Conversation& conversation) : conversation_(conversation) {}

  // False when it is malformed.
  bool take(std::string_view message) {
    WireReader reader(message);
    while (reader.ok() && !reader.at_end()) {
      switch (const auto item = static_cast<Item>(reader.u32())) {
        case Item::line: answer_.lines.emplace_back(reader.string()); break;
        case Item::done:
          over_ = true;
          answer_.done = reader.u32() == 1;
          break;
        default:
          if (!conversation_.on_item || !conversation_.on_item(item, reader)) return false;
      }
    }
    return reader.ok();
  }
  bool over() const { return over_; }
  Answer& answer() { return answer_; }

 private:
  const Conversation& conversation_;
  Answer answer_;
  bool over_ = false;
};

}  // namespace

Result<Answer> ask(const std::string& runtime_directory, const Conversation& conversation) {
  auto fd = connect_to(runtime_directory);
  if (!fd) return fd.error();
  const control_protocol::Request request{control_protocol::kVersion, conversation.command};
  if (::send(fd->get(), &request, sizeof request, MSG_NOSIGNAL) != sizeof request) {
    return Error::from_errno("the master does not listen", errno);
  }
  AnswerReader reader(conversation);
  std::vector<char> bytes(control_protocol::kMaxMessage);
  while (!reader.over() || conversation.until_end) {
    const ssize_t size = ::recv(fd->get(), bytes.data(), bytes.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    if (!reader.take({bytes.data(), static_cast<size_t>(size)})) {
      return Error{"the master's answer is of another version"};
    }
  }
  if (!reader.over()) {
    for (const std::string& line : reader.answer().lines) {
      std::fprintf(stderr, "%s\n", printable(line).c_str());
    }
    return Error{"the master went away before it had answered"};
  }
  return std::move(reader.answer());
}

int converse(const std::string& runtime_directory, const Conversation& conversation) {
  auto answer = ask(runtime_directory, conversation);
  if (!answer) return failed(answer.error().message);
  for (const std::string& line : answer->lines) {
    std::fprintf(answer->done ? stdout : stderr, "%s\n", printable(line).c_str());
  }
  return answer->done ? 0 : kFailed;
}

}  // namespace dmpm::cli
