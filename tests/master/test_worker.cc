// A worker for tests: serves its listening socket, one connection after the other, one line each.
//
//   dmpm-test_worker [--fd N] [--exit STATUS] [--need FILE] [--ignore-term]
//
// --exit: at once. --need: exits with status 1 at once unless FILE exists.
//   report          what this process is and has, one "key=value" a line
//   exit STATUS     closes the connection and exits
//   die             SIGKILL to itself, the connection unanswered
//   orphan          leaves a grandchild in a process group of its own; answers with its number
//   daemon          leaves one that has left session and process group, as daemons do: twice
//   anything else   answered by the same
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string descriptors() {
  std::string list;
  for (int fd = 0; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) list += std::to_string(fd) + " ";
  }
  return list;
}

std::string proc_status(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  }
  return "?";
}

std::string report(const std::string& fds) {
  std::ostringstream out;
  uid_t uid[3];
  gid_t gid[3], groups[64];
  ::getresuid(uid, uid + 1, uid + 2);
  ::getresgid(gid, gid + 1, gid + 2);
  out << "pid=" << ::getpid() << "\nsession=" << ::getsid(0) << "\nuids=" << uid[0] << ' ' << uid[1]
      << ' ' << uid[2] << "\ngids=" << gid[0] << ' ' << gid[1] << ' ' << gid[2] << "\ngroups=";
  const int count = ::getgroups(64, groups);
  for (int i = 0; i < count; ++i) out << groups[i] << ' ';
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  out << "\nfds=" << fds << "\ncwd=" << std::filesystem::current_path().string()
      << "\numask=" << std::oct << mask << std::dec << "\nnofile=" << files.rlim_cur
      << "\nno_new_privs=" << ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
      << "\nblocked=" << proc_status("SigBlk") << "\nignored=" << proc_status("SigIgn")
      << "\ncapabilities=" << proc_status("CapEff") << "\nsetuid0=" << ::setuid(0);
  const int again = ::open("/dev/stderr", O_WRONLY);
  out << "\nreopen_stderr=" << (again >= 0 && ::write(again, "reopened\n", 9) == 9) << '\n';
  for (char** variable = environ; *variable != nullptr; ++variable) {
    out << "env " << *variable << '\n';
  }
  return out.str();
}

std::string orphan(bool leaves_session) {
  int ends[2];
  if (::pipe(ends) != 0) return "?";
  if (::fork() == 0) {
    if (leaves_session) ::setsid();
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      if (leaves_session) {
        ::setsid();
      } else {
        ::setpgid(0, 0);
      }
      const pid_t self = ::getpid();
      if (::write(ends[1], &self, sizeof self) < 0) ::_exit(1);
      ::close_range(3, ~0U, 0);  // it must not hold the connection open
      while (true) ::pause();
    }
    ::_exit(0);
  }
  pid_t pid = 0;
  if (::read(ends[0], &pid, sizeof pid) != sizeof pid) return "?";
  return std::to_string(pid);
}

void serve(int connection, const std::string& fds) {
  char bytes[256];
  const ssize_t size = ::read(connection, bytes, sizeof bytes);
  const std::string line(bytes, size > 0 ? static_cast<size_t>(size) : 0);
  if (line == "die") ::kill(::getpid(), SIGKILL);
  if (line.starts_with("exit ")) ::_exit(std::atoi(line.c_str() + 5));
  const std::string answer = line == "report"   ? report(fds)
                             : line == "orphan" ? orphan(false)
                             : line == "daemon" ? orphan(true)
                                                : line;
  if (::write(connection, answer.data(), answer.size()) < 0) return;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string fds = descriptors();
  int listener = 3;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const char* value = i + 1 < count ? arguments[i + 1] : "";
    if (option == "--fd") listener = std::atoi(value);
    if (option == "--exit") return std::atoi(value);
    if (option == "--need" && ::access(value, F_OK) != 0) return 1;
    if (option == "--ignore-term") std::signal(SIGTERM, SIG_IGN);
  }
  if (::write(STDERR_FILENO, "worker is up\n", 13) < 0) return 2;
  while (true) {
    const int connection = ::accept(listener, nullptr, nullptr);
    if (connection < 0) return 3;
    serve(connection, fds);
    ::close(connection);
  }
}
