// Memory that the kernels work in.

#ifndef DOTMOTION_MEMORY_H_
#define DOTMOTION_MEMORY_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace dotmotion {

// Floats that start on a cache line, zero at first. Throws std::bad_alloc.
class Floats {
 public:
  explicit Floats(int64_t size) {
    const size_t bytes = (std::max<int64_t>(size, 1) * sizeof(float) + 63) / 64 * 64;
    data_ = static_cast<float*>(std::aligned_alloc(64, bytes));
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(data_, 0, bytes);
  }
  Floats(Floats&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Floats& operator=(Floats&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~Floats() { std::free(data_); }

  float* get() const { return data_; }

 private:
  float* data_;
};

}  // namespace dotmotion

#endif  // DOTMOTION_MEMORY_H_
