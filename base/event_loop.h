// EventLoop and what it watches: the only part of dmpm (but for its .cc) that knows libevent.
//
// One loop a process, one thread. Events enter at one function of a handler interface and run
// downward; an object that must go is parked until the round is over (defer), so that nothing is
// destroyed inside its own callback.
//
// What is in the background (Priority) is served when nothing else is ready, and only for a moment
// before the loop looks whether something else has become so: a short one while there is any
// foreground (hurried()). Rounds of both priorities end by
// themselves: a background round may be long and its output come in few large pieces, without
// anything else having to wait for it.
#pragma once

#include <event2/event_struct.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>

#include "base/intrusive_list.h"

struct event_base;

namespace dmpm {

using Milliseconds = std::chrono::milliseconds;
// Since an arbitrary start, never backwards (CLOCK_MONOTONIC).
using Instant = std::chrono::time_point<std::chrono::steady_clock, Milliseconds>;

enum class Priority : uint8_t { foreground, background };

// Work to be done once, after the handlers of this round have run.
class Deferred : public ListNode<Deferred> {
 public:
  virtual void run_deferred() = 0;

 protected:
  ~Deferred() = default;
};

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Until stop(); returns after the round in which that was called.
  void run();
  void stop();
  // One round with what is ready now; false when nothing was. For tests.
  bool run_ready();
  // The start of this round: cheap, and the same for all handlers of a round.
  Instant now() const { return now_; }
  // Whether a descriptor of the foreground has had an event lately, so that another is to be expected.
  bool hurried() const { return now_ - foreground_seen_ < kForegroundMemory; }
  // Runs `task` at the end of this round of that priority, once, however often it is deferred in it.
  // What tasks defer runs in the same round's end too, so a task must not defer itself for ever.
  void defer(Deferred& task, Priority priority = Priority::foreground);

 private:
  friend class IoWatcher;
  friend class SignalWatcher;
  friend class Timer;
  struct BaseDeleter {
    void operator()(event_base* base) const;
  };
  // The end of a round: an event that stands behind all others of its priority.
  struct RoundEnd {
    EventLoop* loop = nullptr;
    event end{};
    IntrusiveList<Deferred> deferred;
    bool ahead = false;  // `end` is active
  };
  // The background's moment. libevent could cut it itself, but by a clock that moves with the
  // kernel's ticks: 4 ms, and not the part of one that is meant here.
  class Slice {
   public:
    // Around each handler, of any priority, and each task of the background.
    void begin(Priority priority);
    bool over(std::chrono::microseconds longest) const;

   private:
    std::chrono::steady_clock::time_point since_{};
    bool running_ = false;
  };
  static constexpr Milliseconds kForegroundMemory{100};

  static void on_round_end(int, short, void* round_end);
  void end_round(RoundEnd& round);
  bool run_round(int flags);
  // Called by each watcher before its handler: the first one of a round reads the clock.
  void enter_round(Priority priority) {
    slice_.begin(priority);
    if (in_round_) return;
    in_round_ = any_event_ = true;
    update_now();
  }
  // Called behind what was done in the background.
  void leave_background();
  void update_now();

  std::unique_ptr<event_base, BaseDeleter> base_;
  std::array<RoundEnd, 2> rounds_;  // by Priority
  Slice slice_;
  Instant now_{};
  Instant foreground_seen_{};
  bool in_round_ = false;
  bool any_event_ = false;  // since run_round() began
  bool stopping_ = false;
};

class IoHandler {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;

 protected:
  ~IoHandler() = default;
};

// Watches one descriptor, level-triggered, until told otherwise. Enabling what is enabled costs
// nothing. Destroying a watcher inside its handler is allowed. The descriptor must outlive it.
class IoWatcher {
 public:
  IoWatcher(EventLoop& loop, int fd, IoHandler& handler);
  ~IoWatcher();
  IoWatcher(const IoWatcher&) = delete;
  IoWatcher& operator=(const IoWatcher&) = delete;

  void watch_read(bool on);
  void watch_write(bool on);
  // on_readable() is called once more, when it is this descriptor's turn, whether or not it is
  // watched or has become readable.
  void call_again();
  // Foreground at first. Not within reach of an event that is about to be handled: then it stays.
  void set_priority(Priority priority);

 private:
  static void on_event(int fd, short what, void* self);
  EventLoop& loop_;
  IoHandler& handler_;
  event read_{};
  std::unique_ptr<event> write_;  // from the first watch_write(true) on: most never wait for that
  bool reading_ = false;
  bool writing_ = false;
  bool called_again_ = false;
  Priority priority_ = Priority::foreground;
};

class SignalHandler {
 public:
  virtual void on_signal(int number) = 0;

 protected:
  ~SignalHandler() = default;
};

class SignalWatcher {
 public:
  SignalWatcher(EventLoop& loop, int number, SignalHandler& handler);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  static void on_event(int number, short what, void* self);
  EventLoop& loop_;
  SignalHandler& handler_;
  event event_{};
};

class TimerHandler {
 public:
  virtual void on_timer() = 0;

 protected:
  ~TimerHandler() = default;
};

// One-shot; set() again moves it. For what is rare: what every request touches goes through a
// DeadlineWheel.
class Timer {
 public:
  Timer(EventLoop& loop, TimerHandler& handler);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void set(Milliseconds delay);
  void cancel();
  bool pending() const { return pending_; }

 private:
  static void on_event(int, short, void* self);
  EventLoop& loop_;
  TimerHandler& handler_;
  event event_{};
  bool pending_ = false;
};

}  // namespace dmpm
