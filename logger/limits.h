// Every cap of the logger, with its reason.
#pragma once

#include <sys/resource.h>

#include <cstddef>
#include <cstdint>

#include "base/event_loop.h"

namespace dmpm::logger_limits {

// Bytes of one line. A PHP stack trace in one line fits; longer ones are cut into pieces, each its
// own line and marked as a continuation.
inline constexpr size_t kMaxLine = 8 * 1024;

// What one read takes from a worker's pipe: all that a pipe holds by default.
inline constexpr size_t kPipeRead = 64 * 1024;

// Bytes read from a pipe when it is closed: all that an unprivileged process can make it hold. A
// descendant of the worker that goes on writing does not keep the logger.
inline constexpr size_t kMaxDrain = 1024 * 1024;

// A pipe that could not be opened for want of descriptors is tried again so much later.
inline constexpr Milliseconds kRetryOpen{1000};

// Lines of one group: far above what a site writes that is read by anybody, low enough that one
// site cannot fill a disk unnoticed or keep the logger from the others.
inline constexpr double kGroupLinesPerSecond = 1000;
inline constexpr double kGroupBurst = 5000;
// Their bytes, as they come: lines of 8 KiB at the rate above would be 8 MiB a second. A stack trace
// a second of every site of a machine is far below.
inline constexpr double kGroupBytesPerSecond = 1024.0 * 1024;
inline constexpr double kGroupBytesBurst = 8 * kGroupBytesPerSecond;

// A pipe whose group is over its rate is read that much later: its worker waits, nobody else.
inline constexpr Milliseconds kFloodPause{20};

// Lines of all dispatchers together. Attackers choose how many errors there are.
inline constexpr double kDispatcherLinesPerSecond = 5000;
inline constexpr double kDispatcherBurst = 20000;
inline constexpr double kDispatcherBytesPerSecond = 4 * 1024.0 * 1024;
inline constexpr double kDispatcherBytesBurst = 8 * kDispatcherBytesPerSecond;

// Messages taken from the dispatchers in one round, so that the others have their turn.
inline constexpr int kDispatcherMessages = 64;

// Messages taken from the dispatchers when the logger ends: more than their channel can hold.
inline constexpr int kMaxLastMessages = 4096;

// ---- access logs ----

// Messages taken in one round: up to a megabyte, some 4,000 requests, formatted in 2 ms.
inline constexpr int kExchangeMessages = 16;
// More than one message can honestly report; so that a count never overflows.
inline constexpr uint64_t kMostDropped = uint64_t{1} << 40;
// Files open at once, each with its pending lines; a file that is not among them is opened again when
// it is needed. Must leave room within kMaxOpenFiles for the workers' pipes.
inline constexpr size_t kMaxAccessFiles = 512;
// So many files with something pending are written at the end of each round; more of them after
// kAccessDelay, or when they hold kMaxAccessPending together.
inline constexpr size_t kFewFiles = 16;
inline constexpr Milliseconds kAccessDelay{300};
inline constexpr size_t kMaxAccessPending = 4 * 1024 * 1024;
// Virtual hosts that were removed, while their last requests are under way.
inline constexpr size_t kMaxRemovedHosts = 1024;

// ---- files ----

// Bytes that wait for the one write of a round; more are written at once.
inline constexpr size_t kMaxPending = 256 * 1024;

// How long dropped lines are counted before they are reported, and a full disk is left alone.
inline constexpr Milliseconds kReportDelay{1000};

// Bytes queued towards the master: the logger never sends.
inline constexpr size_t kMaxQueuedToMaster = 0;

// Descriptors: a pipe for each worker and a file for each group that has written.
inline constexpr rlim_t kMaxOpenFiles = 65536;

}  // namespace dmpm::logger_limits
