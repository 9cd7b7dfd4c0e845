// One thing that somebody who runs code in one of dmpm's processes might try.
//
// Each is tried by a process of its own, which ends by it or by the lock-down: attacker.cc.
#pragma once

#include <span>
#include <string>
#include <unordered_map>

namespace dmpm::red_team {

// What the attacks aim at, as the test says: "key" -> the path of a private key, ...
using Targets = std::unordered_map<std::string, std::string>;

struct Attack {
  const char* name;
  // True: it has got what it wanted. Otherwise errno says why not; 0: it just did not.
  bool (*attempt)(const Targets& targets);
};

std::span<const Attack> attacks_on_files();
std::span<const Attack> attacks_on_processes();
std::span<const Attack> attacks_on_rights();
std::span<const Attack> attacks_over_sockets();
std::span<const Attack> attacks_on_the_kernel();
std::span<const Attack> attacks_on_the_master();
std::span<const Attack> attacks_on_the_keyholder();

// What every attack finds: an accepted TCP connection, the attacker's own client's, and an epoll
// descriptor, as a dispatcher has.
inline constexpr int kClient = 60;
inline constexpr int kWaiting = 61;

// ---- for their functions ----

inline const char* at(const Targets& targets, const char* name) {
  return targets.at(name).c_str();
}
inline int number(const Targets& targets, const char* name) {
  return std::stoi(targets.at(name));
}

}  // namespace dmpm::red_team
