#include "config/problem_list.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "config/limits.h"

namespace dmpm::config {

std::string to_string(const Location& location) {
  if (location.line == 0) return *location.file;
  return concat(
      {*location.file, ":", std::to_string(location.line), ":", std::to_string(location.column)});
}

std::string Problem::to_string() const {
  return concat({config::to_string(location), ": ", message});
}

void ProblemList::add(Position place, std::string message) {
  if (problems_.size() == limits::kMaxProblemsPerFile) {
    ++left_out_;
    return;
  }
  problems_.push_back({locate(place), std::move(message)});
}

void ProblemList::append(ProblemList& other) {
  for (Problem& problem : other.problems_) {
    add({problem.location.line, problem.location.column}, std::move(problem.message));
  }
  left_out_ += other.left_out_;
  other = ProblemList(file_);
}

void ProblemList::move_to(std::vector<Problem>& out) {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.location.line, a.location.column) <
           std::tie(b.location.line, b.location.column);
  });
  for (Problem& problem : problems_) out.push_back(std::move(problem));
  if (left_out_ > 0) {
    out.push_back({locate({}), concat({"and ", std::to_string(left_out_), " more problems"})});
  }
  problems_.clear();
  left_out_ = 0;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_escaped(out, text.substr(0, limits::kMaxQuoted));
  out += text.size() > limits::kMaxQuoted ? "...\"" : "\"";
  return out;
}

}  // namespace dmpm::config
