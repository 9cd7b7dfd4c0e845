// Warnings: what is no error of a configuration, but will be missed when it matters: a certificate that
// is about to expire, a program that is not there, a home that neighbours can read.
//
// Looks at files as whoever runs the command; what that user cannot see is not warned of.
#pragma once

#include <ctime>
#include <vector>

#include "cli/sites.h"
#include "cli/warnings_certificates.h"
#include "cli/warnings_files.h"
#include "config/loader.h"

namespace dmpm::cli {

class Warnings {
 public:
  // `now`: seconds since 1970.
  Warnings(const config::Configuration& configuration, const Sites& sites, std::time_t now)
      : configuration_(configuration),
        sites_(sites),
        certificates_(now),
        files_(sites.groups().size()) {}

  void look_at_all();
  void look_at(const config::VirtualHost& host);
  void look_at(const config::Group& group);
  // Their messages begin with "warning: ".
  const std::vector<config::Problem>& found() const { return found_; }

 private:
  void add(const config::Location& location, std::string_view message);
  bool serves_plain() const;

  const config::Configuration& configuration_;
  const Sites& sites_;
  CertificateWarnings certificates_;
  FileWarnings files_;
  std::vector<config::Problem> found_;
};

}  // namespace dmpm::cli
