#include "cli/watch.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/usage.h"

namespace dmpm::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kEvery{1'000};

class Watch {
 public:
  Watch(std::string runtime_directory, StatusView view)
      : runtime_directory_(std::move(runtime_directory)), view_(std::move(view)) {}

  void run() {
    while (true) {
      look();
      for (const auto next = Clock::now() + kEvery;;) {
        draw();
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
        if (left.count() <= 0) break;
        const Screen::Key key = screen_.key(static_cast<int>(left.count()));
        if (key == Screen::Key::none) break;
        if (key == Screen::Key::end) return;
        on_key(key);
      }
    }
  }

 private:
  // Asks how it is now.
  void look() {
    auto status = ask_status(runtime_directory_);
    if (!status) {
      problem_ = printable(status.error().message);
      return;
    }
    problem_.clear();
    all_ = GroupCounts(*status);
    view_.choose(*status);
    add_usage(*status);
    add_load(*status);
    const auto now = Clock::now();
    earlier_ = {};
    for (const Status::Group& group : status_.groups) earlier_.cpu_ms[group.name] = group.cpu_ms;
    earlier_.ms_ago = static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now - looked_).count());
    looked_ = now;
    status_ = std::move(*status);
  }

  void on_key(Screen::Key key) {
    const size_t page = std::max<size_t>(1, page_);
    switch (key) {
      case Screen::Key::next: return view_.sort_by_next();
      case Screen::Key::up: first_ -= std::min<size_t>(first_, 1); break;
      case Screen::Key::down: ++first_; break;
      case Screen::Key::page_up: first_ -= std::min(first_, page); break;
      case Screen::Key::page_down: first_ += page; break;
      case Screen::Key::home: first_ = 0; break;
      default: break;
    }
  }

  void draw() {
    if (!problem_.empty()) return screen_.show({problem_, "", "q: end"});
    Status shown = status_;
    view_.order(shown);
    StatusText text = to_text(shown, all_, view_, &earlier_);
    std::vector<std::string> lines = std::move(text.head);
    const size_t rows = screen_.rows();
    // The titles, and the line of keys.
    page_ = rows - std::min(rows, lines.size() + 2);
    const size_t count = text.groups.empty() ? 0 : text.groups.size() - 1;
    first_ = std::min(first_, count - std::min(count, page_));
    if (count > 0) lines.push_back(std::move(text.groups[0]));
    for (size_t i = first_; i < std::min(count, first_ + page_); ++i) {
      lines.push_back(std::move(text.groups[i + 1]));
    }
    lines.resize(std::max<size_t>(rows, 1) - 1);
    lines.push_back(styled(concat({"sorted by ", to_string(view_.sort),
                                   "   s: by the next   up, down, pages: move   q: end"}),
                           Style::dim, view_.colours));
    screen_.show(lines);
  }

  const std::string runtime_directory_;
  StatusView view_;
  Screen screen_;
  Status status_;  // of what is shown
  GroupCounts all_{status_};
  EarlierUsage earlier_;
  Clock::time_point looked_ = Clock::now();
  std::string problem_;
  size_t first_ = 0;  // of the groups' lines on the screen
  size_t page_ = 0;   // how many of them it has room for
};

}  // namespace

int watch(const std::string& runtime_directory, StatusView view) {
  if (!Screen::available()) return misused("--watch needs a terminal");
  Watch(runtime_directory, std::move(view)).run();
  return 0;
}

}  // namespace dmpm::cli
