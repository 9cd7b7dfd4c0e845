#include "tests/proxy/corpus.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

#include "base/text.h"

namespace dmpm::test {

namespace {

constexpr int kRandomSplits = 4;

// Expands the escapes of a data line.
class Expansion {
 public:
  Expansion(std::string_view text, std::string_view place) : rest_(text), place_(place) {}

  std::string run() {
    std::string out;
    while (!rest_.empty()) {
      const char c = take();
      if (c != '\\') {
        out += c;
      } else {
        escape(out);
      }
    }
    return out;
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw std::runtime_error(concat({place_, ": ", why}));
  }

  char take() {
    if (rest_.empty()) fail("the line ends in the middle of an escape");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void escape(std::string& out) {
    if (word("rep")) {
      const auto count = parse_decimal(group());
      if (!count) fail("\\rep needs a count");
      const std::string text = Expansion(group(), place_).run();
      for (uint64_t i = 0; i < *count; ++i) out += text;
      return;
    }
    if (word("fwd")) {
      const std::string_view host = group();
      out += concat({"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: ",
                     host, "\r\nForwarded: for=192.0.2.7;host=\"", host, "\";proto=https\r\n"});
      return;
    }
    if (word("date")) {
      out += "Date: @\r\n";
      return;
    }
    switch (const char c = take()) {
      case 'r': out += '\r'; return;
      case 'n': out += '\n'; return;
      case 't': out += '\t'; return;
      case 's': out += ' '; return;
      case '0': out += '\0'; return;
      case 'x': {
        const char digits[] = {take(), take(), 0};
        char* end = nullptr;
        out += static_cast<char>(std::strtol(digits, &end, 16));
        if (*end != 0) fail("\\x needs two hexadecimal digits");
        return;
      }
      case '\\':
      case '{':
      case '}': out += c; return;
      default: fail("unknown escape");
    }
  }

  bool word(std::string_view name) {
    if (!rest_.starts_with(name)) return false;
    const std::string_view behind = rest_.substr(name.size());
    if (name != "date" && !behind.starts_with('{')) return false;
    rest_ = behind;
    return true;
  }

  // {text}; braces inside are escaped.
  std::string_view group() {
    if (rest_.empty() || take() != '{') fail("a { is missing");
    size_t end = 0;
    while (end < rest_.size() && rest_[end] != '}') end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) fail("a } is missing");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::string_view rest_;
  std::string_view place_;
};

void add_line(std::vector<CorpusCase>& cases, std::string_view line, const std::string& place,
              const std::vector<std::string>& keywords) {
  if (line.empty() || line[0] == '#') return;
  if (line.starts_with("== ")) {
    cases.push_back({std::string(line.substr(3)), place, {}});
    return;
  }
  if (cases.empty()) throw std::runtime_error(place + ": text before the first case");
  std::vector<CorpusSection>& sections = cases.back().sections;
  if (line.starts_with("  ")) {
    if (sections.empty()) throw std::runtime_error(place + ": bytes without a keyword");
    sections.back().bytes += Expansion(line.substr(2), place).run();
    sections.back().has_bytes = true;
    return;
  }
  CorpusSection section;
  std::istringstream words{std::string(line)};
  words >> section.keyword;
  for (std::string word; words >> word;) section.arguments.push_back(word);
  if (std::find(keywords.begin(), keywords.end(), section.keyword) == keywords.end()) {
    throw std::runtime_error(concat({place, ": unknown keyword \"", section.keyword, "\""}));
  }
  sections.push_back(std::move(section));
}

void check(const std::vector<CorpusCase>& cases) {
  std::set<std::string> names;
  for (const CorpusCase& one : cases) {
    if (!names.insert(one.name).second) throw std::runtime_error(one.place + ": name used twice");
    const CorpusSection* why = one.find("why");
    if (why == nullptr || why->arguments.empty()) throw std::runtime_error(one.place + ": no why");
    one.bytes("in");
    if (one.find("client") == nullptr) throw std::runtime_error(one.place + ": no client");
  }
}

}  // namespace

const CorpusSection* CorpusCase::find(std::string_view keyword) const {
  for (const CorpusSection& section : sections) {
    if (section.keyword == keyword) return &section;
  }
  return nullptr;
}

const std::string& CorpusCase::bytes(std::string_view keyword) const {
  const CorpusSection* section = find(keyword);
  if (section == nullptr || !section->has_bytes) {
    throw std::runtime_error(concat({place, ": no bytes for ", keyword}));
  }
  return section->bytes;
}

std::vector<CorpusCase> load_corpus(std::string_view folder,
                                    const std::vector<std::string>& keywords) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(DMPM_CORPUS) / folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<CorpusCase> cases;
  for (const auto& file : files) {
    std::ifstream stream(file);
    const std::string name = concat({"tests/proxy/corpus/", folder, "/", file.filename().string()});
    int number = 0;
    for (std::string line; std::getline(stream, line);) {
      add_line(cases, line, concat({name, ":", std::to_string(++number)}), keywords);
    }
  }
  check(cases);
  return cases;
}

std::vector<Split> splits_of(std::string_view bytes, unsigned number_of_case) {
  std::vector<Split> splits{{"whole", {std::string(bytes)}}, {"byte by byte", {}}};
  for (const char c : bytes) splits[1].pieces.emplace_back(1, c);
  const char* given = std::getenv("DMPM_SEED");
  const unsigned base = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                         : std::random_device()();
  for (int i = 0; i < kRandomSplits; ++i) {
    std::mt19937 random(base + number_of_case * 16 + static_cast<unsigned>(i));
    // Few large pieces in one split, many small ones in the other.
    const size_t largest = i % 2 == 0 ? bytes.size() + 1 : 12;
    Split split{concat({"random split ", std::to_string(i), ", DMPM_SEED=", std::to_string(base)}),
                {}};
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = 1 + random() % largest;
      split.pieces.emplace_back(bytes.substr(at, size));
      at += size;
    }
    splits.push_back(std::move(split));
  }
  return splits;
}

std::string show(std::string_view bytes) {
  constexpr size_t kLongest = 1500;
  std::string out;
  for (const char c : bytes.substr(0, kLongest)) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n\n    ";
    } else {
      append_escaped(out, {&c, 1});
    }
  }
  if (bytes.size() > kLongest) out += concat({"... (", std::to_string(bytes.size()), " bytes)"});
  return out;
}

}  // namespace dmpm::test
