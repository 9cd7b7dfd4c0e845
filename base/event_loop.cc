#include "base/event_loop.h"

#include <event2/event.h>

#include <cstdlib>
#include <utility>

namespace dmpm {

namespace {
// What the background may do before the loop looks for other events: about as long as a client that
// asks for little does not notice. Looking costs, and breaks up what could be done together, so that
// it is done less often while there is nobody else.
constexpr std::chrono::microseconds kBackgroundSlice{50};
constexpr std::chrono::microseconds kQuietBackgroundSlice{400};
constexpr int kBackgroundCallbacks = 64;

// Without memory or an epoll descriptor at start no process can do anything: the supervisor says so.
void require(bool ok) {
  if (!ok) std::abort();
}
}  // namespace

void EventLoop::BaseDeleter::operator()(event_base* base) const {
  event_base_free(base);
}

EventLoop::EventLoop() {
  event_config* config = event_config_new();
  require(config != nullptr);
  // Joins the epoll_ctl calls of one round. Safe here: no descriptor is ever duplicated by us.
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_set_max_dispatch_interval(config, nullptr, kBackgroundCallbacks,
                                         static_cast<int>(Priority::background));
  base_.reset(event_base_new_with_config(config));
  event_config_free(config);
  require(base_ != nullptr);
  require(event_base_priority_init(base_.get(), static_cast<int>(rounds_.size())) == 0);
  for (size_t priority = 0; priority < rounds_.size(); ++priority) {
    RoundEnd& round = rounds_[priority];
    round.loop = this;
    event_assign(&round.end, base_.get(), -1, 0, on_round_end, &round);
    event_priority_set(&round.end, static_cast<int>(priority));
  }
  update_now();
}

EventLoop::~EventLoop() = default;

void EventLoop::update_now() {
  now_ = std::chrono::time_point_cast<Milliseconds>(std::chrono::steady_clock::now());
}

void EventLoop::Slice::begin(Priority priority) {
  const bool was_running = running_;
  running_ = priority == Priority::background;
  if (running_ && !was_running) since_ = std::chrono::steady_clock::now();
}

bool EventLoop::Slice::over(std::chrono::microseconds longest) const {
  return std::chrono::steady_clock::now() - since_ >= longest;
}

void EventLoop::leave_background() {
  if (!slice_.over(hurried() ? kBackgroundSlice : kQuietBackgroundSlice)) return;
  slice_ = Slice();
  event_base_loopcontinue(base_.get());  // looks for other events, and comes back to these
}

void EventLoop::defer(Deferred& task, Priority priority) {
  if (task.linked()) return;
  RoundEnd& round = rounds_[static_cast<size_t>(priority)];
  round.deferred.push_back(task);
  if (!std::exchange(round.ahead, true)) event_active(&round.end, EV_TIMEOUT, 0);
}

void EventLoop::run() {
  while (!stopping_) run_round(EVLOOP_ONCE);
  stopping_ = false;
}

bool EventLoop::run_ready() {
  return run_round(EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

void EventLoop::stop() {
  stopping_ = true;
  event_base_loopbreak(base_.get());
}

// False when there was nothing to do.
bool EventLoop::run_round(int flags) {
  any_event_ = false;
  event_base_loop(base_.get(), flags);
  // Only where the loop was stopped there is something left.
  for (RoundEnd& round : rounds_) {
    if (round.ahead) end_round(round);
  }
  in_round_ = false;
  slice_ = Slice();
  return any_event_;
}

void EventLoop::on_round_end(int, short, void* round_end) {
  RoundEnd& round = *static_cast<RoundEnd*>(round_end);
  EventLoop& loop = *round.loop;
  const bool foreground = &round == &loop.rounds_[static_cast<size_t>(Priority::foreground)];
  loop.enter_round(foreground ? Priority::foreground : Priority::background);
  if (foreground) return loop.end_round(round);
  // The background's tasks one by one, so that its slice has an end here too.
  if (!round.deferred.empty()) round.deferred.pop_front().run_deferred();
  round.ahead = !round.deferred.empty();
  if (round.ahead) event_active(&round.end, EV_TIMEOUT, 0);
  loop.in_round_ = false;
  loop.leave_background();
}

void EventLoop::end_round(RoundEnd& round) {
  while (!round.deferred.empty()) round.deferred.pop_front().run_deferred();
  // Only now, so that what tasks defer is done in this end.
  round.ahead = false;
  event_del(&round.end);
  in_round_ = false;
}

IoWatcher::IoWatcher(EventLoop& loop, int fd, IoHandler& handler) : loop_(loop), handler_(handler) {
  event_assign(&read_, loop.base_.get(), fd, EV_READ | EV_PERSIST, on_event, this);
  event_priority_set(&read_, static_cast<int>(priority_));
}

IoWatcher::~IoWatcher() {
  watch_read(false);
  watch_write(false);
  if (called_again_) event_del(&read_);
}

void IoWatcher::set_priority(Priority priority) {
  if (priority == priority_) return;
  const auto set = [priority](event& event) {
    return event_priority_set(&event, static_cast<int>(priority)) == 0;
  };
  if (set(read_) && (write_ == nullptr || set(*write_))) priority_ = priority;
}

void IoWatcher::call_again() {
  called_again_ = true;
  event_active(&read_, EV_READ, 0);
}

void IoWatcher::watch_read(bool on) {
  if (on == reading_) return;
  require((on ? event_add(&read_, nullptr) : event_del(&read_)) == 0);
  reading_ = on;
  if (called_again_) event_active(&read_, EV_READ, 0);  // event_del() has forgotten it
}

void IoWatcher::watch_write(bool on) {
  if (on == writing_) return;
  if (write_ == nullptr) {
    write_ = std::make_unique<event>();
    event_assign(write_.get(), loop_.base_.get(), event_get_fd(&read_), EV_WRITE | EV_PERSIST,
                 on_event, this);
    event_priority_set(write_.get(), static_cast<int>(priority_));
  }
  require((on ? event_add(write_.get(), nullptr) : event_del(write_.get())) == 0);
  writing_ = on;
}

void IoWatcher::on_event(int, short what, void* self) {
  auto& watcher = *static_cast<IoWatcher*>(self);
  EventLoop& loop = watcher.loop_;  // the handler may destroy the watcher
  const Priority priority = watcher.priority_;
  loop.enter_round(priority);
  if (priority == Priority::foreground) loop.foreground_seen_ = loop.now_;
  if ((what & EV_WRITE) != 0) {
    watcher.handler_.on_writable();
  } else {
    watcher.called_again_ = false;
    watcher.handler_.on_readable();
  }
  if (priority == Priority::background) loop.leave_background();
}

SignalWatcher::SignalWatcher(EventLoop& loop, int number, SignalHandler& handler)
    : loop_(loop), handler_(handler) {
  event_assign(&event_, loop.base_.get(), number, EV_SIGNAL | EV_PERSIST, on_event, this);
  event_priority_set(&event_, static_cast<int>(Priority::foreground));
  require(event_add(&event_, nullptr) == 0);
}

SignalWatcher::~SignalWatcher() {
  event_del(&event_);
}

void SignalWatcher::on_event(int number, short, void* self) {
  auto& watcher = *static_cast<SignalWatcher*>(self);
  watcher.loop_.enter_round(Priority::foreground);
  watcher.handler_.on_signal(number);
}

Timer::Timer(EventLoop& loop, TimerHandler& handler) : loop_(loop), handler_(handler) {
  event_assign(&event_, loop.base_.get(), -1, 0, on_event, this);
  event_priority_set(&event_, static_cast<int>(Priority::foreground));
}

Timer::~Timer() {
  cancel();
}

void Timer::set(Milliseconds delay) {
  const auto count = delay.count() < 0 ? 0 : delay.count();
  timeval time{static_cast<time_t>(count / 1000), static_cast<suseconds_t>(count % 1000 * 1000)};
  require(event_add(&event_, &time) == 0);
  pending_ = true;
}

void Timer::cancel() {
  if (pending_) event_del(&event_);
  pending_ = false;
}

void Timer::on_event(int, short, void* self) {
  auto& timer = *static_cast<Timer*>(self);
  timer.pending_ = false;
  timer.loop_.enter_round(Priority::foreground);
  timer.handler_.on_timer();
}

}  // namespace dmpm
