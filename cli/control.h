// The way to the master that runs: asks it for one thing and hands on what it answers
// (master/control_protocol.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/wire.h"
#include "master/control_protocol.h"

namespace dmpm::cli {

struct Conversation {
  control_protocol::Command command;
  // Reads the fields of an item other than `line` and `done`; false when it knows no such item.
  std::function<bool(control_protocol::Item, WireReader&)> on_item;
  // Until the master's end, which closes the connection.
  bool until_end = false;
};

// What the master said: whether it is done, and lines for the operator.
struct Answer {
  bool done = false;
  std::vector<std::string> lines;
};

// The error says why there was no answer.
Result<Answer> ask(const std::string& runtime_directory, const Conversation& conversation);

// The same, and prints it: lines go to standard output, or to standard error when it failed in the
// end. The exit status.
int converse(const std::string& runtime_directory, const Conversation& conversation);

}  // namespace dmpm::cli
