// The kinds of load. Each returns the members of its JSON object.
#pragma once

#include <string>

#include "tests/bench/load_visitor.h"

namespace dmpm::bench {

std::string run_requests(const LoadOptions& options, const BodyPattern& pattern);
std::string run_handshakes(const LoadOptions& options, const BodyPattern& pattern);
std::string run_idle(const LoadOptions& options, const BodyPattern& pattern);
std::string run_steady(const LoadOptions& options, const BodyPattern& pattern);
std::string run_first(const LoadOptions& options, const BodyPattern& pattern);

}  // namespace dmpm::bench
