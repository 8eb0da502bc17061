// How frames in memory, [image, row, column, channel], are laid out in lanes.

#ifndef DOTMOTION_FRAMES_H_
#define DOTMOTION_FRAMES_H_

#include <algorithm>
#include <cstdint>

#include "lanes.h"

namespace dotmotion {

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
  // strips of a part of an image have a multiple of `unit` rows.
  Strips(int64_t images, int height, int least, int unit) : images(images), height(height) {
    double best = -1;
    for (int count = 1; count <= std::min<int64_t>(kLanes, height); ++count) {
      const int rounded = ((height + count - 1) / count + unit - 1) / unit * unit;
      const int rows = count == 1 ? height : rounded;
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

  // Where each lane's row starts in `frames`, with `image_size` values an image and
  // `row_size` a row; `otherwise` where there is no such row.
  template <class Value>
  void Rows(int64_t chunk, int row, Value* frames, int64_t image_size, int64_t row_size,
            Value* otherwise, Value* (&starts)[kLanes]) const {
    for (int lane = 0; lane < kLanes; ++lane) {
      const int of_image = RowOfImage(chunk, lane, row);
      starts[lane] = of_image < 0
                         ? otherwise
                         : frames + Image(chunk, lane) * image_size + of_image * row_size;
    }
  }
};

// Swaps the off-diagonal quarters of each square of 2 * Size lanes.
template <int Size>
inline __attribute__((always_inline)) void SwapQuarters(Vec (&square)[kLanes]) {
  IntVec upper, lower;
#pragma GCC unroll 16
  for (int lane = 0; lane < kLanes; ++lane) {
    upper[lane] = lane & Size ? kLanes + lane - Size : lane;
    lower[lane] = lane & Size ? kLanes + lane : lane + Size;
  }
#pragma GCC unroll 16
  for (int row = 0; row < kLanes; ++row) {
    if (row & Size) continue;
    const Vec a = square[row], b = square[row + Size];
    square[row] = Shuffle(a, b, upper);
    square[row + Size] = Shuffle(a, b, lower);
  }
}

// Makes columns of the rows of a square of values.
inline __attribute__((always_inline)) void Transpose(Vec (&square)[kLanes]) {
  SwapQuarters<1>(square);
  SwapQuarters<2>(square);
  if constexpr (kLanes > 4) SwapQuarters<4>(square);
  if constexpr (kLanes > 8) SwapQuarters<8>(square);
}

// Takes the same value of each lane's row together: `pixels` of `channels` values, those of a
// pixel after each other, pixels `stride` floats apart.
template <class Value>
inline void ToLanes(Value* const (&rows)[kLanes], int pixels, int channels, int64_t stride,
                    float* to) {
  const int size = pixels * channels;
  int place = 0, channel = 0;
  Vec square[kLanes];
  for (; place + kLanes <= size; place += kLanes) {
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) square[lane] = LoadAs(rows[lane] + place);
    Transpose(square);
#pragma GCC unroll 16
    for (int n = 0; n < kLanes; ++n) {
      Store(to + channel * kLanes, square[n]);
      if (++channel == channels) {
        channel = 0;
        to += stride;
      }
    }
  }
  for (; place < size; ++place) {
    for (int lane = 0; lane < kLanes; ++lane) to[channel * kLanes + lane] = rows[lane][place];
    if (++channel == channels) {
      channel = 0;
      to += stride;
    }
  }
}

// The way back; lanes without a row (null) are left out.
template <class Value>
inline void FromLanes(const float* from, int pixels, int channels, int64_t stride,
                      Value* const (&rows)[kLanes]) {
  const int size = pixels * channels;
  int place = 0, channel = 0;
  Vec square[kLanes];
  for (; place + kLanes <= size; place += kLanes) {
#pragma GCC unroll 16
    for (int n = 0; n < kLanes; ++n) {
      square[n] = Load(from + channel * kLanes);
      if (++channel == channels) {
        channel = 0;
        from += stride;
      }
    }
    Transpose(square);
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) {
      if (rows[lane]) StoreAs(rows[lane] + place, square[lane]);
    }
  }
  for (; place < size; ++place) {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (rows[lane]) rows[lane][place] = static_cast<Value>(from[channel * kLanes + lane]);
    }
    if (++channel == channels) {
      channel = 0;
      from += stride;
    }
  }
}

}  // namespace dotmotion

#endif  // DOTMOTION_FRAMES_H_
