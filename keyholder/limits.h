// Every cap of the keyholder, with its reason.
#pragma once

#include <cstddef>

#include "base/event_loop.h"

namespace dmpm::keyholder_limits {

// ---- keys ----

// Pairs of certificate and key that are parsed at a time; the least recently used goes first and is
// asked for again. About 10 KiB each.
inline constexpr size_t kMaxLoaded = 1'000;
// Locked memory for their private halves: RSA-4096 takes 1.8 KiB. Half of what a process may lock by
// default.
inline constexpr size_t kLockedHeap = size_t{4} << 20;
// What is still here of renewed or removed certificates, for handshakes that had begun.
inline constexpr Milliseconds kRenewalGrace{60'000};
inline constexpr size_t kMaxRetired = 4'096;
// Certificates of one chain; more is a mistake of who made the file.
inline constexpr size_t kMaxChain = 10;
// Questions to the master that are unanswered: as many answers of the largest size as its channel
// holds, so that no key has to wait in the master's memory.
inline constexpr size_t kMaxAsked = 3;
// Questions a second. Less than what the master allows before it takes this process for one that has
// been taken over (master/limits.h): a dispatcher that asks for what cannot be loaded, again and
// again, only waits longer.
inline constexpr double kQuestionsPerSecond = 1'500;
inline constexpr double kQuestionBurst = 15'000;
inline constexpr Milliseconds kQuestionPause{5};
// Requests that wait for certificates, of all dispatchers: every connection of a full dispatcher.
inline constexpr size_t kMaxWaiting = 100'000;

// ---- dispatchers ----

// Signatures a second. ECDSA P-256 costs 25 microseconds, RSA-2048 600: more than this no processor
// makes. Whoever runs code in a dispatcher cannot ask for more by flooding.
inline constexpr double kSignaturesPerSecond = 20'000;
inline constexpr double kSignatureBurst = 20'000;
// A dispatcher that starts asks for every certificate that is in use.
inline constexpr double kLoadsPerSecond = 2'000;
inline constexpr double kLoadBurst = 20'000;
// Answers that are put into one message at most; one that is larger has a message of its own.
inline constexpr size_t kAnswerSize = 64 * 1024;
// Answers that wait for a dispatcher to read: all certificates that are loaded, at 4 KiB. While some
// wait, no request of its is read; beyond they are lost.
inline constexpr size_t kMaxUnsent = size_t{4} << 20;
// How often the master is told of one kind of offence of one dispatcher.
inline constexpr Milliseconds kOffenceReport{1'000};

// ---- session tickets ----

// Tickets are good for two hours (OpenSSL's default): with three keys, changed by the hour, each can
// be opened as long as it is good.
inline constexpr Milliseconds kTicketRotation{3'600'000};
inline constexpr size_t kTicketKeys = 3;

// ---- the master ----

// It reads at once; more than this means that it hangs.
inline constexpr size_t kMaxQueuedToMaster = 1024 * 1024;

}  // namespace dmpm::keyholder_limits
