#include "logger/access_logs.h"

#include <chrono>

#include "base/text.h"
#include "logger/limits.h"

namespace dmpm {

namespace {

// An exchange that ended before that, or in the future, is a lie.
constexpr int64_t kOldest = int64_t{24} * 3600 * 1000;

template <typename Clock>
int64_t now_in_ms() {
  using std::chrono::milliseconds;
  return std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

AccessLogs::AccessLogs(EventLoop& loop, int directory, LogFile& reports)
    : loop_(loop), directory_(directory), reports_(reports), timer_(loop, *this) {}

// ---- what the master says ----

Result<AccessLogs::FormatPointer> AccessLogs::format(const std::string& text) {
  std::weak_ptr<const AccessFormat>& known = formats_[text];
  if (FormatPointer shared = known.lock()) return shared;
  auto parsed = parse_access_format(text);
  if (!parsed.ok()) return parsed.error();
  auto made = std::make_shared<const AccessFormat>(std::move(*parsed));
  known = made;
  std::erase_if(formats_, [](const auto& entry) { return entry.second.expired(); });
  return FormatPointer(made);
}

Status AccessLogs::set_common(const std::string& file, const std::string& text) {
  auto made = format(text);
  if (!made.ok()) return made.error();
  common_path_ = file;
  common_format_ = *made;
  return {};
}

Status AccessLogs::set_host(uint32_t number, HostLog log) {
  Host host{std::move(log.name), std::move(log.group), log.in_common, {}, nullptr, false};
  if (!log.file.empty()) {
    auto made = format(log.format);
    if (!made.ok()) return made.error();
    host.path = concat({"sites/", log.file});
    host.format = *made;
  }
  hosts_.insert_or_assign(number, std::move(host));
  return {};
}

void AccessLogs::remove_host(uint32_t number) {
  const auto host = hosts_.find(number);
  if (host == hosts_.end() || host->second.removed) return;
  host->second.removed = true;
  removed_.push_back(number);
  if (removed_.size() <= logger_limits::kMaxRemovedHosts) return;
  const auto oldest = hosts_.find(removed_.front());
  removed_.pop_front();
  // It may have been set again meanwhile: a virtual host whose log was switched off and on.
  if (oldest != hosts_.end() && oldest->second.removed) hosts_.erase(oldest);
}

// ---- what the dispatchers say ----

void AccessLogs::begin_message() {
  monotonic_now_ = now_in_ms<std::chrono::steady_clock>();
  wall_now_ = now_in_ms<std::chrono::system_clock>();
}

int64_t AccessLogs::wall_clock(int64_t monotonic) const {
  const bool plausible = monotonic <= monotonic_now_ && monotonic >= monotonic_now_ - kOldest;
  return plausible ? wall_now_ - (monotonic_now_ - monotonic) : wall_now_;
}

void AccessLogs::write(const ReportedExchange& exchange) {
  const auto found = hosts_.find(exchange.record.virtual_host);
  const Host* host = found == hosts_.end() ? nullptr : &found->second;
  AccessContext context{{}, {}, wall_clock(exchange.record.ended)};
  if (host != nullptr) {
    context.server_name = host->name;
    context.group = host->group;
  }
  if (!common_path_.empty() && (host == nullptr || host->in_common)) {
    write_to(common_path_, *common_format_, exchange, context);
  }
  if (host != nullptr && !host->path.empty()) {
    write_to(host->path, *host->format, exchange, context);
  }
}

void AccessLogs::write_to(const std::string& path, const AccessFormat& format,
                          const ReportedExchange& exchange, const AccessContext& context) {
  OpenFile& open_file = open(path);
  std::string& lines = open_file.file.lines();
  const size_t before = lines.size();
  line_.append(lines, format, exchange, context);
  pending_ += lines.size() - before;
  auto& dirty = static_cast<ListNode<OpenFile, Dirty>&>(open_file);
  if (!dirty.linked()) {
    dirty_.push_back(open_file);
    ++dirty_count_;
  }
  if (lines.size() >= logger_limits::kMaxPending) open_file.file.flush();
  if (pending_ >= logger_limits::kMaxAccessPending) flush();
  loop_.defer(*this);
}

// ---- the files ----

AccessLogs::OpenFile& AccessLogs::open(const std::string& path) {
  auto& place = files_[path];
  if (place == nullptr) {
    place = std::make_unique<OpenFile>(loop_, directory_, path, reports_);
    OpenFile& made = *place;  // `place` is no longer valid after an erase
    by_use_.push_back(made);
    if (files_.size() > logger_limits::kMaxAccessFiles) {
      OpenFile& oldest = by_use_.pop_front();
      if (static_cast<ListNode<OpenFile, Dirty>&>(oldest).linked()) --dirty_count_;
      files_.erase(std::string(oldest.file.path()));
    }
    return made;
  }
  by_use_.push_back(*place);
  return *place;
}

void AccessLogs::run_deferred() {
  if (dirty_count_ <= logger_limits::kFewFiles) return flush();
  if (!timer_.pending()) timer_.set(logger_limits::kAccessDelay);
}

void AccessLogs::flush() {
  timer_.cancel();
  while (!dirty_.empty()) dirty_.pop_front().file.flush();
  dirty_count_ = 0;
  pending_ = 0;
}

void AccessLogs::reopen() {
  flush();
  files_.clear();
}

}  // namespace dmpm
