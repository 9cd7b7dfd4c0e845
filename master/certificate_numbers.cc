#include "master/certificate_numbers.h"

#include <utility>

namespace dmpm::master {

size_t CertificateNumbers::Hash::operator()(const Key& key) const {
  const std::hash<std::string_view> hash;
  return hash(key.certificate) * 31 + hash(key.key);
}

CertificateNumbers::Key CertificateNumbers::key_of(const config::Certificate& certificate) {
  Key key{certificate.certificate_path, certificate.key_path, {}, {}};
  if (certificate.second) {
    key.second_certificate = certificate.second->certificate_path;
    key.second_key = certificate.second->key_path;
  }
  return key;
}

uint32_t CertificateNumbers::take(const config::Certificate& certificate, const Owner& owner) {
  const Key key = key_of(certificate);
  const auto found = known_.find(key);
  if (found != known_.end() && found->second.users > 0) {
    ++found->second.users;
    return found->second.number;
  }
  const uint32_t number = found == known_.end() ? ++last_ : found->second.number;
  // What the old key points into may go.
  if (found != known_.end()) known_.erase(found);
  known_.emplace(key, Known{number, 1, &certificate, owner});
  by_number_[number] = &certificate;
  return number;
}

void CertificateNumbers::release(const config::Certificate& certificate) {
  const auto found = known_.find(key_of(certificate));
  if (--found->second.users == 0) unused_.push_back(key_of(certificate));
}

std::vector<uint32_t> CertificateNumbers::sweep() {
  std::vector<uint32_t> numbers;
  for (const Key& key : std::exchange(unused_, {})) {
    const auto found = known_.find(key);
    if (found == known_.end() || found->second.users > 0) continue;
    // Of one of the master before nobody has anything now.
    if (found->second.certificate != nullptr) numbers.push_back(found->second.number);
    by_number_.erase(found->second.number);
    known_.erase(found);
  }
  return numbers;
}

const config::Certificate* CertificateNumbers::find(uint32_t number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

void CertificateNumbers::hand_over(Handover& to) const {
  to.last_certificate = last_;
  for (const auto& [key, known] : known_) {
    to.certificates.push_back({std::string(key.certificate), std::string(key.key),
                               std::string(key.second_certificate), std::string(key.second_key),
                               known.number});
  }
}

void CertificateNumbers::take_over(const Handover& from) {
  last_ = from.last_certificate;
  for (const Handover::Certificate& known : from.certificates) {
    const Key key{known.certificate_path, known.key_path, known.second_certificate_path,
                  known.second_key_path};
    known_.emplace(key, Known{known.number, 0, nullptr, nullptr});
    unused_.push_back(key);
  }
}

}  // namespace dmpm::master
