// Text for people and for programs: foreign bytes made harmless, numbers made readable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dmpm::cli {

// What a terminal may be given: control bytes and what is not UTF-8 become \xHH (base/printable.h).
std::string printable(std::string_view text);
// A JSON string with its quotes. What is not printable UTF-8 becomes the characters \xHH, control
// bytes become \u00HH, so that it is JSON whatever `text` holds.
std::string json_string(std::string_view text);

// "12s", "3m5s", "2h10m", "4d3h".
std::string duration(uint64_t ms);
// "0", "512K", "3.2M", "1.5G": powers of 1024.
std::string size(uint64_t bytes);
// "0.04s" below ten seconds, then as duration().
std::string processor_time(uint64_t ms);
// "1 worker", "2 workers".
std::string count(uint64_t number, std::string_view noun);

}  // namespace dmpm::cli
