#include "base/intrusive_list.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using dmpm::IntrusiveList;
using dmpm::ListNode;

namespace {

struct ByAge;
struct Item : ListNode<Item>, ListNode<Item, ByAge> {
  explicit Item(char c) : name(c) {}
  char name;
};
using List = IntrusiveList<Item>;
using AgeList = IntrusiveList<Item, ByAge>;

std::string drain(List& list) {
  std::string out;
  while (!list.empty()) out += list.pop_front().name;
  return out;
}

}  // namespace

TEST_CASE("order") {
  List list;
  Item a('a'), b('b'), c('c');
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  CHECK(list.front().name == 'a');
  CHECK(list.back().name == 'c');
  list.push_back(a);  // moves
  CHECK(drain(list) == "bca");
  CHECK(list.empty());
}

TEST_CASE("an element leaves when it is destroyed") {
  List list;
  Item a('a'), c('c');
  list.push_back(a);
  {
    Item b('b');
    list.push_back(b);
    list.push_back(c);
  }
  CHECK(drain(list) == "ac");
}

TEST_CASE("a list that is destroyed leaves its elements unlinked") {
  Item a('a');
  {
    List list;
    list.push_back(a);
    CHECK(static_cast<ListNode<Item>&>(a).linked());
  }
  CHECK_FALSE(static_cast<ListNode<Item>&>(a).linked());
}

TEST_CASE("remove of what is in no list does nothing") {
  Item a('a');
  List::remove(a);
  List list;
  list.push_back(a);
  List::remove(a);
  List::remove(a);
  CHECK(list.empty());
}

TEST_CASE("take moves all, in order") {
  List one, two;
  Item a('a'), b('b'), c('c'), d('d');
  one.push_back(a);
  two.push_back(b);
  two.push_back(c);
  one.take(two);
  CHECK(two.empty());
  two.push_back(d);
  CHECK(drain(one) == "abc");
  CHECK(drain(two) == "d");
}

TEST_CASE("an element may be in lists of different kinds") {
  List list;
  AgeList ages;
  Item a('a');
  list.push_back(a);
  ages.push_back(a);
  List::remove(a);
  CHECK(list.empty());
  CHECK(&ages.front() == &a);
}
