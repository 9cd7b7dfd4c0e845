// Result<T>: a value or an Error, for failures of the environment (a file is missing, a limit is
// reached). A hostile peer is not an Error, it ends its exchange; a broken invariant aborts.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace dmpm {

struct Error {
  std::string message;  // for the operator: what was tried, on what, and why it failed
  int number = 0;       // errno where there was one

  // "what: strerror(number)".
  static Error from_errno(std::string_view what, int number);
};

inline Error Error::from_errno(std::string_view what, int number) {
  std::string message(what);
  message += ": ";
  message += ::strerror(number);
  return {std::move(message), number};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}
  Result(Error error) : content_(std::move(error)) {}

  bool ok() const { return std::holds_alternative<T>(content_); }
  explicit operator bool() const { return ok(); }
  // Only when ok().
  T& value() { return std::get<T>(content_); }
  const T& value() const { return std::get<T>(content_); }
  T& operator*() { return value(); }
  T* operator->() { return &value(); }
  // Only when !ok().
  const Error& error() const { return std::get<Error>(content_); }

 private:
  std::variant<T, Error> content_;
};

// Success or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace dmpm
