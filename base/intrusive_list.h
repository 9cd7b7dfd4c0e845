// IntrusiveList<T>: a doubly linked list whose links live in the elements, so that linking never
// allocates and an element can leave in constant time. A node unlinks itself when destroyed.
#pragma once

#include <cstddef>

namespace dmpm {

// T derives from ListNode<T> (or ListNode<T, Tag> to be in several lists at once).
template <typename T, typename Tag = void>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename, typename>
  friend class IntrusiveList;
  ListNode* previous_ = nullptr;
  ListNode* next_ = nullptr;
};

template <typename T, typename Tag = void>
class IntrusiveList {
 public:
  using Node = ListNode<T, Tag>;

  IntrusiveList() { head_.previous_ = head_.next_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  // Elements outlive the list or not, in any order.
  ~IntrusiveList() {
    while (!empty()) pop_front();
    head_.previous_ = head_.next_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  void push_back(T& element) { insert_before(head_, element); }
  void push_front(T& element) { insert_before(*head_.next_, element); }
  // Only when not empty.
  T& front() {
    return static_cast<T&>(*head_.next_);
  }  // NOLINT(clang-analyzer-cplusplus.NewDelete): what is destroyed has unlinked itself
  T& back() { return static_cast<T&>(*head_.previous_); }
  T& pop_front() {
    T& element = front();
    static_cast<Node&>(element).unlink();
    return element;
  }
  // Takes `element` out of the list of this kind that it is in, if any.
  static void remove(T& element) { static_cast<Node&>(element).unlink(); }
  // Moves every element of `other` behind the own ones.
  void take(IntrusiveList& other) {
    while (!other.empty()) push_back(other.pop_front());
  }

 private:
  static void insert_before(Node& place, Node& node) {
    node.unlink();
    node.previous_ = place.previous_;
    node.next_ = &place;
    place.previous_->next_ = &node;
    place.previous_ = &node;
  }
  Node head_;
};

}  // namespace dmpm
