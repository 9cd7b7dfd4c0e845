// dmpm status: the processes, the groups and what went wrong last.
#include <cstdio>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/status_view.h"
#include "cli/terminal.h"
#include "cli/usage.h"
#include "cli/watch.h"

namespace dmpm::cli {
namespace {

void print(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) {
    out += line;
    out += '\n';
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
}

}  // namespace

int status(const Options& options) {
  auto view = StatusView::from(options);
  if (!view) return misused(view.error().message);
  if (options.has("--watch") && options.has("--json")) {
    return misused("--watch and --json do not go together");
  }
  view->colours = wants_colours();
  const std::string directory = runtime_directory(options);
  if (options.has("--watch")) return watch(directory, std::move(*view));
  auto status = ask_status(directory);
  if (!status) return failed(status.error().message);
  const GroupCounts all(*status);
  view->choose(*status);
  add_usage(*status);
  add_load(*status);
  view->order(*status);
  if (options.has("--json")) {
    const std::string out = to_json(*status);
    std::fwrite(out.data(), 1, out.size(), stdout);
    return 0;
  }
  const StatusText text = to_text(*status, all, *view, nullptr);
  print(text.head);
  if (!text.groups.empty()) print({""});
  print(text.groups);
  return 0;
}

}  // namespace dmpm::cli
