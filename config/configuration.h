// The configuration as plain structs: what is left of the JSON once it has been read and checked.
// Defaults stand here and nowhere else. Every string, path and number has been validated; users and
// groups have been looked up. Copyable and comparable, so that a reload can tell what changed.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/client_limits.h"
#include "config/boxed.h"

namespace dmpm::config {

using Milliseconds = std::chrono::milliseconds;

// Where something stands in a file; line and column count from 1, column in bytes.
struct Location {
  std::shared_ptr<const std::string> file;  // shared by all that is in it
  unsigned line = 0;
  unsigned column = 0;
  bool operator==(const Location&) const = default;
};

struct Listener {
  std::string address;  // as written: "0.0.0.0:443", "[::]:443" (IPv6 only), "*:443" (dual stack)
  bool tls = false;
  bool redirect_to_https = false;  // answer every request with 308 to https://
  bool operator==(const Listener&) const = default;
};

// The ids that a service process or a worker runs with.
struct Identity {
  std::string user, group;
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(const Identity&) const = default;
};

struct DispatcherSettings {
  unsigned processes = 1;  // "auto": one for each CPU that may be used
  Identity identity;       // default user and group: dmpm
  bool operator==(const DispatcherSettings&) const = default;
};

// dmpm-metrics, which serves the counters (docs/metrics.md).
struct MetricsSettings {
  bool on = false;    // "metrics" is there
  Identity identity;  // default user: dmpm-metrics; only when it is on
  unsigned port = 0;  // on 127.0.0.1; 0: the Unix socket alone
  bool status_page = false;
  bool operator==(const MetricsSettings&) const = default;
};

struct ResourceLimit {
  int resource = 0;  // RLIMIT_*
  rlim_t value = 0;
  bool operator==(const ResourceLimit&) const = default;
};

// What a file was when it was last looked at: whether to read it again.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

// A permission module as one group uses it (master/permission_module.h).
struct PermissionModule {
  std::string name;      // [a-z][a-z0-9_-]{0,31}
  std::string path;      // absolute, of the shared library
  FileStamp stamp;       // of that, so that a new version of it counts as a change
  uint32_t stages = 0;   // DMPM_BEFORE_ROOT, ... as it declares them
  std::string settings;  // what its read() made of the configuration
  bool operator==(const PermissionModule&) const = default;
};

// What a group's workers may do: applied between fork and exec.
struct Permissions {
  Identity identity;  // never uid 0 or gid 0
  // The user's own groups as of the group database, unless listed in the configuration.
  std::vector<gid_t> supplementary_groups;
  std::string root = "/";
  std::vector<ResourceLimit> resource_limits;
  mode_t umask = 027;
  std::vector<PermissionModule> modules;  // in the order of their names, which is that of applying
  bool operator==(const Permissions&) const = default;
};

enum class Activation {
  listen_fds,  // LISTEN_FDS=1, LISTEN_PID, fd 3 (sd_listen_fds(3))
  nginx,       // NGINX="3;"
  argument,    // "{fd}" in the command becomes 3, "{socket}" the socket's path
  stdin_fd,    // "stdin": the socket is descriptor 0 (inetd "wait" style)
  preload,     // dmpm-worker-adapter: a library makes the program's TCP port the socket
  bridge,      // dmpm-worker-adapter: passes connections on to where the program listens
};

struct Worker {
  // [0] is an absolute path inside the group's root; empty when the adapter knows the program.
  std::vector<std::string> command;
  Activation activation = Activation::listen_fds;
  std::string directory = "/";  // inside the root
  std::map<std::string, std::string> environment;
  // Arguments of dmpm-worker-adapter, which then executes the command; empty when it is not needed.
  std::vector<std::string> adapter;
  // Connections to it begin with a PROXY header, version 2, and serve one client each.
  bool proxy_protocol = false;
  bool operator==(const Worker&) const = default;
};

struct Scale {
  unsigned min_workers = 0;
  unsigned max_workers = 1;
  unsigned connections_per_worker = 512;  // open at once, over all dispatchers
  // With that many in flight at every worker another one is started, up to max_workers.
  unsigned requests_at_once = 16;
  unsigned requests_per_worker = 0;  // served by one worker, then another takes over; 0: no limit
  unsigned max_requests = 4'096;     // in flight and waiting, over all dispatchers
  Milliseconds idle_timeout{60'000};
  Milliseconds start_timeout{10'000};
  Milliseconds stop_timeout{10'000};  // from SIGTERM to SIGKILL
  unsigned queue = 128;               // requests that wait for a worker
  Milliseconds queue_timeout{30'000};
  Milliseconds response_timeout{60'000};  // until a worker's response head, and between body bytes
  bool operator==(const Scale&) const = default;
};

struct Group {
  std::string name;  // [A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}
  Permissions permissions;
  Worker worker;
  Scale scale;
  // Trailer fields of responses are passed on to clients that say `TE: trailers`; else dropped.
  bool forward_trailers = false;
  Location location;  // not compared: moving a group inside its file changes nothing
  bool operator==(const Group& other) const {
    return name == other.name && permissions == other.permissions && worker == other.worker &&
           scale == other.scale && forward_trailers == other.forward_trailers;
  }
};

struct CertificateFiles {
  std::string certificate_path, key_path;  // absolute
  bool operator==(const CertificateFiles&) const = default;
};

struct Certificate : CertificateFiles {
  // With another type of key, for clients that cannot take the first.
  Boxed<CertificateFiles> second;
  bool operator==(const Certificate&) const = default;
};

// The access logs, as the main file says. Formats are those of base/access_format.h, and valid.
struct AccessLog {
  std::string file;  // one for all virtual hosts, in the log directory; empty: none
  std::string format = "combined";
  bool per_virtual_host = false;  // each has one of its own, too
  bool operator==(const AccessLog&) const = default;
};

// What a virtual host says itself.
struct HostAccessLog {
  bool off = false;    // its requests are logged nowhere
  std::string file;    // in the directory of the virtual hosts' logs; empty: by its first name
  std::string format;  // empty: as the main file says
  bool operator==(const HostAccessLog&) const = default;
};

struct VirtualHost {
  // Lower case, without port or trailing dot. "*.a.test" stands for every name below a.test,
  // however deep; the longest match wins, an exact name before any wildcard.
  std::vector<std::string> names;
  std::string group;
  std::optional<Certificate> tls;
  Boxed<HostAccessLog> access_log;
  Location location;  // not compared
  bool operator==(const VirtualHost& other) const {
    return names == other.names && group == other.group && tls == other.tls &&
           access_log == other.access_log;
  }
};

// Where a virtual host's requests are logged.
struct HostLog {
  bool in_common = false;    // in the log for all
  std::string file, format;  // its own; empty: none
  bool logged() const { return in_common || !file.empty(); }
  bool operator==(const HostLog&) const = default;
};
HostLog log_of(const VirtualHost& host, const AccessLog& main);

// What one file says of groups and virtual hosts. Never changed: versions of the configuration share
// those of the files that say the same, so that what did not change is neither copied nor compared.
struct Section {
  std::vector<Group> groups;  // by name
  std::vector<VirtualHost> virtual_hosts;
  bool operator==(const Section&) const = default;
};

struct Configuration {
  std::string runtime_directory = "/run/dmpm";
  std::string log_directory = "/var/log/dmpm";
  std::string private_directories = "/var/lib/dmpm";
  // Default: permission-modules in the directory of the running program.
  std::string permission_module_directory;
  std::vector<Listener> listen;
  DispatcherSettings dispatcher;
  Identity keyholder;  // default user: dmpm-keys
  Identity logger;     // default user: dmpm-log
  MetricsSettings metrics;
  ClientLimits limits;
  AccessLog access_log;
  // Memory that idle workers may keep beyond their idle_timeout, all together; 0: none stays.
  uint64_t keep_warm = 0;
  // The main file's first, then those of the site files in order. No group and no host name is there
  // twice; a virtual host's group is in its own section or the first one, or its name is empty.
  std::vector<std::shared_ptr<const Section>> sections;
  bool operator==(const Configuration&) const = default;  // the very same sections
};

}  // namespace dmpm::config
