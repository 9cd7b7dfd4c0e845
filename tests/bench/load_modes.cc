#include "tests/bench/load_modes.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

namespace dmpm::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

// One failure is the end of the run: what is measured with failures is not worth a number.
[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "bench-load: FAILED: %s\n", what.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

// Whoever runs us looks at the processor time between "ready" and the line that it sends.
void wait_for_start() {
  std::puts("ready");
  std::fflush(stdout);
  char line[16];
  if (!std::fgets(line, sizeof line, stdin)) give_up("nobody said when to begin");
}

void in_thread(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    give_up(error.what());
  }
}

// `prepare(i)` in each of `count` threads, then all at once its result; how long the latter took.
double run_together(unsigned count, const std::function<std::function<void()>(unsigned)>& prepare) {
  std::barrier ready(count + 1), start(count + 1), end(count + 1);
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      in_thread([&] {
        const std::function<void()> work = prepare(i);
        ready.arrive_and_wait();
        start.arrive_and_wait();
        work();
        end.arrive_and_wait();
      });
    });
  }
  ready.arrive_and_wait();
  wait_for_start();
  const Clock::time_point begin = Clock::now();
  start.arrive_and_wait();
  end.arrive_and_wait();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The i-th of `count` parts of `whole`.
uint64_t share(uint64_t whole, unsigned i, unsigned count) {
  return whole / count + (i < whole % count ? 1 : 0);
}

std::string latencies(std::vector<double>& microseconds) {
  if (microseconds.empty()) return "";
  std::sort(microseconds.begin(), microseconds.end());
  const auto at = [&](double part) {
    const auto i = static_cast<size_t>(part * static_cast<double>(microseconds.size()));
    return std::to_string(microseconds[std::min(i, microseconds.size() - 1)]);
  };
  return ", \"p50_us\": " + at(0.5) + ", \"p99_us\": " + at(0.99) + ", \"max_us\": " + at(1);
}

std::string counted(uint64_t count, double seconds) {
  return "\"requests\": " + std::to_string(count) + ", \"seconds\": " + std::to_string(seconds);
}

}  // namespace

std::string run_requests(const LoadOptions& options, const BodyPattern& pattern) {
  const double seconds =
      run_together(options.connections, [&](unsigned i) -> std::function<void()> {
        const auto visitor = std::make_shared<Visitor>(options, pattern, i);
        const std::shared_ptr<HttpClient> client = visitor->connect(options.hosts.front());
        // What is done once for a connection or a site is not what is measured.
        for (size_t n = 0; n < options.hosts.size(); ++n) visitor->request(*client, n);
        return [&options, visitor, client, i] {
          const uint64_t mine = share(options.count, i, options.connections);
          for (uint64_t n = 0; n < mine; ++n) visitor->request(*client, n);
        };
      });
  return counted(options.count, seconds);
}

std::string run_handshakes(const LoadOptions& options, const BodyPattern& pattern) {
  std::vector<double> all;
  std::mutex mutex;
  const double seconds =
      run_together(options.connections, [&](unsigned i) -> std::function<void()> {
        const auto visitor = std::make_shared<Visitor>(options, pattern, i);
        if (options.resume) {  // the first session
          const auto client = visitor->connect(options.hosts.front());
          visitor->request(*client, 0);
          client->close();
        }
        return [&, visitor, i] {
          std::vector<double> took;
          for (uint64_t n = i; n < options.count; n += options.connections) {
            const Clock::time_point begin = Clock::now();
            const auto client = visitor->connect(visitor->host(n), options.resume);
            visitor->request(*client, n);
            took.push_back(Microseconds(Clock::now() - begin).count());
            client->close();
          }
          const std::lock_guard lock(mutex);
          all.insert(all.end(), took.begin(), took.end());
        };
      });
  return counted(options.count, seconds) + latencies(all);
}

std::string run_idle(const LoadOptions& options, const BodyPattern& pattern) {
  Visitor visitor(options, pattern);
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (unsigned i = 0; i < options.connections; ++i) {
    clients.push_back(visitor.connect(visitor.host(i)));
    visitor.request(*clients.back(), i);
  }
  wait_for_start();
  // All of them must still be there: a proxy that closes them has no idle connections.
  for (unsigned i = 0; i < options.connections; ++i) visitor.request(*clients[i], i);
  return counted(options.connections, 0);
}

namespace {

struct Sample {
  Clock::time_point due;
  double microseconds;  // from when it was due
  std::string backend;
};

// Requests at fixed times. A late answer does not delay the next request, as long as a thread is
// free, and is counted from when its request was due.
class Steady {
 public:
  Steady(const LoadOptions& options, const BodyPattern& pattern)
      : options_(options), pattern_(pattern) {}

  std::string run() {
    const double seconds =
        run_together(options_.connections + 1, [&](unsigned i) -> std::function<void()> {
          if (i == options_.connections) return [this] { watch_for_end(); };
          const auto visitor = std::make_shared<Visitor>(options_, pattern_, i);
          const std::shared_ptr<HttpClient> kept =
              options_.fresh ? nullptr : visitor->connect(visitor->host(i));
          if (kept) visitor->request(*kept, i);
          return [this, visitor, kept] { work(*visitor, kept.get()); };
        });
    write_samples();
    std::vector<double> took;
    for (const Sample& sample : samples_) took.push_back(sample.microseconds);
    return counted(samples_.size(), seconds) + latencies(took);
  }

 private:
  // A second line, or the end of the input, ends the run early.
  void watch_for_end() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (next_ < options_.count && !stop_) {
      if (::poll(&input, 1, 20) > 0) stop_ = true;
    }
  }

  void work(Visitor& visitor, HttpClient* kept) {
    std::vector<Sample> mine;
    while (!stop_) {
      const uint64_t n = next_++;
      if (n >= options_.count) break;
      const Clock::time_point due =
          begin() + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(static_cast<double>(n) / options_.rate));
      std::this_thread::sleep_until(due);
      std::string backend;
      if (kept) {
        backend = visitor.request(*kept, n);
      } else {
        const auto client = visitor.connect(visitor.host(n));
        backend = visitor.request(*client, n);
        client->close();
      }
      mine.push_back({due, Microseconds(Clock::now() - due).count(), backend});
    }
    const std::lock_guard lock(mutex_);
    samples_.insert(samples_.end(), mine.begin(), mine.end());
  }

  // When the first thread came here.
  Clock::time_point begin() {
    std::call_once(begun_, [this] { begin_ = Clock::now(); });
    return begin_;
  }

  // "due latency backend", in the order of the requests; microseconds, `due` since the boot.
  void write_samples() {
    std::sort(samples_.begin(), samples_.end(),
              [](const Sample& a, const Sample& b) { return a.due < b.due; });
    if (options_.samples.empty()) return;
    FILE* file = std::fopen(options_.samples.c_str(), "we");
    if (!file) give_up(options_.samples);
    for (const Sample& sample : samples_) {
      std::fprintf(file, "%.0f %.0f %s\n", Microseconds(sample.due.time_since_epoch()).count(),
                   sample.microseconds, sample.backend.c_str());
    }
    if (std::fclose(file) != 0) give_up(options_.samples);
  }

  const LoadOptions& options_;
  const BodyPattern& pattern_;
  std::once_flag begun_;
  Clock::time_point begin_;
  std::atomic<uint64_t> next_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::vector<Sample> samples_;
};

}  // namespace

std::string run_steady(const LoadOptions& options, const BodyPattern& pattern) {
  return Steady(options, pattern).run();
}

std::string run_first(const LoadOptions& options, const BodyPattern& pattern) {
  Visitor visitor(options, pattern);
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(options.deadline);
  while (true) {
    try {
      const auto client = visitor.connect(options.hosts.front());
      visitor.request(*client, 0);
      break;
    } catch (const Failure& failure) {
      if (Clock::now() > deadline) throw;
      std::this_thread::sleep_for(std::chrono::microseconds(options.retry));
    }
  }
  const double now = Microseconds(Clock::now().time_since_epoch()).count();
  return "\"answered_us\": " + std::to_string(now);
}

}  // namespace dmpm::bench
