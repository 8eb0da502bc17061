// Max-pooling of a row of windows, frames in the lanes, and its gradient.

#ifndef DOTMOTION_POOLING_H_
#define DOTMOTION_POOLING_H_

#include <cstdint>

#include "frames.h"
#include "lanes.h"

namespace dotmotion {

// The greatest value of each window, [pixels][filters], and the number of the first one in
// it, row by row. Rows and pixels of `values` are `row_stride` and `pixel_stride` apart. A
// NaN is greater than all, as in TensorFlow.
inline void MaxPool(const float* values, int64_t row_stride, int64_t pixel_stride, Window pool,
                    int pixels, int filters, float* pooled, float* places) {
  for (int pixel = 0; pixel < pixels; ++pixel) {
    for (int filter = 0; filter < filters; ++filter) {
      const float* corner = values + pixel * pool.columns * pixel_stride + filter * kLanes;
      Vec greatest = Load(corner), place{};
      float number = 0;
      for (int row = 0; row < pool.rows; ++row) {
        for (int column = 0; column < pool.columns; ++column, ++number) {
          const Vec value = Load(corner + row * row_stride + column * pixel_stride);
          place = value > greatest ? Broadcast(number) : place;
          greatest = ((value > greatest) | (value != value)) ? value : greatest;
        }
      }
      Store(pooled, greatest);
      Store(places, place);
      pooled += kLanes;
      places += kLanes;
    }
  }
}

// The gradient of a row of values from that of a row of windows: each window's goes to where
// the greatest value was. `corner` is the number in the window of the row's first pixel.
inline void SpreadPooled(const float* outer, const float* places, Vec corner, int columns,
                         int pixels, int filters, float* spread) {
  for (int pixel = 0; pixel < pixels; ++pixel) {
    for (int filter = 0; filter < filters; ++filter) {
      const Vec value = Load(outer), place = Load(places) - corner;
      for (int column = 0; column < columns; ++column) {
        const Vec own = place == static_cast<float>(column) ? value : Vec{};
        Store(spread + ((pixel * columns + column) * filters + filter) * kLanes, own);
      }
      outer += kLanes;
      places += kLanes;
    }
  }
}

}  // namespace dotmotion

#endif  // DOTMOTION_POOLING_H_
