// Names: the groups and virtual hosts that there are, as the master tells them, and what else it says of
// them.
//
// What a reload changes is in force at once at its commit; who is in the middle of an answer goes on
// with the listing that it has.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_loop.h"
#include "base/wire.h"

namespace dmpm::metrics {

struct Listing {
  struct Group {
    std::string name, user;
    uint64_t key = 0;
    std::vector<std::string> hosts;  // first names
  };
  struct Host {
    std::string name, group;  // the first of its names; empty group: its site file is broken
    uint64_t key = 0;
  };
  std::vector<Group> groups;  // by name
  std::vector<Host> hosts;    // by name
};

class Names {
 public:
  struct Trouble {
    std::string group, reason;
    Instant when;
  };

  // False: malformed, and nothing of the master's is ever that.
  bool hear(std::string_view message, Instant now);

  // As of the last commit; never null.
  std::shared_ptr<const Listing> listing();
  // Newest first.
  const std::deque<Trouble>& troubles() const { return troubles_; }

 private:
  struct Group {
    std::string name, user;
  };
  struct Host {
    std::string name;
    uint32_t group;
  };
  void apply(std::string_view message);
  void set_group(WireReader& reader);
  void set_host(WireReader& reader);
  std::shared_ptr<const Listing> make_listing() const;

  std::vector<std::string> staged_;  // until their commit
  std::map<uint32_t, Group> groups_;
  std::map<uint32_t, Host> hosts_;
  std::deque<Trouble> troubles_;
  std::shared_ptr<const Listing> listing_;  // null: to be made
};

}  // namespace dmpm::metrics
