#include "master/dispatchers.h"

#include <algorithm>

#include "base/text.h"
#include "master/limits.h"

namespace dmpm::master {

// One dispatcher's place: its service, and the peer while a process is up.
class Dispatchers::Slot final : public ServiceHandler, public DispatcherPeerHandler {
 public:
  Slot(Dispatchers& all, unsigned number)
      : all_(all),
        number_(number),
        service_(all.loop_, all.children_, all.log_,
                 concat({"dispatcher ", std::to_string(number)}), all.settings_.executable, *this) {
  }

  void start() { service_.start(); }
  void kill() { service_.kill(); }
  bool up() const { return service_.up(); }
  DispatcherPeer* peer() const { return peer_.get(); }
  void drain() {
    service_.retire();
    if (peer_) peer_->drain();
  }

 private:
  Result<Inheritance> on_service_starting() override {
    auto pair = Channel::pair();
    if (!pair) return pair.error();
    peer_ = std::make_unique<DispatcherPeer>(all_.loop_, std::move(pair->ours), number_,
                                             *all_.groups_, all_.feed_, *this);
    peer_->welcome(all_.settings_.root, all_.settings_.identity, all_.listeners_);
    peer_->configure(all_.feed_.snapshot(), all_.version_);
    Inheritance inheritance{std::move(pair->theirs), {all_.log_channel_.get()}};
    for (const BoundListener& listener : all_.listeners_) {
      inheritance.others.push_back(listener.fd.get());
    }
    return inheritance;
  }

  void on_service_ended() override {
    peer_.reset();
    all_.groups_->forget_dispatcher(number_);
    all_.on_ended();
  }

  void on_configured() override {
    if (!configured_) all_.on_configured();
    configured_ = true;
  }

  void on_offence(std::string_view what) override {
    all_.log_.error(concat({service_.name(), " ", what, ": killed"}));
    service_.kill();
  }

  Dispatchers& all_;
  const unsigned number_;
  std::unique_ptr<DispatcherPeer> peer_;
  bool configured_ = false;
  Service service_;
};

Dispatchers::Dispatchers(EventLoop& loop, Children& children, Log& log, Settings settings,
                         std::vector<BoundListener> listeners, Fd log_channel,
                         const RoutingFeed& feed, DispatchersHandler& handler)
    : loop_(loop),
      children_(children),
      log_(log),
      settings_(std::move(settings)),
      listeners_(std::move(listeners)),
      log_channel_(std::move(log_channel)),
      feed_(feed),
      handler_(handler) {}

Dispatchers::~Dispatchers() = default;

void Dispatchers::start(WorkerGroups& groups) {
  groups_ = &groups;
  for (unsigned number = 0; number < settings_.processes; ++number) {
    slots_.push_back(std::make_unique<Slot>(*this, number));
    slots_.back()->start();
  }
}

void Dispatchers::configure(const std::vector<std::string>& notices) {
  ++version_;
  for (const auto& slot : slots_) {
    if (slot->peer() != nullptr) slot->peer()->configure(notices, version_);
  }
}

void Dispatchers::drain() {
  draining_ = true;
  for (const auto& slot : slots_) slot->drain();
  on_ended();
}

void Dispatchers::kill() {
  for (const auto& slot : slots_) slot->kill();
}

void Dispatchers::send(unsigned dispatcher, std::string_view notice) {
  if (dispatcher >= slots_.size() || slots_[dispatcher]->peer() == nullptr) return;
  slots_[dispatcher]->peer()->send(notice);
}

void Dispatchers::on_configured() {
  if (++ready_ == settings_.processes) handler_.on_dispatchers_ready();
}

void Dispatchers::on_ended() {
  const bool any = std::any_of(slots_.begin(), slots_.end(), [](const auto& s) { return s->up(); });
  if (draining_ && !any) handler_.on_dispatchers_ended();
}

}  // namespace dmpm::master
