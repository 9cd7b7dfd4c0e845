// WorkerGroups: every group by its number, and the end of those that a reload removed.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/deadline_wheel.h"
#include "master/worker_group.h"

namespace dmpm::master {

class WorkerGroups final : public Deadline {
 public:
  explicit WorkerGroups(WorkerServices& services) : services_(services) {}

  // A new group, or a newer version of a known one. `group` outlives the next put() or remove().
  void put(uint32_t number, const config::Group& group);
  void remove(uint32_t number);
  // Null: never was, or has gone.
  WorkerGroup* find(uint32_t number) const;
  // Numbers are given in order.
  bool was_given(uint32_t number) const { return number != 0 && number <= last_; }
  size_t size() const { return groups_.size(); }

  void forget_dispatcher(unsigned d);
  void ensure_minimum();
  void stop_all();
  void describe(StatusReport& report) const;
  // Across an upgrade: everything that runs; then, with the configuration in force and the
  // dispatchers there, all of it again.
  void hand_over(Handover& to) const;
  void take_over(const Handover& from);

 private:
  void on_deadline() override;

  WorkerServices& services_;
  std::unordered_map<uint32_t, std::unique_ptr<WorkerGroup>> groups_;
  std::vector<uint32_t> removed_;  // still finishing
  uint32_t last_ = 0;
};

}  // namespace dmpm::master
