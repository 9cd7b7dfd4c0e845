#include "tests/proxy/client_view.h"

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "tests/proxy/message_reader.h"

namespace dmpm::test {

namespace {

bool has_no_body(unsigned status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

ClientView view_client(std::string_view received, bool closed,
                       const std::vector<size_t>& bodiless) {
  ClientView view;
  const std::string all = without_dates(received);
  std::string_view rest = all;
  size_t finals = 0;
  bool said_close = false, tunnel = false;
  while (!rest.empty()) {
    if (tunnel) {
      view.normal += rest;
      break;
    }
    if (rest.find("\r\n\r\n") == std::string_view::npos) throw std::runtime_error("half a head");
    const unsigned status = read_message(rest, NoFraming::until_close, true, closed).status();
    const bool is_final = status >= 200 || status == 101;
    if (is_final && said_close) throw std::runtime_error("a response behind Connection: close");
    finals += is_final ? 1 : 0;
    const bool head = std::find(bodiless.begin(), bodiless.end(), finals) != bodiless.end();
    const Message message =
        read_message(rest, NoFraming::until_close, head || has_no_body(status), closed);
    view.text += std::to_string(status) + " ";
    view.normal += message.normal();
    tunnel = status == 101;
    if (!message.complete) {
      view.text += "cut ";
      break;
    }
    if (is_final) {
      said_close = message.field("Connection").value_or("") == "close";
      view.bodies.push_back(message.body);
    }
    rest.remove_prefix(message.size);
  }
  if (said_close && !closed) throw std::runtime_error("Connection: close but it is open");
  view.announced = said_close || tunnel || view.text.empty() || view.text.ends_with("cut ");
  if (view.text.empty()) view.text = "nothing ";
  view.text += closed ? "closed" : "open";
  return view;
}

std::string compare(const ClientView& view, const CorpusSection& section) {
  std::string expected;
  for (const std::string& word : section.arguments) {
    expected += (expected.empty() ? "" : " ") + word;
  }
  std::string out;
  if (view.text != expected) {
    out += concat({"\n  client: expected ", expected, "\n          but it is ", view.text});
  }
  if (section.has_bytes && view.normal != section.bytes) {
    out += concat({"\n  client received\n    ", show(view.normal), "\n  instead of\n    ",
                   show(section.bytes)});
  } else if (!out.empty()) {
    out += concat({"\n  client received\n    ", show(view.normal)});
  }
  return out;
}

}  // namespace dmpm::test
