#include "master/dispatchers.h"

#include <algorithm>

#include "base/text.h"

namespace dmpm::master {

struct Dispatchers::Generation {
  unsigned processes = 0;
  std::vector<BoundListener> listeners;
};

// One dispatcher's place: its service, and the peer while a process is up.
class Dispatchers::Slot final : public ServiceHandler,
                                public DispatcherPeerHandler,
                                public TimerHandler {
 public:
  // `index` within its generation.
  Slot(Dispatchers& all, std::shared_ptr<const Generation> generation, unsigned index,
       unsigned number)
      : all_(all),
        generation_(std::move(generation)),
        index_(index),
        number_(number),
        overdue_(all_.loop_, *this),
        service_(all.loop_, all.children_, all.log_,
                 concat({"dispatcher ", std::to_string(number)}), all.settings_.executable, *this,
                 all.counts_.service(number)) {}

  void start() { service_.start(); }
  void take_over(const Handover::Dispatcher& record) {
    peer_ = std::make_unique<DispatcherPeer>(all_.loop_, Fd(record.channel), number_, all_.groups_,
                                             *this);
    peer_->take_over(record);
    service_.take_over(static_cast<pid_t>(record.pid), Milliseconds(record.age));
    if (record.draining == 0) return;
    draining_ = true;
    service_.retire();
    overdue_.set(kDrainTime + kDrainGrace);
  }
  void hand_over(Handover& to) const {
    if (!up() || !peer_) return;
    Handover::Dispatcher record;
    record.number = number_;
    record.index = index_;
    record.draining = draining_ ? 1 : 0;
    record.pid = static_cast<uint32_t>(service_.pid());
    record.age = static_cast<uint64_t>(service_.age().count());
    peer_->hand_over(record);
    to.dispatchers.push_back(std::move(record));
  }
  void kill() { service_.kill(); }
  void describe(StatusReport& report) const { service_.describe(report); }
  bool up() const { return service_.up(); }
  bool is_of(const std::shared_ptr<const Generation>& other) const { return generation_ == other; }
  DispatcherPeer* peer() const { return peer_.get(); }
  bool gone() const { return draining_ && !up(); }
  // `idle`: how long a client's next request is waited for.
  void drain(Milliseconds idle) {
    if (draining_) return;
    draining_ = true;
    service_.retire();
    if (peer_) peer_->drain(idle);
    overdue_.set(kDrainTime + kDrainGrace);
    all_.on_ended();  // it may be down already
  }

 private:
  Result<Inheritance> on_service_starting() override {
    auto pair = Channel::pair();
    if (!pair) return pair.error();
    const ListenerShare share = share_of(generation_->listeners, index_, generation_->processes);
    peer_ = std::make_unique<DispatcherPeer>(all_.loop_, std::move(pair->ours), number_,
                                             all_.groups_, *this);
    peer_->welcome(all_.settings_.root, all_.settings_.identity, share.flags);
    peer_->configure(all_.feed_.snapshot(), all_.version_);
    all_.keyholder_.dispatcher_started(number_);
    Inheritance inheritance{
        std::move(pair->theirs),
        {all_.log_channels_.lines.get(), all_.log_channels_.exchanges.get(),
         all_.keyholder_.dispatcher_end(number_), all_.memory_.dispatchers[number_].get()}};
    inheritance.others.insert(inheritance.others.end(), share.fds.begin(), share.fds.end());
    return inheritance;
  }

  void on_service_ended() override {
    peer_.reset();
    all_.groups_.forget_dispatcher(number_);
    all_.on_ended();
  }

  void on_configured() override { all_.on_configured(); }

  void on_offence(std::string_view what) override {
    all_.log_.error(concat({service_.name(), " ", what, ": killed"}));
    service_.kill();
  }

  void on_timer() override { service_.kill(); }

  Dispatchers& all_;
  const std::shared_ptr<const Generation> generation_;
  const unsigned index_, number_;
  std::unique_ptr<DispatcherPeer> peer_;
  Timer overdue_;
  bool draining_ = false;
  Service service_;
};

Dispatchers::Dispatchers(EventLoop& loop, Children& children, Log& log, Settings settings,
                         LogChannels log_channels, KeyholderLink& keyholder,
                         const MetricsMemory& memory, Counts& counts, const RoutingFeed& feed,
                         WorkerGroups& groups, DispatchersHandler& handler)
    : loop_(loop),
      children_(children),
      log_(log),
      settings_(std::move(settings)),
      log_channels_(std::move(log_channels)),
      keyholder_(keyholder),
      memory_(memory),
      counts_(counts),
      feed_(feed),
      groups_(groups),
      handler_(handler),
      newest_(std::make_shared<const Generation>()) {}

Dispatchers::~Dispatchers() = default;

unsigned Dispatchers::room() const {
  return static_cast<unsigned>(std::count(slots_.begin(), slots_.end(), nullptr));
}

void Dispatchers::renew(unsigned processes, std::vector<BoundListener> listeners) {
  newest_ = std::make_shared<const Generation>(Generation{processes, std::move(listeners)});
  awaited_ = true;
  unsigned index = 0;
  for (unsigned number = 0; number < slots_.size() && index < processes; ++number) {
    if (slots_[number] != nullptr) continue;
    slots_[number] = std::make_unique<Slot>(*this, newest_, index++, number);
    slots_[number]->start();
  }
}

void Dispatchers::hand_over(Handover& to) const {
  to.processes = newest_->processes;
  to.dispatcher_log = log_channels_.lines.get();
  to.dispatcher_exchanges = log_channels_.exchanges.get();
  for (const BoundListener& listener : newest_->listeners) {
    Handover::Listener record{listener.address, {}};
    for (const auto& socket : listener.sockets) record.sockets.push_back(socket->get());
    to.listeners.push_back(std::move(record));
  }
  for (const auto& slot : slots_) {
    if (slot) slot->hand_over(to);
  }
}

void Dispatchers::take_over(const Handover& from, std::vector<BoundListener> listeners) {
  newest_ = std::make_shared<const Generation>(Generation{from.processes, std::move(listeners)});
  for (const Handover::Dispatcher& record : from.dispatchers) {
    if (record.number >= slots_.size()) continue;
    slots_[record.number] = std::make_unique<Slot>(*this, newest_, record.index, record.number);
    slots_[record.number]->take_over(record);
  }
}

const std::vector<BoundListener>& Dispatchers::listeners() const {
  return newest_->listeners;
}

unsigned Dispatchers::count() const {
  return newest_->processes;
}

void Dispatchers::configure(const std::vector<std::string>& notices) {
  ++version_;
  awaited_ = true;
  for (const auto& slot : slots_) {
    if (slot && slot->peer() != nullptr) slot->peer()->configure(notices, version_);
  }
}

// Something has changed that on_dispatchers_ready() may have waited for.
void Dispatchers::on_configured() {
  const auto is_behind = [this](const std::unique_ptr<Slot>& slot) {
    return slot && slot->is_of(newest_) &&
           (slot->peer() == nullptr || slot->peer()->confirmed() != version_);
  };
  if (std::any_of(slots_.begin(), slots_.end(), is_behind)) return;
  awaited_ = false;
  for (const auto& slot : slots_) {
    if (slot && !slot->is_of(newest_)) slot->drain(kDrainIdle);
  }
  handler_.on_dispatchers_ready();
}

void Dispatchers::drain() {
  draining_ = true;
  for (const auto& slot : slots_) {
    if (slot) slot->drain(Milliseconds(0));
  }
  on_ended();
}

void Dispatchers::kill() {
  for (const auto& slot : slots_) {
    if (slot) slot->kill();
  }
}

void Dispatchers::describe(StatusReport& report) const {
  for (const auto& slot : slots_) {
    if (slot) slot->describe(report);
  }
}

void Dispatchers::send(unsigned dispatcher, std::string_view notice) {
  if (dispatcher >= slots_.size() || !slots_[dispatcher]) return;
  if (DispatcherPeer* peer = slots_[dispatcher]->peer()) peer->send(notice);
}

void Dispatchers::on_ended() {
  loop_.defer(*this);
}

// Forgets the slots that have gone for good.
void Dispatchers::run_deferred() {
  for (auto& slot : slots_) {
    if (slot && slot->gone()) slot.reset();
  }
  if (draining_ && room() == slots_.size()) handler_.on_dispatchers_ended();
}

}  // namespace dmpm::master
