#include "config/permission_modules.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "config/problem_list.h"

namespace dmpm::config {
namespace {

constexpr uint32_t kStages = DMPM_BEFORE_ROOT | DMPM_BEFORE_IDS | DMPM_AFTER_IDS | DMPM_ENDED;
constexpr size_t kMaxName = 32;

bool is_module_name(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= kMaxName && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

// Why the module cannot be used; empty when it can.
std::string_view refused(const dmpm_module* module) {
  if (module == nullptr) return "it does not define dmpm_permission_module";
  if (module->abi != DMPM_PERMISSION_MODULE_ABI) {
    return "it was made for another version of permission_module.h; compile it anew";
  }
  if (module->stages == 0 || (module->stages & ~kStages) != 0) return "it declares no known stages";
  if (module->read == nullptr || module->apply == nullptr) return "a function is missing";
  return {};
}

}  // namespace

void PermissionModules::Unload::operator()(void* library) const {
  ::dlclose(library);
}

const Result<PermissionModules::Loaded>& PermissionModules::get(const std::string& directory,
                                                                const std::string& name) {
  const std::string key = concat({directory, "/", name});
  const auto known = modules_.find(key);
  if (known != modules_.end()) return known->second;
  return modules_.emplace(key, load(directory, name)).first->second;
}

Result<PermissionModules::Loaded> PermissionModules::load(const std::string& directory,
                                                          const std::string& name) {
  if (!is_module_name(name)) {
    return Error{concat({config::quoted(name),
                         " is no name for a permission module: use 1 to 32 of a-z 0-9 _ - and a "
                         "letter first"})};
  }
  Loaded loaded{concat({directory, "/", name, ".so"}), {}, nullptr};
  const auto cannot = [&name](std::string_view why) {
    return Error{
        concat({"the permission module ", config::quoted(name), " cannot be used: ", why})};
  };
  auto stamp = files_.stamp(loaded.path);
  if (!stamp) return cannot(stamp.error().message);
  loaded.stamp = *stamp;
  // All that it needs now: nothing can be missing when a worker is about to start.
  std::unique_ptr<void, Unload> library(::dlopen(loaded.path.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (library == nullptr) return cannot(::dlerror());
  loaded.descriptor =
      static_cast<const dmpm_module*>(::dlsym(library.get(), "dmpm_permission_module"));
  if (const auto why = refused(loaded.descriptor); !why.empty()) return cannot(why);
  libraries_.push_back(std::move(library));
  return loaded;
}

std::string default_module_directory() {
  std::error_code ignored;  // then modules are looked for in a place where there are none
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return program.parent_path() / "permission-modules";
}

}  // namespace dmpm::config
