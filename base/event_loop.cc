#include "base/event_loop.h"

#include <event2/event.h>

#include <cstdlib>

namespace dmpm {

namespace {
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
  base_.reset(event_base_new_with_config(config));
  event_config_free(config);
  require(base_ != nullptr);
  update_now();
}

EventLoop::~EventLoop() = default;

void EventLoop::update_now() {
  now_ = std::chrono::time_point_cast<Milliseconds>(std::chrono::steady_clock::now());
}

void EventLoop::run() {
  while (!stopping_) {
    event_base_loop(base_.get(), EVLOOP_ONCE);
    end_round();
  }
  stopping_ = false;
}

bool EventLoop::run_ready() {
  const bool had_deferred = !deferred_.empty();
  event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  const bool had_events = in_round_;
  end_round();
  return had_events || had_deferred;
}

void EventLoop::end_round() {
  while (!deferred_.empty()) deferred_.pop_front().run_deferred();
  in_round_ = false;
}

IoWatcher::IoWatcher(EventLoop& loop, int fd, IoHandler& handler) : loop_(loop), handler_(handler) {
  event_assign(&read_, loop.base_.get(), fd, EV_READ | EV_PERSIST, on_event, this);
  event_assign(&write_, loop.base_.get(), fd, EV_WRITE | EV_PERSIST, on_event, this);
}

IoWatcher::~IoWatcher() {
  watch_read(false);
  watch_write(false);
}

void IoWatcher::watch_read(bool on) {
  if (on == reading_) return;
  require((on ? event_add(&read_, nullptr) : event_del(&read_)) == 0);
  reading_ = on;
}

void IoWatcher::watch_write(bool on) {
  if (on == writing_) return;
  require((on ? event_add(&write_, nullptr) : event_del(&write_)) == 0);
  writing_ = on;
}

void IoWatcher::on_event(int, short what, void* self) {
  auto& watcher = *static_cast<IoWatcher*>(self);
  watcher.loop_.enter_round();
  if ((what & EV_WRITE) != 0) {
    watcher.handler_.on_writable();
  } else {
    watcher.handler_.on_readable();
  }
}

SignalWatcher::SignalWatcher(EventLoop& loop, int number, SignalHandler& handler)
    : loop_(loop), handler_(handler) {
  event_assign(&event_, loop.base_.get(), number, EV_SIGNAL | EV_PERSIST, on_event, this);
  require(event_add(&event_, nullptr) == 0);
}

SignalWatcher::~SignalWatcher() {
  event_del(&event_);
}

void SignalWatcher::on_event(int number, short, void* self) {
  auto& watcher = *static_cast<SignalWatcher*>(self);
  watcher.loop_.enter_round();
  watcher.handler_.on_signal(number);
}

Timer::Timer(EventLoop& loop, TimerHandler& handler) : loop_(loop), handler_(handler) {
  event_assign(&event_, loop.base_.get(), -1, 0, on_event, this);
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
  timer.loop_.enter_round();
  timer.handler_.on_timer();
}

}  // namespace dmpm
