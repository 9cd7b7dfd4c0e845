// Claims: which group and host names are taken, over all files.
//
// A file claims all its names or none, so that one that collides with another can be left out as a
// whole. What it claims points into the elements of its section's lists, which must stay where they
// are until it is withdrawn.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "config/file_content.h"

namespace dmpm::config {

class Claims {
 public:
  // Who claims: the path of the file, which outlives the claims.
  using Owner = const std::string*;

  // The first owner is the main file: its groups may be used in every file. Adds a problem for each
  // name that another file or this one has, and for each group that neither this file nor the main
  // one defines. With any problem, also an earlier one, it claims nothing and returns false.
  // `places`: of each virtual host, or empty.
  bool claim(Owner owner, const Section& section, const std::vector<VirtualHostPlaces>& places,
             ProblemList& problems);
  // What `owner` has claimed of the section is free again.
  void withdraw(Owner owner, const Section& section);
  bool has_host(std::string_view name) const { return hosts_.contains(name); }

 private:
  struct Place {
    Owner owner = nullptr;
    Position position;
  };
  using Names = std::unordered_map<std::string_view, Place>;

  void claim_groups(Owner owner, const Section& section, ProblemList& problems);
  void claim_names(Owner owner, const VirtualHost& host, const VirtualHostPlaces* places,
                   ProblemList& problems);
  void check_group(Owner owner, const Section& section, const VirtualHost& host, Position place,
                   ProblemList& problems) const;
  void claim_name(Names& names, std::string_view name, Place place, std::string_view kind,
                  ProblemList& problems);

  Owner main_ = nullptr;
  Names groups_, hosts_;
};

}  // namespace dmpm::config
