#include "tests/logger/fixture.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/wire.h"
#include "logger/protocol.h"

namespace dmpm::test {

using logger_protocol::LoggerNotice;

namespace {
WireWriter begin(LoggerNotice notice) {
  WireWriter writer;
  writer.u32(static_cast<uint32_t>(notice));
  return writer;
}
}  // namespace

LogDirectory::LogDirectory() {
  char name[] = "/tmp/dmpm-logger-test.XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  path_ = name;
  REQUIRE(::mkdir((path_ + "/" + logger_protocol::kPipeDirectory).c_str(), 0755) == 0);
}

LogDirectory::~LogDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Fd LogDirectory::descriptor() const {
  return Fd(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::string LogDirectory::read(const std::string& name) const {
  std::ifstream file(path_ + "/" + name, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::vector<std::string> LogDirectory::lines(const std::string& name) const {
  constexpr std::string_view kStamp = "dddd-dd-ddTdd:dd:dd.dddZ ";
  std::vector<std::string> lines;
  std::istringstream content(read(name));
  for (std::string line; std::getline(content, line);) {
    INFO(line.substr(0, 100));
    std::string stamp = line.substr(0, kStamp.size());
    std::ranges::replace_if(
        stamp, [](char c) { return c >= '0' && c <= '9'; }, 'd');
    REQUIRE(stamp == kStamp);
    lines.push_back(line.substr(kStamp.size()));
  }
  return lines;
}

bool LogDirectory::exists(const std::string& name) const {
  return std::filesystem::exists(path_ + "/" + name);
}

Fd LogDirectory::make_pipe(const std::string& name) const {
  const std::string path = path_ + "/" + logger_protocol::kPipeDirectory + "/" + name;
  REQUIRE(::mkfifo(path.c_str(), 0644) == 0);
  Fd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(fd);
  return fd;
}

void write_all(const Fd& fd, std::string_view bytes) {
  REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

std::string line_message(std::string_view text) {
  return begin(LoggerNotice::line).u32(1).string(text).take();
}

std::string open_message(uint32_t id, std::string_view group, std::string_view pipe) {
  return begin(LoggerNotice::open_worker_log)
      .u32(id)
      .string(group)
      .string(std::string(logger_protocol::kPipeDirectory) + "/" + std::string(pipe))
      .take();
}

std::string close_message(uint32_t id) {
  return begin(LoggerNotice::close_worker_log).u32(id).take();
}

std::string plain_message(logger_protocol::LoggerNotice notice) {
  return begin(notice).take();
}

std::string welcome_message(uint32_t uid, uint32_t gid, std::string_view directory) {
  return begin(LoggerNotice::welcome).u32(uid).u32(gid).string(directory).take();
}

}  // namespace dmpm::test
