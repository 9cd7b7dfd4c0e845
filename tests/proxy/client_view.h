// ClientView: what a client has received, message by message, and its comparison with a case's
// `client` section.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/proxy/corpus.h"

namespace dmpm::test {

struct ClientView {
  std::string text;    // "200 100 200 cut closed": the form of the arguments of `client`
  std::string normal;  // all messages in normal form (Message::normal), added dates replaced
  std::vector<std::string> bodies;  // of the final responses that are complete
  bool announced = false;  // a close would not surprise the client: Connection: close, or a cut
};

// `bodiless`: the 1-based numbers of the final responses that answer a HEAD request.
ClientView view_client(std::string_view received, bool closed, const std::vector<size_t>& bodiless);

// Empty, or what differs. `section` is a case's `client`.
std::string compare(const ClientView& view, const CorpusSection& section);

}  // namespace dmpm::test
