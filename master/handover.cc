#include "master/handover.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>

#include "base/text.h"
#include "base/wire.h"

namespace dmpm::master {

namespace {

// Three ways to go through a Handover, by one description of it (visit() below).

class Writing {
 public:
  void number(const uint32_t& value) { writer.u32(value); }
  void number(const uint64_t& value) { writer.u64(value); }
  void text(const std::string& value) { writer.string(value); }
  void fd(const int& value) { writer.u32(static_cast<uint32_t>(value)); }
  template <typename List, typename Each>
  void list(List& list, Each each) {
    writer.u32(static_cast<uint32_t>(list.size()));
    for (auto& element : list) each(element);
  }
  WireWriter writer;
};

class Reading {
 public:
  explicit Reading(std::string_view bytes) : reader(bytes) {}
  void number(uint32_t& value) { value = reader.u32(); }
  void number(uint64_t& value) { value = reader.u64(); }
  void text(std::string& value) { value = reader.string(); }
  void fd(int& value) { value = static_cast<int>(reader.u32()); }
  template <typename List, typename Each>
  void list(List& list, Each each) {
    for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
      list.emplace_back();
      each(list.back());
    }
  }
  WireReader reader;
};

class Collecting {
 public:
  template <typename Number>
  void number(const Number&) {}
  void text(const std::string&) {}
  void fd(const int& value) {
    if (value >= 0) fds.push_back(value);
  }
  template <typename List, typename Each>
  void list(List& list, Each each) {
    for (auto& element : list) each(element);
  }
  std::vector<int> fds;
};

// `handover` is const but for Reading.
template <typename Way, typename Record>
void visit(Way& way, Record& handover) {
  way.number(handover.format);
  if (handover.format != Handover::kFormat) return;
  way.text(handover.fixed_settings);
  way.number(handover.processes);
  way.fd(handover.lock);
  way.fd(handover.control);
  way.fd(handover.dispatcher_log);
  way.fd(handover.logger_dispatchers);
  way.fd(handover.dispatcher_exchanges);
  way.fd(handover.logger_exchanges);
  way.number(handover.open_files_soft);
  way.number(handover.open_files_hard);
  const auto each_fd = [&way](auto& fd) { way.fd(fd); };
  way.list(handover.listeners, [&](auto& listener) {
    way.text(listener.address);
    way.list(listener.sockets, each_fd);
  });
  way.number(handover.last_group);
  way.number(handover.last_host);
  way.number(handover.last_certificate);
  way.number(handover.last_worker);
  way.list(handover.groups, [&way](auto& group) {
    way.text(group.name);
    way.number(group.number);
    way.number(group.fingerprint);
  });
  way.list(handover.certificates, [&way](auto& certificate) {
    way.text(certificate.certificate_path);
    way.text(certificate.key_path);
    way.text(certificate.second_certificate_path);
    way.text(certificate.second_key_path);
    way.number(certificate.number);
  });
  way.list(handover.workers, [&way](auto& worker) {
    way.text(worker.group);
    way.text(worker.name);
    way.number(worker.group_number);
    way.number(worker.number);
    way.number(worker.state);
    way.number(worker.pid);
    way.number(worker.age);
    way.fd(worker.socket);
    way.fd(worker.log);
    way.number(worker.holders);
    way.number(worker.asked);
  });
  way.list(handover.waiting, [&way](auto& waiting) {
    way.number(waiting.group_number);
    way.number(waiting.dispatchers);
  });
  way.list(handover.dispatchers, [&way](auto& dispatcher) {
    way.number(dispatcher.number);
    way.number(dispatcher.index);
    way.number(dispatcher.draining);
    way.number(dispatcher.pid);
    way.number(dispatcher.age);
    way.fd(dispatcher.channel);
    way.number(dispatcher.phase);
    way.number(dispatcher.first);
    way.number(dispatcher.sent);
    way.number(dispatcher.confirmed);
    way.list(dispatcher.unsent, [&way](auto& message) { way.text(message); });
  });
  way.list(handover.key_channels, [&way](auto& channel) {
    way.fd(channel.keyholder);
    way.fd(channel.dispatcher);
  });
  way.number(handover.keyholder_pid);
  way.number(handover.keyholder_age);
  way.number(handover.logger_pid);
  way.number(handover.logger_age);
  way.fd(handover.logger_channel);
  way.fd(handover.metrics_memory);
  way.list(handover.metrics_memories, each_fd);
  way.fd(handover.metrics_socket);
  way.fd(handover.metrics_port);
  way.number(handover.metrics_pid);
  way.number(handover.metrics_age);
  way.list(handover.clients, each_fd);
}

}  // namespace

std::string encode(const Handover& handover) {
  Writing writing;
  visit(writing, handover);
  return writing.writer.take();
}

std::vector<int> descriptors(const Handover& handover) {
  Collecting collecting;
  visit(collecting, handover);
  return collecting.fds;
}

Result<Handover> decode_handover(std::string_view bytes) {
  Reading reading(bytes);
  Handover handover;
  visit(reading, handover);
  if (handover.format != Handover::kFormat) {
    return Error{
        concat({"the running version hands over in format ", std::to_string(handover.format),
                ", this one takes over in format ", std::to_string(Handover::kFormat),
                ": it cannot be upgraded in place, stop and start it"})};
  }
  if (!reading.reader.complete()) return Error{"what was handed over is malformed"};
  return handover;
}

Result<Fd> to_memory_file(std::string_view bytes) {
  Fd fd(::memfd_create("dmpm-handover", 0));
  if (!fd) return Error::from_errno("memfd_create", errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written <= 0) return Error::from_errno("writing what is handed over", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return fd;
}

Result<std::string> from_memory_file(int fd) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return Error::from_errno("what was handed over", errno);
  std::string bytes(static_cast<size_t>(found.st_size), '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t size =
        ::pread(fd, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (size <= 0) return Error::from_errno("reading what was handed over", errno);
    have += static_cast<size_t>(size);
  }
  return bytes;
}

}  // namespace dmpm::master
