#include "metrics/observer.h"

#include "metrics/exposition.h"
#include "metrics/limits.h"
#include "metrics/page_files.h"

namespace dmpm::metrics {

Observer::Observer(EventLoop& loop, Fd master, Segments segments, Users users, bool status_page)
    : loop_(loop),
      wheel_(loop),
      segments_(std::move(segments)),
      users_(std::move(users)),
      server_(loop, wheel_, *this),
      channel_(loop, std::move(master), *this, limits::kMaxQueuedToMaster) {
  if (status_page) history_.emplace(wheel_, segments_);
}

void Observer::on_message(std::string_view message) {
  if (!names_.hear(message, loop_.now())) loop_.stop();
}

std::unique_ptr<Content> Observer::get(std::string_view path) {
  segments_.refresh();
  if (path == "/metrics") return std::make_unique<Exposition>(segments_, names_.listing());
  return history_ ? get_of_page(path) : nullptr;
}

std::unique_ptr<Content> Observer::get_of_page(std::string_view path) {
  const auto file = [](std::string_view type, std::string_view text) {
    return std::make_unique<Text>(type, std::string(text));
  };
  if (path == "/") return file("text/html; charset=utf-8", page::kHtml);
  if (path == "/status.css") return file("text/css; charset=utf-8", page::kStyle);
  if (path == "/status.js") return file("text/javascript; charset=utf-8", page::kScript);
  if (path != "/status.json") return nullptr;
  return std::make_unique<StatusJson>(
      StatusJson::Sources{segments_, *history_, names_, users_, loop_.now()});
}

}  // namespace dmpm::metrics
