// Keyholder: the process's one object. Knows who asks for what, and what may be answered.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/channel.h"
#include "base/event_loop.h"
#include "keyholder/dispatcher_port.h"
#include "keyholder/key_store.h"
#include "keyholder/protocol.h"

namespace dmpm::keyholder {

class Keyholder final : private ChannelHandler,
                        private DispatcherPortOwner,
                        private KeyStoreOwner,
                        private TimerHandler {
 public:
  // `dispatchers`: a channel for each number that a dispatcher can have. The welcome has been taken
  // from `master` already.
  Keyholder(EventLoop& loop, Fd master, std::vector<Fd> dispatchers);
  ~Keyholder();

  // Says ready to the master and ticket keys to the dispatchers. Then the loop may run; it stops by
  // itself when the master has gone.
  void start();

 private:
  // From the master.
  void on_message(std::string_view message) override;
  void on_channel_closed(std::string_view reason) override;

  // DispatcherPortOwner
  void before_requests() override { master_.read_now(); }
  void on_request(Request request) override { store_.handle(std::move(request)); }
  void on_offence(unsigned dispatcher, keyholder_protocol::MasterRequestType kind,
                  uint32_t count) override;

  // KeyStoreOwner
  void want_key(uint32_t certificate) override;
  void report(uint32_t certificate, uint32_t index, keyholder_protocol::Verdict verdict) override;
  void serve(const Request& request, const Pairs& pairs) override;
  void refuse(const Request& request, std::string_view reason) override;

  void sign(const Request& request, KeyPair& pair);
  void tell_master(const keyholder_protocol::MasterRequest& request);

  // Ticket keys.
  void on_timer() override;
  void add_ticket_key();

  EventLoop& loop_;
  Channel master_;
  KeyStore store_;
  std::vector<std::string> ticket_keys_;  // the newest first
  Timer rotation_;
  std::vector<std::unique_ptr<DispatcherPort>> ports_;  // by the dispatcher's number
};

}  // namespace dmpm::keyholder
