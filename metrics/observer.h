// Observer: dmpm-metrics as a whole: hears the master, reads the counters, answers who asks.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/channel.h"
#include "base/deadline_wheel.h"
#include "base/event_loop.h"
#include "metrics/history.h"
#include "metrics/http_server.h"
#include "metrics/names.h"
#include "metrics/segments.h"
#include "metrics/status_json.h"

namespace dmpm::metrics {

class Observer final : private ChannelHandler, private Site {
 public:
  // `master` is the channel, from behind the welcome on.
  Observer(EventLoop& loop, Fd master, Segments segments, Users users, bool status_page);

  void listen(Fd socket, bool loopback_names) { server_.listen(std::move(socket), loopback_names); }

 private:
  void on_message(std::string_view message) override;
  // Without a master there is nothing to tell.
  void on_channel_closed(std::string_view) override { loop_.stop(); }
  std::unique_ptr<Content> get(std::string_view path) override;
  std::unique_ptr<Content> get_of_page(std::string_view path);

  EventLoop& loop_;
  DeadlineWheel wheel_;
  Segments segments_;
  const Users users_;
  Names names_;
  std::optional<History> history_;  // none: the status page is off
  HttpServer server_;
  Channel channel_;
};

}  // namespace dmpm::metrics
