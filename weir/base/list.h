// weir: a doubly linked list whose links live in its members.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/expects.h"

namespace weir {

/// The links of a list member. Derive from it once per list that an object can be on, told apart by Tag.
///
/// Lifetime: an object that is destroyed while it is on a list leaves the list.
template <class Tag = void>
class ListHook {
 public:
  ListHook() noexcept = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool is_linked() const noexcept { return next_ != nullptr; }

  /// Leaves the list, if it is on one. O(1).
  void unlink() noexcept {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class List;

  ListHook* next_ = nullptr;
  ListHook* previous_ = nullptr;
};

/// A list that owns nothing. Every operation but destruction is O(1) and allocates nothing.
///
///     struct Task : ListHook<> { … };
///     List<Task> ready;
///     ready.push_back(task);
///     while (Task* next = ready.pop_front()) run(*next);
///
/// Lifetime: members may leave, or be destroyed, at any time; a list that is destroyed first unlinks them.
template <class T, class Tag = void>
class List {
  using Hook = ListHook<Tag>;

 public:
  List() noexcept { root_.next_ = root_.previous_ = &root_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (pop_front() != nullptr) {}
    root_.next_ = root_.previous_ = nullptr;  // so that the root's own destructor finds nothing to leave
  }

  bool is_empty() const noexcept { return root_.next_ == &root_; }

  /// The first member, or null.
  T* front() noexcept { return is_empty() ? nullptr : static_cast<T*>(root_.next_); }

  /// Requires that `member` is on no list of this tag.
  void push_back(T& member) noexcept { insert_before(root_, member); }
  void push_front(T& member) noexcept { insert_before(*root_.next_, member); }

  /// Takes the first member off the list; null when there is none.
  T* pop_front() noexcept {
    T* first = front();
    if (first != nullptr) static_cast<Hook*>(first)->unlink();
    return first;
  }

  /// Moves every member of `other` to the end of this list, in order. O(1).
  void splice_back(List& other) noexcept {
    if (other.is_empty()) return;
    Hook* first = other.root_.next_;
    Hook* last = other.root_.previous_;
    other.root_.next_ = other.root_.previous_ = &other.root_;
    first->previous_ = root_.previous_;
    root_.previous_->next_ = first;
    last->next_ = &root_;
    root_.previous_ = last;
  }

  /// Calls `visit(member)` for each member in order; `visit` may unlink the member it is given, no other.
  template <class Visit>
  void for_each(Visit visit) {
    for (Hook* hook = root_.next_; hook != &root_;) {
      Hook* next = hook->next_;
      visit(*static_cast<T*>(hook));
      hook = next;
    }
  }

 private:
  static void insert_before(Hook& place, T& member) noexcept {
    Hook& hook = member;
    expects(hook.next_ == nullptr);
    hook.next_ = &place;
    hook.previous_ = place.previous_;
    place.previous_->next_ = &hook;
    place.previous_ = &hook;
  }

  Hook root_;
};

}  // namespace weir
