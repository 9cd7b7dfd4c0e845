#include "master/service.h"

#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/text.h"
#include "master/backoff.h"
#include "master/child_process.h"
#include "master/limits.h"

namespace dmpm::master {

Service::Service(EventLoop& loop, Children& children, Log& log, std::string name,
                 std::string executable, ServiceHandler& handler, metrics::ServiceRow& counts)
    : loop_(loop),
      children_(children),
      log_(log),
      name_(std::move(name)),
      executable_(std::move(executable)),
      handler_(handler),
      counts_(counts),
      restart_(loop, *this) {}

Service::~Service() {
  kill();
  if (up()) children_.forget(pid_);
}

void Service::start() {
  if (up() || retired_) return;
  auto inheritance = handler_.on_service_starting();
  if (!inheritance) return restart_later(inheritance.error().message);
  // Standard input and output are the master's: /dev/null.
  std::vector<int> descriptors{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
                               inheritance->channel.get()};
  descriptors.insert(descriptors.end(), inheritance->others.begin(), inheritance->others.end());
  const auto pid = spawn_service(executable_, {}, std::move(descriptors));
  if (!pid) {
    handler_.on_service_ended();
    return restart_later(pid.error().message);
  }
  pid_ = pid.value();
  started_ = loop_.now();
  children_.add(pid_, *this);
  counts_.pid.set(static_cast<uint64_t>(pid_));
  counts_.starts.add();
  log_.info(concat({name_, " started, pid ", std::to_string(pid_)}));
}

void Service::take_over(pid_t pid, Milliseconds age) {
  pid_ = pid;
  started_ = loop_.now() - age;
  counts_.pid.set(static_cast<uint64_t>(pid_));
  children_.add(pid_, *this);
}

void Service::kill() {
  if (up()) ::kill(pid_, SIGKILL);
}

void Service::retire() {
  retired_ = true;
  restart_.cancel();
}

void Service::on_child_ended(int wait_status) {
  const std::string reason =
      concat({"pid ", std::to_string(pid_), " ", describe_ending(wait_status)});
  pid_ = -1;
  counts_.pid.set(0);
  if (loop_.now() - started_ >= kStableAfter) failures_ = 0;
  if (retired_ || renewing_) {
    log_.info(concat({name_, ": ", reason}));
    if (std::exchange(renewing_, false)) restart_.set(Milliseconds(0));
  } else {
    restart_later(reason);
  }
  handler_.on_service_ended();
}

void Service::describe(StatusReport& report) const {
  report.item(control_protocol::Item::service)
      .string(name_)
      .u32(up() ? static_cast<uint32_t>(pid_) : 0)
      .u64(static_cast<uint64_t>(age().count()))
      .u32(ends_)
      .string(std::string_view(last_end_).substr(0, kMaxReasonReported));
}

void Service::restart_later(const std::string& reason) {
  if (retired_) return;
  ++ends_;
  counts_.failures.add();
  last_end_ = reason;
  const auto delay = backoff_delay(++failures_, kServiceBackoffLeast, kServiceBackoffMost);
  log_.error(
      concat({name_, ": ", reason, "; started again in ", std::to_string(delay.count()), " ms"}));
  restart_.set(delay);
}

}  // namespace dmpm::master
