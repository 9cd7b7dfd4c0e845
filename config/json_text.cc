#include "config/json_text.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"

namespace dmpm::config {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20;
}

// Which bytes end a run of uninteresting ones. A table, because configurations have megabytes.
using ByteSet = std::array<bool, 256>;
constexpr ByteSet set_of(std::string_view bytes, std::string_view allowed_controls) {
  ByteSet set{};
  for (unsigned c = 0; c < 0x20; ++c) set[c] = true;
  for (const char c : allowed_controls) set[static_cast<unsigned char>(c)] = false;
  for (const char c : bytes) set[static_cast<unsigned char>(c)] = true;
  return set;
}
constexpr ByteSet kEventful = set_of("\"/{}[]", " \t\r\n");
constexpr ByteSet kEventfulInString = set_of("\"\\", "");

class Scanner {
 public:
  Scanner(std::string& text, unsigned max_depth) : text_(text), max_depth_(max_depth) {}

  std::optional<TextProblem> scan() {
    if (text_.starts_with("\xef\xbb\xbf")) blank(0, 3);
    while (skip_to(kEventful) && !problem_) take_event();
    return std::move(problem_);
  }

 private:
  // False at the end of the text.
  bool skip_to(const ByteSet& bytes) {
    size_t at = at_;
    while (at < text_.size() && !bytes[static_cast<unsigned char>(text_[at])]) ++at;
    at_ = at;
    return at < text_.size();
  }

  void take_event() {
    switch (text_[at_]) {
      case '"': return skip_string();
      case '/': return blank_comment();
      case '{':
      case '[':
        if (++depth_ > max_depth_) {
          return fail(at_, concat({"nested deeper than ", std::to_string(max_depth_), " levels"}));
        }
        break;
      case '}':
      case ']':
        if (depth_ > 0) --depth_;  // else jsoncpp says that it does not belong here
        break;
      default: return fail(at_, "a control character; the file is not plain text");
    }
    ++at_;
  }

  void skip_string() {
    const size_t start = at_++;
    while (skip_to(kEventfulInString)) {
      if (text_[at_] == '"') {
        ++at_;
        return;
      }
      if (text_[at_] != '\\') break;
      at_ = std::min(at_ + (at_ + 1 < text_.size() && is_control(text_[at_ + 1]) ? 1 : 2),
                     text_.size());
    }
    if (at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r') {
      return fail(start, "this string has no closing \" on its line");
    }
    fail(at_, "a control character in a string; write it as an escape such as \\t");
  }

  void blank_comment() {
    const std::string_view rest = std::string_view(text_).substr(at_);
    size_t size = 0;
    if (rest.starts_with("//")) {
      size = std::min(rest.find('\n'), rest.size());
    } else if (rest.starts_with("/*")) {
      const size_t end = rest.find("*/", 2);
      if (end == std::string_view::npos) return fail(at_, "this comment has no closing */");
      size = end + 2;
    } else {
      return fail(at_, "a \"/\" that begins neither // nor /*");
    }
    blank(at_, size);
    at_ += size;
  }

  void blank(size_t start, size_t size) {
    const auto first = text_.begin() + static_cast<ptrdiff_t>(start);
    std::replace_if(
        first, first + static_cast<ptrdiff_t>(size), [](char c) { return c != '\n'; }, ' ');
  }

  void fail(size_t offset, std::string message) {
    problem_ = TextProblem{offset, std::move(message)};
  }

  std::string& text_;
  const unsigned max_depth_;
  size_t at_ = 0;
  unsigned depth_ = 0;
  std::optional<TextProblem> problem_;
};

}  // namespace

std::optional<TextProblem> prepare_json(std::string& text, unsigned max_depth) {
  return Scanner(text, max_depth).scan();
}

}  // namespace dmpm::config
