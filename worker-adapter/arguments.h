// What the master puts behind "dmpm-worker-adapter", checked by the configuration's readers:
//
//   preload [port=N] [preload_library=PATH] -- COMMAND...
//   bridge port=N | path=PATH -- COMMAND...
//   preset NAME KEY=VALUE...
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dmpm::adapter {

class Arguments {
 public:
  // Nothing when an argument is no KEY=VALUE.
  static std::optional<Arguments> parse(const std::vector<std::string_view>& words);

  std::string_view program() const { return program_; }  // argv[0]: our own path
  std::string_view task() const { return task_; }        // "preload", "bridge", "preset"
  std::string_view preset() const { return preset_; }
  const std::vector<std::string>& command() const { return command_; }

  // The (last) value of `key`.
  std::optional<std::string> value(std::string_view key) const;
  std::string value_or(std::string_view key, std::string_view otherwise) const;
  // All of them, in order.
  std::vector<std::string> values(std::string_view key) const;

 private:
  std::string program_, task_, preset_;
  std::vector<std::pair<std::string, std::string>> values_;
  std::vector<std::string> command_;
};

}  // namespace dmpm::adapter
