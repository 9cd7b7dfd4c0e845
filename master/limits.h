// Every cap of the master, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/event_loop.h"

namespace dmpm::master {

// ---- dispatchers ----

// A worker's book keeps one bit for each dispatcher; more processes than cores help nobody.
inline constexpr unsigned kMaxDispatchers = 64;

// What a dispatcher may ask, per second and at once. 10,000 sites that wake in one instant need
// 10,000 workers and 10,000 certificates: the burst allows it twice. An answered request costs the
// master about 10 microseconds (a certificate 100), so a hostile dispatcher takes at most a tenth
// of a core for questions and a fifth for certificates. Starts have their own limit below.
inline constexpr double kRequestsPerSecond = 5'000;
inline constexpr double kRequestBurst = 20'000;
inline constexpr double kCertificatesPerSecond = 2'000;
inline constexpr double kCertificateBurst = 20'000;
// What the keyholder reports: two verdicts on each certificate, and each second four kinds of
// offences of each dispatcher.
inline constexpr double kKeyReportsPerSecond = 5'000;
inline constexpr double kKeyReportBurst = 50'000;

// Notices that wait for a slow dispatcher: room for the configuration of 100,000 virtual hosts at
// 300 bytes each, twice over (a reload while it still reads the first).
inline constexpr size_t kMaxQueuedNotices = size_t{64} << 20;
// Several about the configuration go in a message as long as it is no larger. A socket's buffer takes
// some of these, so that the dispatcher reads one while the next is written.
inline constexpr size_t kNoticesMessage = size_t{32} << 10;

// Certificate chain and private key together; RSA-4096 with a chain of four is 12 KiB. Must fit one
// message.
inline constexpr size_t kMaxCertificateBytes = size_t{64} << 10;

// How long a dispatcher may finish what is in flight when the master stops, and how much longer it
// may take to exit.
inline constexpr Milliseconds kDrainTime{30'000};
inline constexpr Milliseconds kDrainGrace{2'000};

// When a new generation of dispatchers has taken over, the old ones answer requests that come within
// this time on connections that were open, as the last ones there: a client that is busy never finds
// its connection closed under a request.
inline constexpr Milliseconds kDrainIdle{5'000};

// ---- services (dispatchers, logger) ----

// From the second death on; the first restart is at once. Somebody who edits the executable's
// directory must not wait long, and a service that cannot start must not fill the log.
inline constexpr Milliseconds kServiceBackoffLeast{100};
inline constexpr Milliseconds kServiceBackoffMost{10'000};
// A process that lived this long has recovered.
inline constexpr Milliseconds kStableAfter{10'000};

// What waits for a slow logger: notices about 10,000 workers at 200 bytes each, and about the access
// logs of 100,000 virtual hosts at 150. Lines of text are dropped before that.
inline constexpr size_t kMaxQueuedForLogger = size_t{32} << 20;
// A message about virtual hosts is sent when it is so large.
inline constexpr size_t kHostLogsMessage = size_t{32} << 10;
// Bytes of the access log between dispatchers and logger; the kernel allows no more than
// net.core.wmem_max.
inline constexpr int kAccessLogBuffer = 1 << 20;
inline constexpr Milliseconds kLoggerStopTime{5'000};

// What waits for a slow keyholder: three certificates with two pairs each, and numbers.
inline constexpr size_t kMaxQueuedForKeyholder = size_t{4} << 20;

// Sockets that systemd may pass: more "listen" entries than anybody has.
inline constexpr uint64_t kMaxPassedSockets = 256;

// Scrapers and browsers that wait for their turn at dmpm-metrics.
inline constexpr int kMetricsBacklog = 16;

// ---- control socket ----

// An operator and a few programs that watch.
inline constexpr int kMaxControlClients = 16;
// The status of 100,000 groups at 150 bytes each.
inline constexpr size_t kMaxControlAnswer = size_t{16} << 20;
// From the connection to the request; for what is asked (a stop waits for workers); to read the rest.
inline constexpr Milliseconds kControlRequestTime{5'000};
inline constexpr Milliseconds kControlAnswerTime{600'000};
inline constexpr Milliseconds kControlReadTime{10'000};
// What the status says of one group and of one reason at most, so that each fits a message.
inline constexpr size_t kMaxWorkersReported = 256;
inline constexpr size_t kMaxReasonReported = 1'024;

// ---- upgrade ----

// The new version reads the whole configuration: 100,000 site files from a cold disk.
inline constexpr Milliseconds kUpgradeTrialTime{120'000};
// What it says against it.
inline constexpr size_t kMaxUpgradeWords = size_t{16} << 10;

// ---- workers ----

// Starts over all groups. One costs the master half a millisecond, so this is a quarter of a core;
// most servers cost the machine more. 10,000 sites that wake at once are up within 20 s.
inline constexpr double kStartsPerSecond = 500;
inline constexpr double kStartBurst = 100;
inline constexpr Milliseconds kStartRetry{10};  // how often a throttled queue is looked at

// A worker that ends sooner than this, even with status 0, has failed to serve.
inline constexpr Milliseconds kYoung{1'000};
// One that lived this long has earned its successor at once: its site serves most of the time.
inline constexpr Milliseconds kWorkerStableAfter{2'000};
// A crash loop: the first restart is at once (what killed it may have been one request).
inline constexpr Milliseconds kWorkerBackoffLeast{250};
inline constexpr Milliseconds kWorkerBackoffMost{30'000};
// Up to this long a back-off is the master's own business: the socket stays, what waits in its
// queue is served by the successor, and dispatchers wait for their answer. Beyond, they are told at
// once.
inline constexpr Milliseconds kShortBackoff{500};
// What failed before exec (a missing program, a missing directory) fails again until somebody acts.
inline constexpr Milliseconds kStartFailureBackoff{2'000};

// All workers of a group are busy: how soon a dispatcher gets another answer.
inline constexpr Milliseconds kBusyRetry{1'000};

// The kernel takes less if net.core.somaxconn says so. More than `connections_per_worker` of all
// dispatchers never wait.
inline constexpr int kWorkerBacklog = 4'096;
inline constexpr int kListenerBacklog = 4'096;

// What a dead worker wrote last stays in its log pipe this long for the logger to read.
inline constexpr Milliseconds kLogLinger{2'000};

// A worker whose group changed finishes what is in flight: asked this often, and ended after this
// long whatever is in flight (a WebSocket may last for days).
inline constexpr Milliseconds kRetireAskEvery{1'000};
inline constexpr Milliseconds kRetireTime{600'000};

// ---- idle workers that stay warm ----

// Of the budget, what one worker may have: a quarter, or one customer's would leave room for none.
inline constexpr uint64_t kWarmShare = 4;
// Processes of one worker that are looked at (30 microseconds each). One that has more does not stay.
inline constexpr size_t kMaxMeasured = 64;
// What a process costs besides its memory: stacks, page tables and books of the kernel.
inline constexpr uint64_t kProcessKib = 64;
// The machine is short of memory below this part of it, in percent...
inline constexpr uint64_t kMemoryShort = 10;
// ...which is looked at this often while any worker is warm.
inline constexpr Milliseconds kPressureLook{1'000};

// ---- the end ----

// After SIGKILL a worker is there only for whoever traces it, or stuck in the kernel: nobody waits longer.
inline constexpr Milliseconds kKilledTime{2'000};
// All workers together, at the end.
inline constexpr Milliseconds kWorkersStopTime{90'000};

// Of one worker, whose processes were killed and are not gone yet. Beyond, it runs without.
inline constexpr int kMaxDyingCgroups = 8;
// Processes of a cgroup among which a worker that was handed over is looked for; it is the oldest.
inline constexpr size_t kMaxTakenOver = 4'096;
// At the end, for the last killed process to be gone from its cgroup.
inline constexpr Milliseconds kCgroupRemovalTime{1'000};

// How often the master looks for what dead sessions left behind: a look reads the list of all its
// children (about a microsecond each), however many of them died.
inline constexpr Milliseconds kSweepEvery{50};

// Dead children that are reaped before other events get their turn.
inline constexpr int kReapsPerRound = 256;

}  // namespace dmpm::master
