#include "master/keyholder_link.h"

#include <cstring>

#include "base/text.h"
#include "base/wire.h"

namespace dmpm::master {

using keyholder_protocol::MasterRequestType;
using keyholder_protocol::Notice;
using keyholder_protocol::Verdict;

namespace {

WireWriter notice(Notice kind) {
  WireWriter writer;
  writer.u32(static_cast<uint32_t>(kind));
  return writer;
}

const char* describe_offence(MasterRequestType type) {
  switch (type) {
    case MasterRequestType::malformed: return "malformed messages";
    case MasterRequestType::too_many: return "requests beyond its rate, refused";
    case MasterRequestType::forbidden:
      return "signatures of what is no TLS handshake of that key, refused";
    case MasterRequestType::unread: return "times it did not read its answers";
    default: return nullptr;
  }
}

std::vector<const config::CertificateFiles*> pairs_of(const config::Certificate& certificate) {
  std::vector<const config::CertificateFiles*> pairs{&certificate};
  if (certificate.second) pairs.push_back(&*certificate.second);
  return pairs;
}

}  // namespace

Result<KeyChannels> make_key_channels() {
  KeyChannels channels;
  for (KeyChannel& channel : channels) {
    auto pair = Channel::pair();
    if (!pair) return pair.error();
    channel = {std::move(pair->ours), std::move(pair->theirs)};
  }
  return channels;
}

KeyholderLink::KeyholderLink(EventLoop& loop, Children& children, Log& log,
                             const std::string& executable, std::string root,
                             const config::Identity& identity, KeyChannels channels,
                             const RoutingFeed& feed, Counts& counts)
    : loop_(loop),
      log_(log),
      root_(std::move(root)),
      identity_(identity),
      channels_(std::move(channels)),
      feed_(feed),
      questions_(kCertificatesPerSecond, kCertificateBurst),
      reports_(kKeyReportsPerSecond, kKeyReportBurst),
      service_(loop, children, log, "keyholder", executable, *this,
               counts.service(metrics::kKeyholderPlace)) {}

// ---- the service ----

Result<Inheritance> KeyholderLink::on_service_starting() {
  auto pair = Channel::pair();
  if (!pair) return pair.error();
  channel_ = std::make_unique<Channel>(loop_, std::move(pair->ours), *this, kMaxQueuedForKeyholder);
  channel_->send(notice(Notice::welcome)
                     .string(root_)
                     .u32(identity_.uid)
                     .u32(identity_.gid)
                     .u32(static_cast<uint32_t>(channels_.size()))
                     .bytes());
  Inheritance inheritance{std::move(pair->theirs), {}};
  for (const KeyChannel& channel : channels_) inheritance.others.push_back(channel.keyholder.get());
  return inheritance;
}

void KeyholderLink::hand_over(Handover& to) const {
  for (const KeyChannel& channel : channels_) {
    to.key_channels.push_back({channel.keyholder.get(), channel.dispatcher.get()});
  }
  if (!service_.up()) return;
  to.keyholder_pid = static_cast<uint32_t>(service_.pid());
  to.keyholder_age = static_cast<uint64_t>(service_.age().count());
}

void KeyholderLink::take_over(const Handover& from) {
  if (from.keyholder_pid == 0) return start();
  service_.take_over(static_cast<pid_t>(from.keyholder_pid), Milliseconds(from.keyholder_age));
  service_.renew();
  service_.kill();
}

void KeyholderLink::stop() {
  service_.retire();
  service_.kill();
}

void KeyholderLink::on_channel_closed(std::string_view) {
  service_.kill();
}

// ---- what it is told ----

void KeyholderLink::dispatcher_started(unsigned number) {
  if (channel_) channel_->send(notice(Notice::dispatcher_started).u32(number).bytes());
}

void KeyholderLink::forget(uint32_t certificate) {
  reported_.erase(reported_.lower_bound({certificate, 0}),
                  reported_.upper_bound({certificate, UINT32_MAX}));
  given_.erase(certificate);
  if (channel_) channel_->send(notice(Notice::forget).u32(certificate).bytes());
}

std::vector<uint32_t> KeyholderLink::renewed(std::vector<config::Problem>& problems) const {
  std::vector<uint32_t> numbers;
  config::TrustedFiles files;
  for (const auto& [number, stamps] : given_) {
    const config::Certificate* certificate = feed_.certificate(number);
    if (certificate == nullptr) continue;
    const auto pairs = pairs_of(*certificate);
    for (size_t i = 0; i < pairs.size(); ++i) {
      auto now = stamps_of(*pairs[i], files);
      if (now && i < stamps.size() && *now == stamps[i]) continue;
      if (now) {
        numbers.push_back(number);
      } else if (auto said = problem(number, now.error().message)) {
        problems.push_back(std::move(*said));
      }
      break;
    }
  }
  return numbers;
}

// ---- what it says ----

void KeyholderLink::on_message(std::string_view message) {
  Request request{};
  const char* offence = "sent a request of the wrong size";
  if (message.size() == sizeof request) {
    std::memcpy(&request, message.data(), sizeof request);
    offence = judge(request);
  }
  if (offence == nullptr) return;
  log_.error(concat({"keyholder ", offence, ": killed"}));
  service_.kill();
}

const char* KeyholderLink::judge(const Request& request) {
  RateLimit& rate = request.type == MasterRequestType::want_key ? questions_ : reports_;
  if (!rate.take(loop_.now())) return "sent too many requests";
  switch (request.type) {
    case MasterRequestType::ready: return nullptr;
    case MasterRequestType::want_key:
      if (!feed_.certificate_was_given(request.certificate)) {
        // A dispatcher has named it: the keyholder does not know which there are.
        send_no_key(request.certificate, "there never was such a certificate");
      } else {
        send_key(request.certificate);
      }
      return nullptr;
    case MasterRequestType::verdict:
      if (static_cast<uint32_t>(request.verdict) >= keyholder_protocol::kVerdicts) {
        return "sent an unknown verdict";
      }
      on_verdict(request);
      return nullptr;
    case MasterRequestType::malformed:
    case MasterRequestType::too_many:
    case MasterRequestType::forbidden:
    case MasterRequestType::unread: on_offence_of_dispatcher(request); return nullptr;
  }
  return "sent a request of unknown type";
}

void KeyholderLink::send_key(uint32_t number) {
  const config::Certificate* certificate = feed_.certificate(number);
  if (certificate == nullptr) return send_no_key(number, "the certificate was removed");
  std::vector<CertificateStamps>& stamps = given_[number];
  stamps.clear();
  std::vector<CertificateText> texts;
  for (const config::CertificateFiles* files : pairs_of(*certificate)) {
    auto text = read_certificate(*files);
    if (!text) {
      report(number, static_cast<uint32_t>(texts.size()), text.error().message);
      return send_no_key(number, text.error().message);
    }
    texts.push_back(std::move(*text));
  }
  for (const CertificateText& text : texts) stamps.push_back(text.stamps);
  for (uint32_t index = 0; index < texts.size(); ++index) {
    std::string message = notice(Notice::key)
                              .u32(number)
                              .u32(static_cast<uint32_t>(texts.size()))
                              .u32(index)
                              .string(texts[index].chain)
                              .string(texts[index].key)
                              .take();
    channel_->send(message);
    wipe(message);
  }
}

void KeyholderLink::send_no_key(uint32_t certificate, const std::string& reason) {
  channel_->send(notice(Notice::no_key).u32(certificate).string(reason).bytes());
}

void KeyholderLink::on_verdict(const Request& request) {
  const config::Certificate* certificate = feed_.certificate(request.certificate);
  if (certificate == nullptr || request.index > (certificate->second ? 1U : 0U)) return;
  const config::CertificateFiles& files = request.index == 0 ? *certificate : *certificate->second;
  if (request.verdict == Verdict::good) {
    reported_.erase({request.certificate, request.index});
  } else {
    report(request.certificate, request.index,
           concat({files.certificate_path, ", ", files.key_path, ": ",
                   keyholder_protocol::describe(request.verdict)}));
  }
}

// An error of the configuration that only shows when the files are looked into.
void KeyholderLink::report(uint32_t certificate, uint32_t index, const std::string& what) {
  std::string& last = reported_[{certificate, index}];
  if (last == what) return;
  last = what;
  if (const auto said = problem(certificate, what)) log_.error(said->to_string());
}

std::optional<config::Problem> KeyholderLink::problem(uint32_t certificate,
                                                      const std::string& what) const {
  const config::VirtualHost* host = feed_.host_with_certificate(certificate);
  if (host == nullptr) return std::nullopt;
  return config::Problem{host->location, concat({"this virtual host's TLS does not work: ", what})};
}

void KeyholderLink::on_offence_of_dispatcher(const Request& request) {
  log_.error(concat({"dispatcher ", std::to_string(request.certificate), " at the keyholder: ",
                     std::to_string(request.index), " ", describe_offence(request.type)}));
}

}  // namespace dmpm::master
