// What processes and the machine say of their memory, in /proc.
//
// Of a process only what costs microseconds and takes no lock that it could hold: the kernel's
// counters, and not smaps_rollup, which walks its mappings under its own lock (a customer's process
// could make the master wait).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace dmpm::master {

// Bytes that the processes have for themselves: each one's anonymous memory, and once the largest
// one's shared memory, which they are taken to share. Files that they have mapped are not counted,
// pages that a fork left in common are counted twice. Nothing: more than kMaxMeasured processes.
std::optional<uint64_t> memory_of(const std::vector<pid_t>& processes);

// `root` and those below it, at most `most`: without a cgroup.
std::vector<pid_t> descendants(pid_t root, size_t most);

// Less than kMemoryShort percent of the machine's memory can be had without swapping.
bool memory_is_short();

}  // namespace dmpm::master
