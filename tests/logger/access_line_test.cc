// Lines of access logs, and that nobody can forge one.
#include "logger/access_line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tests/logger/exchanges.h"

using namespace dmpm;
using exchange_protocol::Text;
using test::MadeExchange;

namespace {

constexpr int64_t kTime = 1'764'076'713'042;  // 2025-11-25T13:18:33.042Z

std::string line(std::string_view format, const MadeExchange& made,
                 const AccessContext& context = {"a.test", "alice", kTime}) {
  const std::string bytes = test::message({made});
  ExchangeReader reader(bytes);
  const auto exchange = reader.next();
  REQUIRE(exchange);
  const auto parsed = parse_access_format(format);
  REQUIRE(parsed.ok());
  std::string out;
  AccessLine().append(out, parsed.value(), *exchange, context);
  REQUIRE(out.ends_with('\n'));
  out.pop_back();
  return out;
}

MadeExchange with(Text which, std::string text) {
  MadeExchange made = test::plain_exchange();
  made.texts[which] = std::move(text);
  return made;
}

}  // namespace

TEST_CASE("combined") {
  MadeExchange made = test::plain_exchange();
  CHECK(line("combined", made) ==
        R"(192.0.2.7 - - [25/Nov/2025:13:18:33 +0000] "GET /a?b HTTP/1.1" 200 12 "-" "-")");
  made.texts[Text::referer] = "https://b.test/";
  made.texts[Text::user_agent] = "curl/7.88";
  made.record.protocol = exchange_protocol::Protocol::http_2;
  CHECK(line("combined", made)
            .ends_with(R"("GET /a?b HTTP/2.0" 200 12 "https://b.test/" "curl/7.88")"));
}

TEST_CASE("a request that was rejected before it was understood") {
  MadeExchange made;
  made.record.status = 400;
  made.texts[Text::client] = "192.0.2.7";
  CHECK(line("$remote_addr \"$request\" $status $server_name $group $host $scheme", made,
             {{}, {}, kTime}) == "192.0.2.7 \"-\" 400 - - - http");
}

TEST_CASE("every variable") {
  MadeExchange made = test::plain_exchange();
  made.record.tls = 7;
  made.record.queue = 1'000;
  made.record.body_received = 99;
  made.record.connection_requests = 3;
  made.texts[Text::tls_protocol] = "TLSv1.3";
  made.texts[Text::tls_cipher] = "TLS_AES_128_GCM_SHA256";
  made.texts[Text::error_id] = "0123456789ab";
  CHECK(line("$request_method|$request_uri|$server_protocol|$scheme|$host|$server_name|$group",
             made) == "GET|/a?b|HTTP/1.1|https|a.test|a.test|alice");
  CHECK(line("$tls_time|$queue_time|$first_byte_time|$request_time|$msec|$time_iso8601", made) ==
        "0.007|1.000|1.033|1.034|1764076713.042|2025-11-25T13:18:33+00:00");
  CHECK(line("$body_bytes_received|$connection_requests|$ssl_protocol|$ssl_cipher|$error_id|"
             "$outcome",
             made) == "99|3|TLSv1.3|TLS_AES_128_GCM_SHA256|0123456789ab|complete");
  made = test::plain_exchange();
  made.record.first_byte = exchange_protocol::kNoTime;
  made.record.outcome = exchange_protocol::Outcome::client_left;
  CHECK(line("$tls_time|$queue_time|$first_byte_time|$error_id|$outcome", made) ==
        "-|-|-|-|client_left");
}

TEST_CASE("json") {
  MadeExchange made = test::plain_exchange();
  made.texts[Text::user_agent] = "J\xc3\xbcrgen";
  CHECK(line("json", made) ==
        R"({"time":"2025-11-25T13:18:33.042Z","remote_addr":"192.0.2.7","request_method":"GET",)"
        R"("request_uri":"/a?b","server_protocol":"HTTP/1.1","scheme":"http","host":"a.test",)"
        R"("server_name":"a.test","group":"alice","status":200,"outcome":"complete",)"
        R"("body_bytes_sent":12,"body_bytes_received":0,"request_time":1.034,)"
        R"("first_byte_time":1.033,"connection_requests":1,"http_user_agent":"J)"
        "\xc3\xbc"
        R"(rgen"})");
}

TEST_CASE("a text that was cut says so") {
  MadeExchange made = with(Text::target, "/long");
  made.record.cut = 1U << Text::target;
  CHECK(line("$request_uri $request_method", made) == "/long... GET");
  CHECK(line("json", made).find(R"("request_uri":"/long...")") != std::string::npos);
}

TEST_CASE("no byte of a client ends a line or a quote") {
  const std::string evil("\"\\\n\r\t\0\x1b[31m\x7f\xff\xc3(\xe2\x80\xae\xc2\x85", 20);
  const MadeExchange made = with(Text::user_agent, evil);
  CHECK(line("\"$http_user_agent\"", made) ==
        R"("\x22\x5c\x0a\x0d\x09\x00\x1b[31m\x7f\xff\xc3(\xe2\x80\xae\xc2\x85")");
  CHECK(
      line("json", made)
          .ends_with(R"("http_user_agent":"\"\\\u000a\u000d\u0009\u0000\u001b[31m\u007f\\xff\\xc3()"
                     R"(\\xe2\\x80\\xae\\xc2\\x85"})"));
}

TEST_CASE("whatever bytes come, there is one line of the same shape") {
  std::mt19937 random(1);
  constexpr Text kClients[] = {Text::client, Text::method,  Text::target,
                               Text::host,   Text::referer, Text::user_agent};
  for (int i = 0; i < 500; ++i) {
    MadeExchange made = test::plain_exchange();
    for (const Text which : kClients) {
      std::string& text = made.texts[which];
      text.resize(1 + random() % 40);
      for (char& c : text) c = static_cast<char>(random());
    }
    const std::string combined = line("combined", made);
    CHECK(std::ranges::count(combined, '"') == 6);
    CHECK(std::ranges::all_of(combined, [](char c) { return c >= 0x20 && c < 0x7f; }));
    // In JSON, quotes of a client always have a backslash before them.
    const std::string json = line("json", made);
    size_t quotes = 0;
    for (size_t at = 0; at < json.size(); ++at) {
      CHECK(static_cast<unsigned char>(json[at]) >= 0x20);
      if (json[at] == '\\') {
        ++at;
      } else if (json[at] == '"') {
        ++quotes;
      }
    }
    CHECK(quotes == 2 * 18 + 2 * 12);  // keys, and values that are text
  }
}
