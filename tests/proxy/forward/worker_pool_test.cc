// WorkerPool against workers that are only listening sockets and a master that takes notes.
#include "proxy/forward/worker_pool.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include "base/socket.h"
#include "base/text.h"
#include "proxy/limits.h"

using namespace dmpm;
using namespace dmpm::forward;
using Notes = std::vector<std::string>;

namespace {

class TestMaster final : public WorkerSource {
 public:
  void want_worker(uint32_t group) override { note("want", group, 0); }
  void worker_idle(uint32_t group, uint32_t worker) override { note("idle", group, worker); }
  void worker_released(uint32_t group, uint32_t worker) override {
    note("released", group, worker);
  }
  void worker_busy(uint32_t group, uint32_t worker) override { note("busy", group, worker); }
  void worker_in_use(uint32_t group, uint32_t worker) override { note("in use", group, worker); }
  void worker_spent(uint32_t group, uint32_t worker) override { note("spent", group, worker); }
  Notes take() { return std::exchange(notes_, {}); }

 private:
  void note(std::string_view what, uint32_t group, uint32_t worker) {
    notes_.push_back(concat({what, " ", std::to_string(group), " ", std::to_string(worker)}));
  }
  Notes notes_;
};

// A listening socket below a directory of the test's own.
class TestSocket {
 public:
  explicit TestSocket(int backlog = 64) {
    std::string name = (std::filesystem::temp_directory_path() / "dmpm-pool-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
    auto address = SocketAddress::unix_path(path());
    fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::bind(fd_.get(), address->get(), address->size) != 0 ||
        ::listen(fd_.get(), backlog) != 0) {
      throw std::runtime_error("cannot listen");
    }
  }
  ~TestSocket() { std::filesystem::remove_all(directory_); }
  TestSocket(const TestSocket&) = delete;
  TestSocket& operator=(const TestSocket&) = delete;

  std::string path() const { return directory_ + "/socket"; }
  // As the pool wants it: relative to the root directory.
  std::string name() const { return path().substr(1); }
  // The oldest connection that was not accepted yet; none: an empty one.
  Fd accept() { return Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  // As after kill -9: the path stays, nobody listens.
  void stop() { fd_.reset(); }

 private:
  std::string directory_;
  Fd fd_;
};

class TestWaiter final : public Waiter {
 public:
  void on_connection(WorkerConnection& got) override {
    connection = &got;
    ++calls;
  }
  void on_no_worker(const NoWorker& why) override {
    reason = why.reason;
    retry_after = why.retry_after;
    ++calls;
    if (then) then();
  }

  WorkerConnection* connection = nullptr;
  std::string reason;
  Milliseconds retry_after{};
  int calls = 0;
  std::function<void()> then;
};

// An exchange of which nothing is expected.
class SilentExchange final : public WorkerExchange {
 public:
  size_t response_room() const override { return 1 << 20; }
  void on_interim_head(const http::ResponseHead&) override {}
  void on_response_head(const http::ResponseHead&) override {}
  void on_response_body(std::string_view) override {}
  void on_response_end() override { ended = true; }
  void on_tunnel_end() override {}
  void on_worker_lost(std::string_view) override { lost = true; }
  void on_worker_took_all() override {}
  bool ended = false, lost = false;
};

constexpr Milliseconds kIdle{150};

GroupSettings settings() {
  GroupSettings settings;
  settings.name = "a";
  settings.queue = 2;
  settings.queue_timeout = settings.start_timeout = settings.response_timeout =
      Milliseconds(60'000);
  settings.idle_timeout = kIdle;
  return settings;
}

struct Fixture {
  WorkerConnection* acquire(Waiter& waiter, Waiter::Reuse reuse) {
    waiter.reuse = reuse;
    return pool.acquire(waiter);
  }

  EventLoop loop;
  DeadlineWheel wheel{loop};
  Graveyard graveyard{loop};
  TestMaster master;
  std::vector<char> input = std::vector<char>(limits::kReadSize);
  Counts counts{std::move(*metrics::Mapping<Counts::Segment>::alone())};
  PoolServices services{loop, wheel, graveyard, master, counts, input};
  WorkerPool pool{services, 7, settings()};

  void settle() {
    while (loop.run_ready()) {
    }
  }
  // Until `done` holds, which is looked at every few milliseconds.
  template <typename Condition>
  void run_until(Condition done) {
    struct Tick final : TimerHandler {
      explicit Tick(EventLoop& events) : loop(events), timer(events, *this) {}
      void on_timer() override { loop.stop(); }
      EventLoop& loop;
      Timer timer;
    } tick(loop);
    for (int i = 0; i < 2000 && !done(); ++i) {
      tick.timer.set(Milliseconds(5));
      loop.run();
    }
    CHECK(done());
  }
  // A whole exchange: the worker at the other end answers, and the connection can be reused.
  void exchange(WorkerConnection& connection, const Fd& worker) {
    SilentExchange silent;
    connection.begin(silent, {});
    constexpr std::string_view kAnswer = "HTTP/1.1 204 No Content\r\n\r\n";
    REQUIRE(::send(worker.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) > 0);
    settle();
    REQUIRE(silent.ended);
    REQUIRE(connection.end_exchange());
  }
};

}  // namespace

TEST_CASE("the first request wakes a worker and gets its connection") {
  Fixture f;
  TestSocket worker;
  TestWaiter waiter;
  CHECK(f.acquire(waiter, Waiter::Reuse::any) == nullptr);
  CHECK(f.master.take() == Notes{"want 7 0"});
  CHECK_FALSE(f.pool.quiet());
  // Another one does not ask again.
  TestWaiter second;
  CHECK(f.acquire(second, Waiter::Reuse::any) == nullptr);
  CHECK(f.master.take().empty());
  f.pool.on_worker_ready(1, {8}, worker.name());
  CHECK(waiter.connection != nullptr);
  CHECK(second.connection != nullptr);
  CHECK(waiter.connection != second.connection);
  CHECK(waiter.connection->worker() == 1);
  f.pool.release(*waiter.connection, false);
  f.pool.release(*second.connection, false);
  CHECK(f.pool.quiet());
}

TEST_CASE("wake asks once") {
  Fixture f;
  f.pool.wake();
  f.pool.wake();
  CHECK(f.master.take() == Notes{"want 7 0"});
  TestSocket worker;
  f.pool.on_worker_ready(1, {8}, worker.name());
  f.pool.wake();
  CHECK(f.master.take().empty());
}

TEST_CASE("the queue has a limit") {
  Fixture f;
  TestWaiter first, second, third;
  f.acquire(first, Waiter::Reuse::any);
  f.acquire(second, Waiter::Reuse::any);
  CHECK(f.acquire(third, Waiter::Reuse::any) == nullptr);
  CHECK(third.reason == "the queue of waiting requests is full");
  CHECK(third.retry_after == Milliseconds(1000));
  CHECK_FALSE(third.linked());
  // One that leaves makes room.
  f.pool.cancel(first);
  CHECK_FALSE(first.linked());
  TestWaiter fourth;
  CHECK(f.acquire(fourth, Waiter::Reuse::any) == nullptr);
  CHECK(fourth.calls == 0);
  f.pool.cancel(first);  // twice is once
  TestWaiter fifth;
  f.acquire(fifth, Waiter::Reuse::any);
  CHECK(fifth.calls == 1);
  for (TestWaiter* waiter : {&second, &fourth}) f.pool.cancel(*waiter);
  CHECK(f.pool.quiet());
}

TEST_CASE("those who wait are served in their order, and nobody passes them") {
  Fixture f;
  TestSocket worker;
  TestWaiter first, second, third;
  f.acquire(first, Waiter::Reuse::any);
  f.pool.on_worker_ready(1, {1}, worker.name());
  REQUIRE(first.connection != nullptr);
  f.acquire(second, Waiter::Reuse::any);
  f.acquire(third, Waiter::Reuse::any);
  CHECK(second.calls + third.calls == 0);
  f.pool.release(*first.connection, false);
  REQUIRE(second.connection != nullptr);
  CHECK(third.calls == 0);
  f.pool.release(*second.connection, false);
  REQUIRE(third.connection != nullptr);
  f.pool.release(*third.connection, false);
}

TEST_CASE("a full group asks for another worker and uses the least busy one") {
  Fixture f;
  TestSocket one, two;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {2}, one.name());
  WorkerConnection* a = f.acquire(waiter, Waiter::Reuse::any);
  WorkerConnection* b = f.acquire(waiter, Waiter::Reuse::any);
  REQUIRE(a != nullptr);
  REQUIRE(b != nullptr);
  CHECK(f.acquire(waiter, Waiter::Reuse::any) == nullptr);
  CHECK(f.master.take() == Notes{"want 7 0"});
  f.pool.on_worker_ready(2, {2}, two.name());
  REQUIRE(waiter.connection != nullptr);
  CHECK(waiter.connection->worker() == 2);
  // Worker 1 has two, worker 2 has one.
  WorkerConnection* c = f.acquire(waiter, Waiter::Reuse::any);
  REQUIRE(c != nullptr);
  CHECK(c->worker() == 2);
  f.pool.release(*a, false);
  f.pool.release(*b, false);
  WorkerConnection* d = f.acquire(waiter, Waiter::Reuse::any);
  CHECK(d->worker() == 1);
  for (WorkerConnection* connection : {waiter.connection, c, d}) f.pool.release(*connection, false);
  CHECK(f.pool.quiet());
}

TEST_CASE("after a failed start requests fail until it may be tried again") {
  Fixture f;
  TestWaiter waiter;
  f.acquire(waiter, Waiter::Reuse::any);
  f.master.take();
  f.pool.on_worker_failed(Milliseconds(200), "no such command");
  CHECK(waiter.reason == "no such command");
  CHECK(waiter.retry_after == Milliseconds(200));
  TestWaiter next;
  CHECK(f.acquire(next, Waiter::Reuse::any) == nullptr);
  CHECK(next.reason == "no such command");
  CHECK(next.retry_after > Milliseconds(0));
  CHECK(next.retry_after <= Milliseconds(200));
  f.pool.wake();
  CHECK(f.master.take().empty());
  const Instant until = f.loop.now() + Milliseconds(200);
  f.run_until([&] { return f.loop.now() >= until; });
  TestWaiter later;
  CHECK(f.acquire(later, Waiter::Reuse::any) == nullptr);
  CHECK(later.calls == 0);
  CHECK(f.master.take() == Notes{"want 7 0"});
  TestSocket worker;
  f.pool.on_worker_ready(1, {1}, worker.name());
  REQUIRE(later.connection != nullptr);
  f.pool.release(*later.connection, false);
}

TEST_CASE("a failure reaches nobody while another worker of the group lives") {
  Fixture f;
  TestSocket worker;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {1}, worker.name());
  WorkerConnection* busy = f.acquire(waiter, Waiter::Reuse::any);
  f.acquire(waiter, Waiter::Reuse::any);
  f.pool.on_worker_failed(Milliseconds(1000), "all 1 workers are busy");
  CHECK(waiter.calls == 0);
  f.pool.release(*busy, false);
  REQUIRE(waiter.connection != nullptr);
  f.pool.release(*waiter.connection, false);
}

TEST_CASE("the next worker is asked for at once when the last of those that were busy goes") {
  Fixture f;
  TestSocket worker;
  TestWaiter waiter, later;
  f.pool.on_worker_ready(1, {1}, worker.name());
  WorkerConnection* busy = f.acquire(waiter, Waiter::Reuse::any);
  f.pool.on_worker_failed(Milliseconds(1000), "all 1 workers are busy");
  f.pool.on_worker_gone(1);
  f.pool.release(*busy, false);
  CHECK(f.acquire(later, Waiter::Reuse::any) == nullptr);
  CHECK(later.calls == 0);
  CHECK(f.master.take() == Notes{"want 7 0"});
  f.pool.cancel(later);
}

TEST_CASE("one that fails may cancel another that is about to") {
  Fixture f;
  TestWaiter first, second;
  first.then = [&] { f.pool.cancel(second); };
  f.acquire(first, Waiter::Reuse::any);
  f.acquire(second, Waiter::Reuse::any);
  f.pool.on_worker_failed(Milliseconds(1000), "broken");
  CHECK(first.calls == 1);
  CHECK(second.calls == 0);
  CHECK(f.pool.quiet());
}

TEST_CASE("one that fails may ask again at once") {
  Fixture f;
  TestWaiter first, second, again;
  first.then = [&] { f.acquire(again, Waiter::Reuse::any); };
  f.acquire(first, Waiter::Reuse::any);
  f.acquire(second, Waiter::Reuse::any);
  f.pool.on_worker_failed(Milliseconds(1000), "broken");
  CHECK(first.calls == 1);
  CHECK(second.calls == 1);
  CHECK(again.reason == "broken");
  CHECK(f.pool.quiet());
}

TEST_CASE("a connection is reused when its exchange ended cleanly") {
  Fixture f;
  TestSocket socket;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {4}, socket.name());
  WorkerConnection* first = f.acquire(waiter, Waiter::Reuse::recent);
  REQUIRE(first != nullptr);
  const Fd worker = socket.accept();
  f.exchange(*first, worker);
  f.pool.release(*first, true);
  CHECK(f.acquire(waiter, Waiter::Reuse::recent) == first);  // it is fresh
  f.exchange(*first, worker);
  f.pool.release(*first, true);
  f.settle();
  CHECK_FALSE(socket.accept());
}

TEST_CASE("an idle connection that the worker ends is forgotten") {
  Fixture f;
  TestSocket socket;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {1}, socket.name());
  WorkerConnection* first = f.acquire(waiter, Waiter::Reuse::any);
  Fd worker = socket.accept();
  f.exchange(*first, worker);
  f.pool.release(*first, true);
  worker.reset();
  f.settle();
  WorkerConnection* second = f.acquire(waiter, Waiter::Reuse::any);
  REQUIRE(second != nullptr);
  CHECK_FALSE(second->reused());
  CHECK(socket.accept());
  f.pool.release(*second, false);
}

TEST_CASE("bytes on an idle connection end it") {
  Fixture f;
  TestSocket socket;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {1}, socket.name());
  WorkerConnection* first = f.acquire(waiter, Waiter::Reuse::any);
  const Fd worker = socket.accept();
  f.exchange(*first, worker);
  f.pool.release(*first, true);
  REQUIRE(::send(worker.get(), "HTTP/1.1 200 OK\r\n", 17, MSG_NOSIGNAL) == 17);
  f.settle();
  char byte = 0;
  CHECK(::recv(worker.get(), &byte, 1, MSG_DONTWAIT) == 0);
}

TEST_CASE("a worker that dies with an idle connection leaves nothing behind") {
  // The master's word and the connection's end may come in the same round, in either order.
  for (const bool word_first : {true, false}) {
    CAPTURE(word_first);
    Fixture f;
    TestSocket socket, other;
    TestWaiter waiter;
    f.pool.on_worker_ready(1, {4}, socket.name());
    WorkerConnection* first = f.acquire(waiter, Waiter::Reuse::any);
    Fd worker = socket.accept();
    f.exchange(*first, worker);
    f.pool.release(*first, true);
    worker.reset();
    socket.stop();
    if (word_first) f.pool.on_worker_gone(1);
    f.settle();
    if (!word_first) f.pool.on_worker_gone(1);
    f.pool.on_worker_ready(2, {4}, other.name());
    WorkerConnection* next = f.acquire(waiter, Waiter::Reuse::any);
    REQUIRE(next != nullptr);
    CHECK(next->worker() == 2);
    f.pool.release(*next, false);
    f.settle();
    CHECK(f.pool.quiet());
  }
}

TEST_CASE("a worker whose socket has gone is forgotten, and another asked for") {
  Fixture f;
  TestSocket socket;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {4}, socket.name());
  socket.stop();
  CHECK(f.acquire(waiter, Waiter::Reuse::any) == nullptr);
  CHECK(waiter.calls == 0);
  CHECK(f.master.take() == Notes{"want 7 0"});
  TestSocket other;
  f.pool.on_worker_ready(2, {4}, other.name());
  REQUIRE(waiter.connection != nullptr);
  f.pool.release(*waiter.connection, false);
}

TEST_CASE("a request waits for room in a worker's accept queue") {
  Fixture f;
  TestSocket socket(0);
  f.pool.on_worker_ready(1, {16}, socket.name());
  std::vector<WorkerConnection*> connections;
  std::array<TestWaiter, 8> waiters;
  size_t used = 0;
  while (used < waiters.size()) {
    WorkerConnection* connection = f.acquire(waiters[used++], Waiter::Reuse::any);
    if (connection == nullptr) break;
    connections.push_back(connection);
  }
  TestWaiter& waiting = waiters[used - 1];
  REQUIRE(waiting.linked());
  const Fd accepted = socket.accept();
  f.run_until([&] { return waiting.connection != nullptr; });
  for (WorkerConnection* connection : connections) f.pool.release(*connection, false);
  f.pool.release(*waiting.connection, false);
}

TEST_CASE("an idle worker is reported once, and released when asked") {
  Fixture f;
  TestSocket socket;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {4}, socket.name());
  WorkerConnection* connection = f.acquire(waiter, Waiter::Reuse::any);
  const Fd worker = socket.accept();
  f.exchange(*connection, worker);
  const Instant released = f.loop.now();
  f.pool.release(*connection, true);
  Notes notes;
  f.run_until([&] { return !notes.empty() || !(notes = f.master.take()).empty(); });
  CHECK(notes == Notes{"idle 7 1"});
  CHECK(f.loop.now() - released >= kIdle);
  f.pool.on_release_worker(1);
  CHECK(f.master.take() == Notes{"released 7 1"});
  f.settle();
  char byte = 0;
  CHECK(::recv(worker.get(), &byte, 1, MSG_DONTWAIT) == 0);  // closed
  // Released is gone: the next request asks.
  CHECK(f.acquire(waiter, Waiter::Reuse::any) == nullptr);
  CHECK(f.master.take() == Notes{"want 7 0"});
  f.pool.cancel(waiter);
}

TEST_CASE("a worker that was never used is reported as idle too") {
  Fixture f;
  TestSocket socket;
  f.pool.on_worker_ready(1, {4}, socket.name());
  Notes notes;
  f.run_until([&] { return !notes.empty() || !(notes = f.master.take()).empty(); });
  CHECK(notes == Notes{"idle 7 1"});
}

TEST_CASE("a worker with a request in flight is not released") {
  Fixture f;
  TestSocket socket;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {4}, socket.name());
  WorkerConnection* connection = f.acquire(waiter, Waiter::Reuse::any);
  f.pool.on_release_worker(1);
  CHECK(f.master.take() == Notes{"busy 7 1"});
  f.pool.release(*connection, false);
  f.pool.on_release_worker(1);
  CHECK(f.master.take() == Notes{"released 7 1"});
  // The master's question and the worker's end may cross: there must be an answer.
  f.pool.on_release_worker(1);
  CHECK(f.master.take() == Notes{"released 7 1"});
}

TEST_CASE("connections of a worker that has gone are given back without harm") {
  Fixture f;
  TestSocket socket;
  TestWaiter waiter;
  f.pool.on_worker_ready(1, {4}, socket.name());
  WorkerConnection* connection = f.acquire(waiter, Waiter::Reuse::any);
  f.pool.on_worker_gone(1);
  CHECK_FALSE(f.pool.quiet());
  f.pool.release(*connection, true);
  f.settle();
  CHECK(f.pool.quiet());
}

TEST_CASE("whether a worker has answered since its start") {
  Fixture f;
  TestSocket socket;
  CHECK_FALSE(f.pool.has_answered(1));
  f.pool.note_answer(1);
  f.pool.on_worker_ready(1, {4}, socket.name());
  CHECK_FALSE(f.pool.has_answered(1));
  f.pool.note_answer(1);
  CHECK(f.pool.has_answered(1));
  f.pool.on_worker_gone(1);
  CHECK_FALSE(f.pool.has_answered(1));
}

namespace {

// Takes `count` connections at once; they are given back by give_back().
std::vector<WorkerConnection*> take(Fixture& f, size_t count) {
  std::vector<WorkerConnection*> taken;
  TestWaiter waiter;
  while (taken.size() < count) {
    taken.push_back(f.acquire(waiter, Waiter::Reuse::any));
    REQUIRE(taken.back() != nullptr);
  }
  return taken;
}

// The next ones.
Notes notes_of(Fixture& f) {
  Notes notes;
  f.run_until([&] { return !notes.empty() || !(notes = f.master.take()).empty(); });
  return notes;
}

void give_back(Fixture& f, const std::vector<WorkerConnection*>& taken) {
  for (WorkerConnection* connection : taken) f.pool.release(*connection, false);
}

size_t count_of(const std::vector<WorkerConnection*>& taken, uint32_t worker) {
  return static_cast<size_t>(
      std::count_if(taken.begin(), taken.end(), [&](auto* c) { return c->worker() == worker; }));
}

}  // namespace

TEST_CASE("another worker is asked for when none is at ease for a while, not for a burst") {
  Fixture f;
  TestSocket one, two;
  f.pool.on_worker_ready(1, {8, 2}, one.name());
  auto burst = take(f, 3);
  give_back(f, burst);
  const Instant later = f.loop.now() + Milliseconds(500);
  f.run_until([&] { return f.loop.now() >= later; });
  for (const std::string& note : f.master.take()) CHECK(note == "idle 7 1");
  auto crowd = take(f, 3);
  CHECK(notes_of(f) == Notes{"in use 7 1"});
  CHECK(notes_of(f) == Notes{"want 7 0"});
  f.pool.on_worker_ready(2, {8, 2}, two.name());
  const auto more = take(f, 1);
  CHECK(more.front()->worker() == 2);
  give_back(f, crowd);
  give_back(f, more);
}

TEST_CASE("while there can be no other worker, the crowd is served by those that are there") {
  Fixture f;
  TestSocket one;
  f.pool.on_worker_ready(1, {4, 1}, one.name());
  auto crowd = take(f, 3);
  CHECK(notes_of(f) == Notes{"want 7 0"});
  f.pool.on_worker_failed(Milliseconds(300), "all 1 workers are busy");
  const Instant failed = f.loop.now();
  const auto more = take(f, 1);
  CHECK(notes_of(f) == Notes{"want 7 0"});
  CHECK(f.loop.now() - failed >= Milliseconds(300));
  give_back(f, crowd);
  give_back(f, more);
}

TEST_CASE("when fewer workers would do for a while, the newest rests and is called idle") {
  Fixture f;
  TestSocket one, two;
  f.pool.on_worker_ready(1, {8, 4}, one.name());
  f.pool.on_worker_ready(2, {8, 4}, two.name());
  // Both have something all the time, one would be at ease with it.
  bool idle = false;
  f.run_until([&] {
    if (idle) return true;
    const auto some = take(f, 2);
    for (const std::string& note : f.master.take()) {
      CHECK(note == "idle 7 2");
      idle = true;
    }
    const bool rests = count_of(some, 2) == 0;
    CHECK((!idle || rests));
    give_back(f, some);
    for (TestSocket* socket : {&one, &two}) {
      while (socket->accept()) {
      }
    }
    return idle;
  });
  // What one is not at ease with brings it back.
  const auto crowd = take(f, 5);
  CHECK(count_of(crowd, 2) == 1);
  CHECK(f.master.take() == Notes{"in use 7 2"});
  give_back(f, crowd);
}

TEST_CASE("a worker that has served its requests is spent: told once, used only when it must be") {
  Fixture f;
  TestSocket one, two;
  f.pool.on_worker_ready(1, {8, 8, 2}, one.name());
  auto taken = take(f, 2);
  CHECK(f.master.take() == Notes{"spent 7 1"});
  const auto third = take(f, 1);  // nobody waits for the fresh one
  CHECK(third.front()->worker() == 1);
  f.pool.on_worker_ready(2, {8, 8, 2}, two.name());
  const auto fourth = take(f, 1);
  CHECK(fourth.front()->worker() == 2);
  f.pool.on_release_worker(1);
  CHECK(f.master.take() == Notes{"busy 7 1"});
  give_back(f, taken);
  give_back(f, third);
  f.pool.on_release_worker(1);
  CHECK(f.master.take() == Notes{"released 7 1"});
  give_back(f, fourth);
}

TEST_CASE("a worker that answers nothing for long is replaced, not one that has answered") {
  Fixture f;
  TestSocket one, two;
  GroupSettings settings = f.pool.settings();
  settings.start_timeout = Milliseconds(20);
  f.pool.change_settings(settings);
  f.pool.on_worker_ready(1, {8, 8}, one.name());
  f.pool.on_worker_ready(2, {8, 8}, two.name());
  f.pool.note_answer(2);
  f.pool.note_silence(1);
  CHECK(f.master.take().empty());  // too early
  const auto begin = f.loop.now();
  f.run_until([&] { return f.loop.now() - begin >= Milliseconds(80); });
  f.master.take();  // that it is idle
  for (int i = 0; i < 2; ++i) {
    f.pool.note_silence(1);
    f.pool.note_silence(2);
  }
  CHECK(f.master.take() == Notes{"spent 7 1"});
}

TEST_CASE("a group has a number of requests") {
  Fixture f;
  GroupSettings few = settings();
  few.max_requests = 2;
  f.pool.change_settings(few);
  CHECK(f.pool.admit());
  CHECK(f.pool.admit());
  CHECK_FALSE(f.pool.admit());
  f.pool.dismiss();
  CHECK(f.pool.admit());
  CHECK_FALSE(f.pool.quiet());
  f.pool.dismiss();
  f.pool.dismiss();
  CHECK(f.pool.quiet());
}

TEST_CASE("a group has a share of the descriptors, of which idle connections make way") {
  Fixture f;
  f.services.most_connections = 2;
  TestSocket one, two;
  f.pool.on_worker_ready(1, {8}, one.name());
  f.pool.on_worker_ready(2, {8}, two.name());
  TestWaiter waiter;
  const auto taken = take(f, 2);
  CHECK(f.acquire(waiter, Waiter::Reuse::any) == nullptr);
  CHECK(waiter.linked());
  const Fd worker = taken[0]->worker() == 1 ? one.accept() : two.accept();
  f.exchange(*taken[0], worker);
  f.pool.release(*taken[0], true);
  REQUIRE(waiter.connection != nullptr);
  f.exchange(*waiter.connection, worker);
  f.pool.release(*waiter.connection, true);
  // One that may not be reused needs a connection of its own.
  WorkerConnection* own = f.acquire(waiter, Waiter::Reuse::never);
  REQUIRE(own != nullptr);
  f.pool.release(*own, false);
  f.pool.release(*taken[1], false);
}
