// CertificateNumbers: the certificates in use and their numbers, which are never used twice. A
// certificate is the same in the next version when its paths are.
//
// While the configuration changes, release() comes for each virtual host that goes and take() for
// each that comes; a certificate that has both keeps its number. sweep() ends the change.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/configuration.h"
#include "master/handover.h"

namespace dmpm::master {

class CertificateNumbers {
 public:
  using Owner = std::shared_ptr<const config::Section>;

  // One virtual host more uses it; `certificate` is in `owner`.
  uint32_t take(const config::Certificate& certificate, const Owner& owner);
  // One less.
  void release(const config::Certificate& certificate);
  // The numbers of those that nobody uses any more; they are not found from here on.
  std::vector<uint32_t> sweep();

  // Null: never was, or is not in use any more.
  const config::Certificate* find(uint32_t number) const;
  bool was_given(uint32_t number) const { return number != 0 && number <= last_; }

  // Across an upgrade. take_over() comes before everything else; `from` outlives the next sweep().
  void hand_over(Handover& to) const;
  void take_over(const Handover& from);

 private:
  struct Key {
    std::string_view certificate, key;
    std::string_view second_certificate, second_key;  // empty: there is none
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const;
  };
  struct Known {
    uint32_t number = 0;
    uint32_t users = 0;
    const config::Certificate* certificate = nullptr;  // null: of the master before
    Owner owner;                                       // has it, and what the key points into
  };
  static Key key_of(const config::Certificate& certificate);

  std::unordered_map<Key, Known, Hash> known_;
  std::unordered_map<uint32_t, const config::Certificate*> by_number_;
  // At some time of this change. They point into what was released, which outlives the change.
  std::vector<Key> unused_;
  uint32_t last_ = 0;
};

}  // namespace dmpm::master
