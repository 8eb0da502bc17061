// Threads that work on one operation and then end.

#ifndef DOTMOTION_TEAM_H_
#define DOTMOTION_TEAM_H_

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace dotmotion {

// A contiguous part of some tasks, the same for the same member: what a member wrote in one
// phase it mostly reads in the next, and sums are always added in the same order.
struct Share {
  int64_t begin, end;

  Share(int64_t tasks, int member, int members)
      : begin(tasks * member / members), end(tasks * (member + 1) / members) {}
};

// The members of a team, who can wait for each other.
class Team {
 public:
  explicit Team(int size) : size(size) {}

  const int size;

  // Returns when all members have come here.
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    const int64_t round = round_;
    if (++waiting_ == size) {
      waiting_ = 0;
      ++round_;
      all_here_.notify_all();
    } else {
      all_here_.wait(lock, [&] { return round_ != round; });
    }
  }

 private:
  int waiting_ = 0;
  int64_t round_ = 0;
  std::mutex mutex_;
  std::condition_variable all_here_;
};

// How many processors this process may run on.
inline int Processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

// How many members are useful for so many tasks, of at most `most`; 0 stands for as many as
// there are processors.
inline int TeamSize(int64_t tasks, int most) {
  const int64_t limit = most > 0 ? most : Processors();
  return static_cast<int>(std::max<int64_t>(1, std::min(limit, tasks)));
}

// Runs `work(team, member)` in as many threads, this one included, as the system gives, up to
// `wanted`. Starting one takes about 20 us, against milliseconds of work. `work` may not
// throw: memory is allocated before.
template <class Work>
void RunTeam(int wanted, const Work& work) {
  std::mutex mutex;
  std::condition_variable decided;
  Team* team = nullptr;
  std::vector<std::thread> threads;
  threads.reserve(wanted - 1);
  try {
    for (int member = 1; member < wanted; ++member) {
      threads.emplace_back([&, member] {
        std::unique_lock<std::mutex> lock(mutex);
        decided.wait(lock, [&] { return team != nullptr; });
        lock.unlock();
        work(*team, member);
      });
    }
  } catch (const std::system_error&) {
    // A limit on threads: go on with those there are.
  }
  Team formed(static_cast<int>(threads.size()) + 1);
  {
    std::lock_guard<std::mutex> lock(mutex);
    team = &formed;
  }
  decided.notify_all();
  work(formed, 0);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace dotmotion

#endif  // DOTMOTION_TEAM_H_
