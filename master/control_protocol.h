// What an operator's command (cli/) and the master say to each other over RUNTIME/control.sock, a
// SOCK_SEQPACKET socket that only root can reach.
//
//   command -> master   one Request.
//   master -> command   any number of messages, each of any number of Items: an Item's number (u32),
//                       then its fields in base/wire.h encoding. `done` is the last one.
#pragma once

#include <cstdint>

namespace dmpm::control_protocol {

inline constexpr char kSocketName[] = "control.sock";
inline constexpr uint32_t kVersion = 1;
// No message is longer.
inline constexpr uint32_t kMaxMessage = 128 * 1024;

enum class Command : uint32_t {
  reload = 1,   // answered when every dispatcher has the new configuration, or why nothing changed
  stop = 2,     // drain and stop; the connection ends with the master
  status = 3,   // answered by the items `master`, `service` and `group`
  upgrade = 4,  // answered by the new master when its dispatchers serve, or why the old one stays
};

struct Request {
  uint32_t version;
  Command command;
};
static_assert(sizeof(Request) == 8);

enum class Item : uint32_t {
  line = 1,  // string: for the operator to read
  done = 2,  // u32: 1 it is done, 0 it failed
  // u32 pid, u64 age in ms, string phase, string configuration file.
  master = 3,
  // string name, u32 pid (0: down), u64 age in ms, u32 how often one ended unasked, string the last
  // reason.
  service = 4,
  // string name, u32 GroupState, u64 workers started, u64 failures, string the last reason,
  // u64 ms until the next start (backing_off), u32 count of workers and for each: u32 number,
  // u32 pid (0: none), u64 age in ms, string state.
  group = 5,
  // u64 ms of processor time that workers of the group told last have used, and have ended. Left out
  // when it is none.
  group_usage = 6,
};

// `leaving`: a reload removed or changed it, its workers finish what they have.
enum class GroupState : uint32_t { asleep = 0, awake = 1, backing_off = 2, leaving = 3 };

}  // namespace dmpm::control_protocol
