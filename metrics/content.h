// Content: an answer's body, made piece by piece, as it is sent.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace dmpm::metrics {

class Content {
 public:
  virtual ~Content() = default;
  virtual std::string_view type() const = 0;
  // Appends about as much as limits::kPiece; false when there is nothing left.
  virtual bool next(std::string& out) = 0;
};

// One that is there already.
class Text final : public Content {
 public:
  Text(std::string_view type, std::string text) : type_(type), text_(std::move(text)) {}
  std::string_view type() const override { return type_; }
  bool next(std::string& out) override {
    if (text_.empty()) return false;
    out += std::exchange(text_, {});
    return true;
  }

 private:
  const std::string_view type_;
  std::string text_;
};

}  // namespace dmpm::metrics
