// Everything that a parsed head means, as text that can be compared.
#pragma once

#include <string>

#include "base/text.h"
#include "proxy/http/message.h"

namespace dmpm::fuzz {

inline void describe_fields(std::string& out, std::span<const http::Field> fields) {
  for (const http::Field& field : fields) {
    out += concat({field.forward ? "\nfield " : "\ndropped ", std::to_string(int(field.id)), " ",
                   field.name, ": ", field.value});
  }
}

inline std::string describe(const http::RequestHead& head) {
  std::string out = concat({head.method, " ", head.target, " at ", head.authority, " (", head.host,
                            ") body ", std::to_string(int(head.body)), " ",
                            std::to_string(head.content_length), " upgrade ", head.upgrade});
  for (const bool flag :
       {head.is_head, head.expects_continue, head.accepts_trailers, head.http_1_0}) {
    out += flag ? " yes" : " no";
  }
  describe_fields(out, head.fields);
  return out;
}

inline std::string describe(const http::ResponseHead& head) {
  std::string out = concat(
      {std::to_string(head.status), " ", head.reason, " body ", std::to_string(int(head.body)), " ",
       std::to_string(head.content_length), head.shows_content_length ? " shown" : ""});
  describe_fields(out, head.fields);
  return out;
}

}  // namespace dmpm::fuzz
