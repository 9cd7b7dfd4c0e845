// Every cap of the logger, with its reason.
#pragma once

#include <sys/resource.h>

#include <cstddef>

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

// Lines of one group: far above what a site writes that is read by anybody, low enough that one
// site cannot fill a disk unnoticed or keep the logger from the others.
inline constexpr double kGroupLinesPerSecond = 1000;
inline constexpr double kGroupBurst = 5000;

// A pipe whose group is over its rate is read that much later: its worker waits, nobody else.
inline constexpr Milliseconds kFloodPause{20};

// Lines of all dispatchers together. Attackers choose how many errors there are.
inline constexpr double kDispatcherLinesPerSecond = 5000;
inline constexpr double kDispatcherBurst = 20000;

// Messages taken from the dispatchers in one round, so that the others have their turn.
inline constexpr int kDispatcherMessages = 64;

// Messages taken from the dispatchers when the logger ends: more than their channel can hold.
inline constexpr int kMaxLastMessages = 4096;

// Bytes that wait for the one write of a round; more are written at once.
inline constexpr size_t kMaxPending = 256 * 1024;

// How long dropped lines are counted before they are reported, and a full disk is left alone.
inline constexpr Milliseconds kReportDelay{1000};

// Bytes queued towards the master: the logger never sends.
inline constexpr size_t kMaxQueuedToMaster = 0;

// Descriptors: a pipe for each worker and a file for each group that has written.
inline constexpr rlim_t kMaxOpenFiles = 65536;

}  // namespace dmpm::logger_limits
