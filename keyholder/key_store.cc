#include "keyholder/key_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "keyholder/limits.h"

namespace dmpm::keyholder {

using keyholder_protocol::Verdict;

// ---- requests ----

void KeyStore::handle(Request request) {
  std::unique_ptr<Entry>& entry = entries_[request.certificate];
  if (entry != nullptr && entry->is_loaded) {
    by_use_.push_back(*entry);
    return owner_.serve(request, entry->pairs);
  }
  if (waiting_ >= keyholder_limits::kMaxWaiting) {
    if (entry == nullptr) entries_.erase(request.certificate);
    return owner_.refuse(request, "too many requests wait for certificates");
  }
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    entry->certificate = request.certificate;
    ask(request.certificate);
  }
  ++waiting_;
  entry->waiting.push_back(std::move(request));
}

void KeyStore::ask(uint32_t certificate) {
  to_ask_.push_back(certificate);
  ask_next();
}

void KeyStore::ask_next() {
  while (asked_ < keyholder_limits::kMaxAsked && !to_ask_.empty()) {
    if (!questions_.take(loop_.now())) {
      if (!pause_.pending()) pause_.set(keyholder_limits::kQuestionPause);
      return;
    }
    ++asked_;
    owner_.want_key(to_ask_.front());
    to_ask_.pop_front();
  }
}

// ---- answers ----

void KeyStore::on_key(uint32_t certificate, uint32_t count, uint32_t index, std::string_view chain,
                      std::string_view key) {
  const auto found = entries_.find(certificate);
  if (found == entries_.end() || found->second->is_loaded) return;
  Entry& entry = *found->second;
  if (!entry.outdated) {
    KeyPair::Parsed parsed = KeyPair::parse(keys_, chain, key, std::time(nullptr));
    const auto same_type = [&](const auto& other) { return other->type() == parsed.pair->type(); };
    if (parsed.pair != nullptr && std::any_of(entry.pairs.begin(), entry.pairs.end(), same_type)) {
      parsed = {Verdict::same_type, nullptr};
    }
    owner_.report(certificate, index, parsed.verdict);
    if (parsed.pair != nullptr) entry.pairs.push_back(std::move(parsed.pair));
    if (parsed.verdict != Verdict::good) entry.failure = describe(parsed.verdict);
  }
  if (index + 1 >= count) finish(entry);
}

void KeyStore::on_no_key(uint32_t certificate, std::string_view reason) {
  const auto found = entries_.find(certificate);
  if (found == entries_.end() || found->second->is_loaded) return;
  found->second->failure = reason;
  found->second->absent = true;
  finish(*found->second);
}

// All of an answer has come. What is wrong with one pair does not keep the other back.
void KeyStore::finish(Entry& entry) {
  --asked_;
  const uint32_t certificate = entry.certificate;
  if (std::exchange(entry.outdated, false)) {
    entry.pairs.clear();
    entry.absent = false;
    return ask(certificate);
  }
  const std::vector<Request> waiting = std::move(entry.waiting);
  waiting_ -= waiting.size();
  if (entry.pairs.empty() && !entry.absent) take_back(entry);
  if (entry.pairs.empty()) {
    for (const Request& request : waiting) owner_.refuse(request, entry.failure);
    entries_.erase(certificate);
  } else {
    entry.is_loaded = true;
    by_use_.push_back(entry);
    ++loaded_;
    for (const Request& request : waiting) owner_.serve(request, entry.pairs);
    // Not this one: it is the last used.
    if (loaded_ > keyholder_limits::kMaxLoaded) {
      --loaded_;
      entries_.erase(by_use_.front().certificate);
    }
  }
  ask_next();
}

// ---- renewal ----

// What was in use is asked for at once: so whoever renewed it is told what is wrong with the new one, and
// the old is still there to go on with.
void KeyStore::forget(uint32_t certificate) {
  const auto found = entries_.find(certificate);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  if (!entry.is_loaded) {
    entry.outdated = true;
    return;
  }
  retire(entry);
  entry.unlink();
  entry.is_loaded = false;
  --loaded_;
  ask(certificate);
}

void KeyStore::retire(Entry& entry) {
  drop_retired();
  for (auto& pair : entry.pairs) {
    if (retired_.size() >= keyholder_limits::kMaxRetired) retired_.pop_front();
    retired_.push_back(
        {entry.certificate, std::move(pair), loop_.now() + keyholder_limits::kRenewalGrace});
  }
  entry.pairs.clear();
}

// The pairs before, since what came instead is of no use.
void KeyStore::take_back(Entry& entry) {
  drop_retired();
  std::optional<Instant> newest;
  for (const Retired& one : retired_) {
    if (one.certificate == entry.certificate) newest = one.until;
  }
  for (auto one = retired_.begin(); newest && one != retired_.end();) {
    if (one->certificate == entry.certificate && one->until == *newest) {
      entry.pairs.push_back(std::move(one->pair));
      one = retired_.erase(one);
    } else {
      ++one;
    }
  }
}

void KeyStore::drop_retired() {
  while (!retired_.empty() && retired_.front().until <= loop_.now()) retired_.pop_front();
}

KeyPair* KeyStore::find_retired(uint32_t certificate, const Fingerprint& fingerprint) {
  drop_retired();
  for (const Retired& one : retired_) {
    if (one.certificate == certificate && one.pair->fingerprint() == fingerprint) {
      return one.pair.get();
    }
  }
  return nullptr;
}

}  // namespace dmpm::keyholder
