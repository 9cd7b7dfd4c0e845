#include "master/worker_plan.h"

#include <unistd.h>

#include <map>

#include "base/text.h"
#include "base/wire.h"
#include "master/heritage.h"

namespace dmpm::master {

namespace {

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// What every worker has, what its configuration adds or overrides, and what its dialect needs.
std::map<std::string, std::string> variables_of(const config::Group& group) {
  const std::string& user = group.permissions.identity.user;
  auto all = group.worker.environment;
  all.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  all.try_emplace("HOME", group.worker.directory);
  all.try_emplace("USER", user);
  all.try_emplace("LOGNAME", user);
  if (group.worker.activation == config::Activation::nginx) {
    all["NGINX"] = concat({std::to_string(heritage::kWorkerSocket), ";"});
  } else if (group.worker.activation == config::Activation::listen_fds) {
    all["LISTEN_FDS"] = "1";
    all["LISTEN_FDNAMES"] = group.name;
    all.erase("LISTEN_PID");
  }
  return all;
}

// dmpm-worker-adapter OWN ARGUMENTS [-- COMMAND]
void put_adapter_first(WorkerPlan& plan, const std::vector<std::string>& arguments,
                       std::string_view programs) {
  plan.adapter = concat({programs, "/dmpm-worker-adapter"});
  std::vector<std::string> words{plan.adapter};
  words.insert(words.end(), arguments.begin(), arguments.end());
  if (!plan.words.empty()) words.emplace_back("--");
  words.insert(words.end(), plan.words.begin(), plan.words.end());
  plan.words = std::move(words);
}

void write_strings(WireWriter& writer, const std::vector<std::string>& strings) {
  writer.u32(static_cast<uint32_t>(strings.size()));
  for (const std::string& string : strings) writer.string(string);
}

std::vector<std::string> read_strings(WireReader& reader) {
  std::vector<std::string> strings;
  for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    strings.emplace_back(reader.string());
  }
  return strings;
}

}  // namespace

WorkerPlan make_plan(const config::Group& group, uint32_t number, const std::string& socket_path,
                     const rlimit& open_files, std::string_view programs) {
  WorkerPlan plan;
  plan.permissions = group.permissions;
  plan.open_files = open_files;
  plan.directory = group.worker.directory;
  plan.words = group.worker.command;
  if (!group.worker.adapter.empty()) put_adapter_first(plan, group.worker.adapter, programs);
  if (group.worker.activation == config::Activation::argument) {
    for (std::string& word : plan.words) {
      replace_all(word, "{fd}", std::to_string(heritage::kWorkerSocket));
      replace_all(word, "{socket}", socket_path);
    }
  }
  for (const auto& [name, value] : variables_of(group)) {
    plan.variables.push_back(concat({name, "=", value}));
  }
  plan.listen_pid = group.worker.activation == config::Activation::listen_fds;
  plan.master = ::getpid();
  plan.group = group.name;
  plan.number = number;
  return plan;
}

std::string encode(const WorkerPlan& plan) {
  const config::Permissions& may = plan.permissions;
  WireWriter writer;
  writer.u32(may.identity.uid).u32(may.identity.gid);
  writer.u32(static_cast<uint32_t>(may.supplementary_groups.size()));
  for (const gid_t gid : may.supplementary_groups) writer.u32(gid);
  writer.string(may.root).u32(may.umask);
  writer.u32(static_cast<uint32_t>(may.resource_limits.size()));
  for (const config::ResourceLimit& limit : may.resource_limits) {
    writer.u32(static_cast<uint32_t>(limit.resource)).u64(limit.value);
  }
  writer.u64(plan.open_files.rlim_cur).u64(plan.open_files.rlim_max).string(plan.directory);
  writer.string(plan.adapter);
  write_strings(writer, plan.words);
  write_strings(writer, plan.variables);
  writer.u32(plan.listen_pid ? 1 : 0).u32(static_cast<uint32_t>(plan.master));
  writer.string(plan.group).u32(plan.number).u32(static_cast<uint32_t>(plan.ended));
  writer.u32(static_cast<uint32_t>(may.modules.size()));
  for (const config::PermissionModule& module : may.modules) {
    writer.string(module.name).string(module.path).u32(module.stages).string(module.settings);
  }
  return writer.take();
}

std::optional<WorkerPlan> decode_plan(std::string_view message) {
  WireReader reader(message);
  WorkerPlan plan;
  config::Permissions& may = plan.permissions;
  may.identity.uid = reader.u32();
  may.identity.gid = reader.u32();
  for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    may.supplementary_groups.push_back(reader.u32());
  }
  may.root = reader.string();
  may.umask = reader.u32();
  for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    const int resource = static_cast<int>(reader.u32());
    may.resource_limits.push_back({resource, reader.u64()});
  }
  plan.open_files.rlim_cur = reader.u64();
  plan.open_files.rlim_max = reader.u64();
  plan.directory = reader.string();
  plan.adapter = reader.string();
  plan.words = read_strings(reader);
  plan.variables = read_strings(reader);
  plan.listen_pid = reader.u32() != 0;
  plan.master = static_cast<pid_t>(reader.u32());
  plan.group = reader.string();
  plan.number = reader.u32();
  plan.ended = static_cast<pid_t>(reader.u32());
  for (uint32_t left = reader.u32(); left > 0 && reader.ok(); --left) {
    config::PermissionModule& module = may.modules.emplace_back();
    module.name = reader.string();
    module.path = reader.string();
    module.stages = reader.u32();
    module.settings = reader.string();
  }
  if (!reader.complete() || plan.words.empty()) return std::nullopt;
  return plan;
}

}  // namespace dmpm::master
