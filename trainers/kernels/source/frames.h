// How frames in memory, [image, row, column, channel], are laid out in lanes.

#ifndef DOTMOTION_FRAMES_H_
#define DOTMOTION_FRAMES_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#include "lanes.h"

namespace dotmotion {

// Floats that start on a cache line, zero at first. Throws std::bad_alloc.
class Floats {
 public:
  Floats() = default;
  explicit Floats(int64_t size) {
    const size_t bytes = (std::max<int64_t>(size, 1) * sizeof(float) + 63) / 64 * 64;
    data_ = static_cast<float*>(std::aligned_alloc(64, bytes));
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(data_, 0, bytes);
  }
  Floats(Floats&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  Floats& operator=(Floats&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~Floats() { std::free(data_); }

  float* get() const { return data_; }

 private:
  float* data_ = nullptr;
};

// The size of a convolution with padding 'same' and stride 1.
struct Window {
  int rows, columns;

  int above() const { return (rows - 1) / 2; }
  int below() const { return rows - 1 - above(); }
  int left() const { return (columns - 1) / 2; }
  int right() const { return columns - 1 - left(); }
};

// Which part of which image each lane holds. Each image is cut into strips of as many rows,
// and each strip takes a lane: with few images, many strips fill the lanes. As many lanes as
// a register has make a chunk.
class Strips {
 public:
  // `least` rows at least make a strip, as many as a neighbour reads across its edge, and
  // the number of rows is a multiple of `unit`.
  Strips(int64_t images, int height, int least, int unit) : images(images), height(height) {
    double best = -1;
    for (int count = 1; count <= std::min<int64_t>(kLanes, height); ++count) {
      const int rows = ((height + count - 1) / count + unit - 1) / unit * unit;
      const int needed = (height + rows - 1) / rows;
      if (needed < count || (count > 1 && rows < least)) continue;
      const int64_t chunks = (images * count + kLanes - 1) / kLanes;
      // What is done once for each row of a chunk, and a little for what strips share.
      const double cost = chunks * (rows + (count > 1 ? 0.25 * least : 0));
      if (best < 0 || cost < best) {
        best = cost;
        per_image = count;
        this->rows = rows;
        this->chunks = chunks;
      }
    }
  }

  int64_t images;
  int height;
  int per_image = 1, rows = 1;
  int64_t chunks = 0;

  // The image in a lane, or -1 if there is none.
  int64_t Image(int64_t chunk, int lane) const {
    const int64_t image = (chunk * kLanes + lane) / per_image;
    return image < images ? image : -1;
  }

  // The row of the image at which the strip in a lane starts.
  int First(int64_t chunk, int lane) const {
    return static_cast<int>((chunk * kLanes + lane) % per_image) * rows;
  }

  // The row of the image at `row` of the strip in a lane, which may lie outside the strip;
  // -1 if the image has no such row or the lane no image.
  int RowOfImage(int64_t chunk, int lane, int row) const {
    if (Image(chunk, lane) < 0) return -1;
    const int of_image = First(chunk, lane) + row;
    return of_image < 0 || of_image >= height ? -1 : of_image;
  }

  // True in lanes in which a row belongs to the image.
  IntVec Mask(int64_t chunk, int row) const {
    IntVec mask{};
    for (int lane = 0; lane < kLanes; ++lane) {
      mask[lane] = RowOfImage(chunk, lane, row) < 0 ? 0 : -1;
    }
    return mask;
  }

  // Where each lane's row starts in `frames` with `row_size` values a row and `of_height`
  // rows an image (fewer than `height` where the rows below have no values); `otherwise`
  // where there is no such row.
  template <class Value>
  void Rows(int64_t chunk, int row, Value* frames, int64_t image_size, int64_t row_size,
            int of_height, Value* otherwise, Value* (&starts)[kLanes]) const {
    for (int lane = 0; lane < kLanes; ++lane) {
      const int of_image = RowOfImage(chunk, lane, row);
      starts[lane] = of_image < 0 || of_image >= of_height
                         ? otherwise
                         : frames + Image(chunk, lane) * image_size + of_image * row_size;
    }
  }
};

// Takes the same value of each lane's row together: `pixels` of `channels` values, those of a
// pixel after each other, pixels `stride` floats apart.
template <class Value>
inline void ToLanes(Value* const (&rows)[kLanes], int pixels, int channels, int64_t stride,
                    float* to) {
  for (int pixel = 0; pixel < pixels; ++pixel, to += stride) {
    for (int channel = 0; channel < channels; ++channel) {
      const int place = pixel * channels + channel;
      for (int lane = 0; lane < kLanes; ++lane) {
        to[channel * kLanes + lane] = rows[lane][place];
      }
    }
  }
}

// The way back; lanes without a row (null) are left out.
template <class Value>
inline void FromLanes(const float* from, int pixels, int channels, int64_t stride,
                      Value* const (&rows)[kLanes]) {
  bool all = true;
  for (int lane = 0; lane < kLanes; ++lane) all = all && rows[lane] != nullptr;
  for (int pixel = 0; pixel < pixels; ++pixel, from += stride) {
    for (int channel = 0; channel < channels; ++channel) {
      const int place = pixel * channels + channel;
      const float* values = from + channel * kLanes;
      if (all) {
        for (int lane = 0; lane < kLanes; ++lane) {
          rows[lane][place] = static_cast<Value>(values[lane]);
        }
      } else {
        for (int lane = 0; lane < kLanes; ++lane) {
          if (rows[lane]) rows[lane][place] = static_cast<Value>(values[lane]);
        }
      }
    }
  }
}

}  // namespace dotmotion

#endif  // DOTMOTION_FRAMES_H_
