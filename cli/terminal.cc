#include "cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace dmpm::cli {
namespace {

// xterm's control sequences, which every terminal of today knows.
constexpr std::string_view kEnter =
    "\033[?1049h\033[?25l\033[?7l";  // own screen, no cursor, no wrap
constexpr std::string_view kLeave = "\033[?7h\033[?25h\033[?1049l";

void put(std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(STDOUT_FILENO, text.data(), text.size());
    if (size <= 0) return;
    text.remove_prefix(static_cast<size_t>(size));
  }
}

}  // namespace

bool wants_colours() {
  const char* no = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (no == nullptr || *no == '\0') && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

bool Screen::available() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

Screen::Screen() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH})
    ::sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, &mask_before_);
  signals_ = Fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  ::tcgetattr(STDIN_FILENO, &before_);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  put(kEnter);
}

Screen::~Screen() {
  put(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

size_t Screen::rows() const {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  return known ? size.ws_row : 24;
}

void Screen::show(const std::vector<std::string>& lines) const {
  std::string out = "\033[H";
  for (size_t i = 0; i < std::min(lines.size(), rows()); ++i) {
    if (i > 0) out += '\n';
    out += lines[i];
    out += "\033[K";
  }
  out += "\033[J";
  put(out);
}

Screen::Key Screen::key(int milliseconds) const {
  std::array<pollfd, 2> wait{{{STDIN_FILENO, POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
  if (::poll(wait.data(), wait.size(), milliseconds) <= 0) return Key::none;
  signalfd_siginfo signal{};
  if (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    return signal.ssi_signo == SIGWINCH ? Key::other : Key::end;
  }
  return read_key();
}

Screen::Key Screen::read_key() const {
  std::array<char, 16> bytes;
  const ssize_t size = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  if (size <= 0) return Key::end;  // the terminal has gone
  const std::string_view text(bytes.data(), static_cast<size_t>(size));
  struct Binding {
    std::string_view bytes;
    Key key;
  };
  static constexpr Binding kBindings[] = {{"q", Key::end},
                                          {"s", Key::next},
                                          {"k", Key::up},
                                          {"j", Key::down},
                                          {"\033[A", Key::up},
                                          {"\033[B", Key::down},
                                          {"\033[5~", Key::page_up},
                                          {"\033[6~", Key::page_down},
                                          {"\033[H", Key::home},
                                          {"b", Key::page_up},
                                          {" ", Key::page_down},
                                          {"g", Key::home}};
  for (const Binding& binding : kBindings) {
    if (text == binding.bytes) return binding.key;
  }
  return Key::other;
}

}  // namespace dmpm::cli
