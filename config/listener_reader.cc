#include "config/listener_reader.h"

#include <algorithm>

#include "base/socket.h"
#include "base/text.h"

namespace dmpm::config {
namespace {

// An address that is taken, in a form that is equal for equal addresses.
struct Taken {
  std::string address;
  Position place;
};

void check_address(const JsonNode& node, const SocketAddress& address, std::vector<Taken>& taken,
                   ProblemList& problems) {
  if (address.port() == 0) return;  // the kernel picks another one for each listener
  const std::string text = address.to_string();
  const auto first = std::find_if(taken.begin(), taken.end(),
                                  [&](const Taken& other) { return other.address == text; });
  if (first == taken.end()) {
    taken.push_back({text, node.position()});
    return;
  }
  problems.add(node.position(),
               concat({"the address ", node.described(), " has a listener already, at ",
                       to_string(problems.locate(first->place))}));
}

Listener read_listener(const JsonNode& node, std::vector<Taken>& taken, ProblemList& problems) {
  constexpr std::string_view kExpected =
      "IPv4:PORT, [IPv6]:PORT or *:PORT with a port of 0 to 65535";
  Listener listener;
  ObjectReader object(node, "this listener", problems);
  if (const auto member = object.require("address", kExpected)) {
    const auto text = plain_string(*member);
    auto address = SocketAddress::parse_inet(text.value_or(""));
    if (address) {
      listener.address = *text;
      check_address(*member, *address, taken, problems);
    } else {
      object.wrong("address", *member, kExpected);
    }
  }
  object.boolean("tls", listener.tls);
  object.boolean("redirect_to_https", listener.redirect_to_https);
  object.finish();
  if (listener.tls && listener.redirect_to_https) {
    problems.add(node.position(), "a listener cannot have both \"tls\" and \"redirect_to_https\"");
  }
  return listener;
}

}  // namespace

void read_listeners(ObjectReader& object, std::vector<Listener>& listeners,
                    std::optional<Position>& tls_listener, ProblemList& problems) {
  constexpr std::string_view kExpected = "a list of at least one listener";
  const auto node = object.require("listen", kExpected);
  if (!node) return;
  if (node->kind() != JsonNode::Kind::list || node->size() == 0) {
    return object.wrong("listen", *node, kExpected);
  }
  std::vector<Taken> taken;
  for (size_t i = 0; i < node->size(); ++i) {
    listeners.push_back(read_listener(node->element(i), taken, problems));
    if (listeners.back().tls && !tls_listener) tls_listener = node->element(i).position();
  }
}

}  // namespace dmpm::config
