// Every cap of reading the configuration, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace dmpm::config::limits {

// 100,000 sites in one file need about 80 MB; more is a mistake (a log, a device).
inline constexpr size_t kMaxMainFile = size_t{256} << 20;
// One customer's sites.
inline constexpr size_t kMaxSiteFile = size_t{4} << 20;
// The deepest key of the format lies at 6; jsoncpp reads recursively.
inline constexpr unsigned kMaxDepth = 16;
// What an operator reads of one file in one go.
inline constexpr size_t kMaxProblemsPerFile = 50;
// Foreign text quoted in a message.
inline constexpr size_t kMaxQuoted = 80;
// Links on the way to a file: as the kernel's own limit.
inline constexpr unsigned kMaxLinks = 40;
// Directories that stay open during a load: most machines have all sites' files in fewer, and a
// process that may open no more than 1,024 files can spare these.
inline constexpr size_t kMaxOpenDirectories = 64;
// An absolute path, as the kernel's PATH_MAX without the final zero.
inline constexpr size_t kMaxPath = 4095;
// sun_path without the final zero.
inline constexpr size_t kMaxSocketPath = 107;
// Dispatchers: the master keeps a bit for each of 64, and during a change twice as many run.
inline constexpr unsigned kMaxProcesses = 32;
// A log file's name: a rotated one gets a date and a suffix, and NAME_MAX is 255.
inline constexpr size_t kMaxLogName = 200;
// Longer than any idle or start-up time that is meant.
inline constexpr std::chrono::hours kMaxDuration{24 * 30};

// Permission modules of one group, beyond which a start gets slow. Their settings travel in the
// plan of a worker, which is one message of at most 200 KiB.
inline constexpr size_t kMaxModules = 8;
// What a permission module says of one value.
inline constexpr size_t kMaxModuleSentence = 500;

}  // namespace dmpm::config::limits
