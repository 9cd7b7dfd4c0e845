// Files: of the system, of the master, of other groups, and what lies in the way to them.
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "tests/red-team/attack.h"

namespace dmpm::red_team {

namespace {

// One byte of it is enough.
bool can_read(int fd) {
  char byte;
  return fd >= 0 && ::read(fd, &byte, 1) == 1;
}
bool can_read(const char* path) {
  return can_read(::open(path, O_RDONLY));
}
bool can_write(const char* path) {
  return ::open(path, O_WRONLY) >= 0;
}
std::string of_process(const Targets& targets, const char* process, const char* file) {
  return "/proc/" + targets.at(process) + "/" + file;
}

bool read_passwd(const Targets&) {
  return can_read("/etc/passwd");
}
bool read_shadow(const Targets&) {
  return can_read("/etc/shadow");
}
bool read_key(const Targets& targets) {
  return can_read(at(targets, "key"));
}
bool read_site_file(const Targets& targets) {
  return can_read(at(targets, "site_file"));
}
bool read_log(const Targets& targets) {
  return can_read(at(targets, "log"));
}
bool read_other_log(const Targets& targets) {
  return can_read(at(targets, "other_log"));
}
bool write_other_pipe(const Targets& targets) {
  return ::open(at(targets, "other_pipe"), O_WRONLY | O_NONBLOCK) >= 0;
}
bool read_configuration(const Targets& targets) {
  return can_read(at(targets, "configuration"));
}
bool read_init_memory(const Targets&) {
  return ::open("/proc/1/mem", O_RDONLY) >= 0;
}
bool read_master_memory(const Targets& targets) {
  return ::open(of_process(targets, "master", "mem").c_str(), O_RDONLY) >= 0;
}
bool read_master_environment(const Targets& targets) {
  return ::open(of_process(targets, "master", "environ").c_str(), O_RDONLY) >= 0;
}
bool take_master_descriptor(const Targets& targets) {
  DIR* list = ::opendir(of_process(targets, "master", "fd").c_str());
  return list != nullptr && ::readdir(list) != nullptr;
}
bool read_other_memory(const Targets& targets) {
  return ::open(of_process(targets, "other", "mem").c_str(), O_RDONLY) >= 0;
}
bool read_other_environment(const Targets& targets) {
  return can_read(of_process(targets, "other", "environ").c_str());
}
bool take_other_root(const Targets& targets) {
  return ::open(of_process(targets, "other", "root").c_str(), O_PATH | O_DIRECTORY) >= 0;
}
bool read_own_maps(const Targets&) {
  return can_read("/proc/self/maps");
}
bool write_own_memory_file(const Targets&) {
  return can_write("/proc/self/mem");
}
bool list_root(const Targets&) {
  DIR* list = ::opendir("/");
  return list != nullptr && ::readdir(list) != nullptr;
}
bool look_at_passwd(const Targets&) {
  struct stat found {};
  return ::stat("/etc/passwd", &found) == 0;
}
bool read_link(const Targets&) {
  char path[256];
  return ::readlink("/proc/self/exe", path, sizeof path) > 0;
}
bool make_file(const Targets&) {
  const int fd = ::open("/dmpm-red-team", O_WRONLY | O_CREAT, 0600);
  if (fd >= 0) ::unlink("/dmpm-red-team");
  return fd >= 0;
}
bool make_file_in(const Targets& targets, const char* directory) {
  const std::string path = targets.at(directory) + "/dmpm-red-team";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  if (fd >= 0) ::unlink(path.c_str());
  return fd >= 0;
}
bool make_file_in_runtime(const Targets& targets) {
  return make_file_in(targets, "runtime");
}
bool make_file_beside_sockets(const Targets& targets) {
  return make_file_in(targets, "sockets");
}
bool make_file_beside_logs(const Targets& targets) {
  return make_file_in(targets, "logs");
}
bool list_sockets(const Targets& targets) {
  DIR* list = ::opendir(at(targets, "sockets"));
  return list != nullptr && ::readdir(list) != nullptr;
}
// Root from outside, or what is left of an inherited directory.
bool open_through_descriptors(const Targets&) {
  std::string upward = "etc/passwd";
  for (int i = 0; i < 64; ++i) upward.insert(0, "../");
  const auto opens = [&upward](int directory) {
    return can_read(::openat(directory, "etc/passwd", O_RDONLY)) ||
           can_read(::openat(directory, upward.c_str(), O_RDONLY));
  };
  for (int fd = 0; fd < 64; ++fd) {
    if (opens(fd)) return true;
  }
  return opens(AT_FDCWD);
}
// The well-known way out: a root directory below the one that one stands in.
bool leave_root(const Targets&) {
  ::mkdir("/tmp/dmpm-red-team", 0700);
  if (::chroot("/tmp/dmpm-red-team") != 0) return false;
  for (int i = 0; i < 64; ++i) {
    if (::chdir("..") != 0) return false;
  }
  if (::chroot(".") != 0) return false;
  ::rmdir("/tmp/dmpm-red-team");
  return can_read("/etc/passwd");
}
bool change_root(const Targets&) {
  return ::chroot("/") == 0;
}
bool change_directory(const Targets&) {
  return ::chdir("/etc") == 0;
}
bool open_by_handle(const Targets&) {
  alignas(file_handle) char space[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<file_handle*>(space);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (::name_to_handle_at(AT_FDCWD, "/", handle, &mount, 0) != 0) return false;
  const int root = ::open("/", O_RDONLY | O_DIRECTORY);
  return ::open_by_handle_at(root, handle, O_RDONLY) >= 0;
}
bool make_device(const Targets&) {
  const bool made = ::mknod("/tmp/dmpm-red-team-device", S_IFCHR | 0600, makedev(1, 1)) == 0;
  if (made) ::unlink("/tmp/dmpm-red-team-device");
  return made;
}
bool make_link(const Targets&) {
  const bool made = ::symlink("/etc/passwd", "/tmp/dmpm-red-team-link") == 0;
  if (made) ::unlink("/tmp/dmpm-red-team-link");
  return made;
}
// A worker's socket, made by the test for this.
bool remove_socket(const Targets& targets) {
  return ::unlink(at(targets, "removable")) == 0;
}
bool rename_socket(const Targets& targets) {
  return ::rename(at(targets, "removable"), (targets.at("removable") + ".x").c_str()) == 0;
}
bool change_mode(const Targets& targets) {
  return ::chmod(at(targets, "removable"), 0666) == 0;
}
bool change_owner(const Targets& targets) {
  return ::chown(at(targets, "removable"), ::getuid(), ::getgid()) == 0;
}
bool truncate_log(const Targets& targets) {
  return ::truncate(at(targets, "old_log"), 0) == 0;
}
bool overwrite_log(const Targets& targets) {
  return ::open(at(targets, "old_log"), O_WRONLY | O_TRUNC) >= 0;
}
bool rewrite_log(const Targets& targets) {
  const int fd = ::open(at(targets, "old_log"), O_WRONLY);
  return fd >= 0 && ::pwrite(fd, "x", 1, 0) == 1;
}
bool rewrite_appended_log(const Targets& targets) {
  const int fd = ::open(at(targets, "old_log"), O_WRONLY | O_APPEND);
  return fd >= 0 && ::fcntl(fd, F_SETFL, 0) == 0 && ::pwrite(fd, "x", 1, 0) == 1;
}
bool remove_log(const Targets& targets) {
  return ::unlink(at(targets, "old_log")) == 0;
}
bool rename_log(const Targets& targets) {
  return ::rename(at(targets, "old_log"), (targets.at("old_log") + ".x").c_str()) == 0;
}
bool watch_files(const Targets&) {
  const int fd = ::inotify_init1(0);
  return fd >= 0 && ::inotify_add_watch(fd, "/", IN_ALL_EVENTS) >= 0;
}
bool map_file(const Targets&) {
  // Standard input is /dev/null, which cannot be mapped: /dev/zero can.
  const int fd = ::open("/dev/zero", O_RDONLY);
  return ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED;
}
bool read_descriptor(const Targets&) {
  char byte;
  return ::read(STDIN_FILENO, &byte, 1) >= 0;
}
bool make_memory_file(const Targets&) {
  return ::syscall(SYS_memfd_create, "x", 0) >= 0;
}

constexpr Attack kAttacks[] = {
    {"read /etc/passwd", read_passwd},
    {"read /etc/shadow", read_shadow},
    {"read a private key", read_key},
    {"read a site's file", read_site_file},
    {"read dmpm's log", read_log},
    {"read another group's log", read_other_log},
    {"write into another group's log pipe", write_other_pipe},
    {"read the configuration", read_configuration},
    {"open /proc/1/mem", read_init_memory},
    {"open the master's memory", read_master_memory},
    {"open the master's environment", read_master_environment},
    {"list the master's descriptors", take_master_descriptor},
    {"open another process's memory", read_other_memory},
    {"read another process's environment", read_other_environment},
    {"open another process's root directory", take_other_root},
    {"read /proc/self/maps", read_own_maps},
    {"write /proc/self/mem", write_own_memory_file},
    {"list the root directory", list_root},
    {"stat /etc/passwd", look_at_passwd},
    {"read a symbolic link", read_link},
    {"make a file in the root directory", make_file},
    {"make a file in the runtime directory", make_file_in_runtime},
    {"make a file beside the workers' sockets", make_file_beside_sockets},
    {"make a file in the log directory", make_file_beside_logs},
    {"list the workers' sockets", list_sockets},
    {"open through inherited descriptors", open_through_descriptors},
    {"leave the root directory by chroot", leave_root},
    {"chroot", change_root},
    {"change the working directory", change_directory},
    {"open a file by its handle", open_by_handle},
    {"make a device", make_device},
    {"make a symbolic link", make_link},
    {"remove a worker's socket", remove_socket},
    {"rename a worker's socket", rename_socket},
    {"change the mode of a worker's socket", change_mode},
    {"change the owner of a worker's socket", change_owner},
    {"truncate a log by name", truncate_log},
    {"open a log to truncate it", overwrite_log},
    {"open a log to write anywhere", rewrite_log},
    {"write anywhere in an opened log", rewrite_appended_log},
    {"remove a log", remove_log},
    {"rename a log", rename_log},
    {"watch files", watch_files},
    {"map a file", map_file},
    {"read an inherited descriptor", read_descriptor},
    {"make a file in memory", make_memory_file},
};

}  // namespace

std::span<const Attack> attacks_on_files() {
  return kAttacks;
}

}  // namespace dmpm::red_team
