// Every cap of the bridge, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace dmpm::adapter {

// At once. More wait in the socket's queue, as they would for any server. The group's own
// connections_per_worker is usually below it; what is open is also bounded by RLIMIT_NOFILE.
inline constexpr size_t kMostConnections = 2048;
// Two sockets, and a pipe each way while data is on its way.
inline constexpr size_t kDescriptorsPerConnection = 6;
inline constexpr size_t kOwnDescriptors = 64;
// Held of one direction: what a pipe takes.
inline constexpr size_t kMostHeld = 65'536;
// Pipes kept for the next use; making one costs 5 microseconds.
inline constexpr size_t kMostIdlePipes = 32;
// Bytes moved for one connection before others get their turn.
inline constexpr size_t kMostPerTurn = size_t{1} << 20;
inline constexpr int kMostEvents = 256;

using BridgeTime = std::chrono::milliseconds;
// While the program starts nobody says when it listens: asked again and again, at last this often.
inline constexpr BridgeTime kRetryMost{20};
// One that has listened and does not any more (it restarts itself, or its queue is full).
inline constexpr BridgeTime kRefusedFor{5'000};
// From the program's end to ours: what it wrote last is still passed on.
inline constexpr BridgeTime kDrainTime{2'000};

}  // namespace dmpm::adapter
