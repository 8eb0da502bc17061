// The gradient of a convolution's weights from rows of pixels, frames in the lanes.

#ifndef DOTMOTION_ROW_GRADIENT_H_
#define DOTMOTION_ROW_GRADIENT_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "frames.h"
#include "lanes.h"
#include "memory.h"
#include "packed_kernel.h"
#include "tiled_rows.h"
#include "tiles.h"

namespace dotmotion {

// A weight's gradient is the sum over pixels of the value that it was under times the
// gradient of the sum that it went into. That is a convolution too, and so done in tiles as
// the one forward: of four weights, with four gradients of sums in the place of weights. Each
// lane sums up its own frames.
class RowGradient {
 public:
  // For convolutions of rows that are taken as `rows` says with as many filters.
  RowGradient(const TiledRows& rows, int filters)
      : rows_(rows),
        filters_(filters),
        row_taps_(rows.columns * rows.channels),
        taps_(rows.window.rows * row_taps_),
        product_sums_(static_cast<int64_t>(taps_) * filters * kLanes),
        factors_size_(static_cast<int64_t>(rows.units) * filters * kLanes),
        factors_(rows.is_tiled ? rows.products * factors_size_ : 0),
        sums_(rows.products * product_sums_) {}

  // Adds the products of what is under the window and the gradient of the row of sums,
  // [width][filters], which zeros follow up to a multiple of kTilePixels.
  void Accumulate(const WindowRows& rows, const float* outer) {
    const float* factors = outer;
    if (rows_.is_tiled) {
      PrepareFactors(outer);
      factors = factors_.get();
    }
    const float* values[kMostTaps];
    for (int product = 0; product < rows_.products; ++product) {
      ForBlocks(product, [&](int tap, int taps, int filter, int filters, float* sums) {
        if (filter == 0) {
          for (int n = 0; n < taps; ++n) {
            const int row = (tap + n) / row_taps_, of_row = (tap + n) % row_taps_;
            values[n] = rows.prepared[row] + product * rows_.product_size + of_row * kLanes;
          }
        }
        AccumulateBlock(taps, filters, values,
                        factors + product * factors_size_ + filter * kLanes, sums);
      });
    }
  }

  // Adds what was accumulated to `gradient(row, column, channel, filter)`.
  template <class Gradient>
  void AddTo(const Gradient& gradient) const {
    // Lanes summed up, [product][tap][filter].
    std::vector<float> totals(static_cast<int64_t>(rows_.products) * taps_ * filters_);
    for (int product = 0; product < rows_.products; ++product) {
      ForBlocks(product, [&](int tap, int taps, int filter, int filters, const float* sums) {
        for (int n = 0; n < taps * filters; ++n) {
          const int64_t at = static_cast<int64_t>(product) * taps_ + tap + n / filters;
          totals[at * filters_ + filter + n % filters] = Sum(Load(sums + n * kLanes));
        }
      });
    }
    const int places = rows_.is_tiled ? kTilePixels : 1;
    for (int tap = 0; tap < taps_; ++tap) {
      const int row = tap / row_taps_, channel = tap % rows_.channels;
      const int first = tap % row_taps_ / rows_.channels * places;
      for (int filter = 0; filter < filters_; ++filter) {
        const float* products = totals.data() + tap * filters_ + filter;
        for (int place = 0; place < places && first + place < rows_.window.columns; ++place) {
          gradient(row, first + place, channel, filter) +=
              rows_.is_tiled ? FinishedWeight(products, place) : *products;
        }
      }
    }
  }

 private:
  // A block of sums, a value under each tap and a factor fit into the registers.
  static constexpr int kMostTaps = kRegisters == 32 ? 5 : 3;
  static constexpr int kMostBlockFilters = kRegisters == 32 ? 5 : 4;

  // Calls `use(tap, taps, filter, filters, sums)` for blocks of taps by filters, whose sums
  // lie beside each other.
  template <class Use>
  void ForBlocks(int product, const Use& use) const {
    const Parts tap_blocks(taps_, kMostTaps), filter_blocks(filters_, kMostBlockFilters);
    float* sums = sums_.get() + product * product_sums_;
    int tap = 0;
    for (int of_taps = 0; of_taps < tap_blocks.count; ++of_taps) {
      const int taps = tap_blocks.Size(of_taps);
      int filter = 0;
      for (int of_filters = 0; of_filters < filter_blocks.count; ++of_filters) {
        const int filters = filter_blocks.Size(of_filters);
        use(tap, taps, filter, filters, sums);
        sums += taps * filters * kLanes;
        filter += filters;
      }
      tap += taps;
    }
  }

  void PrepareFactors(const float* outer) {
    const int64_t pixel = static_cast<int64_t>(filters_) * kLanes, stride = factors_size_;
    float* to = factors_.get();
    for (int unit = 0; unit < rows_.units; ++unit) {
      const float* gradients = outer + unit * kTilePixels * pixel;
      for (int64_t at = 0; at < pixel; at += kLanes, to += kLanes) {
        PrepareTileWeights(gradients + at, pixel, to, stride);
      }
    }
  }

  // A weight's total from those of its tile in each product.
  float FinishedWeight(const float* totals, int place) const {
    const int64_t stride = static_cast<int64_t>(taps_) * filters_;
    double sum = 0;
    for (int product = 0; product < kTileProducts; ++product) {
      sum += TileShare(product, place) * totals[product * stride];
    }
    return static_cast<float>(sum);
  }

  void AccumulateBlock(int taps, int filters, const float* const* values, const float* factors,
                       float* sums) const {
    switch (taps * 8 + filters) {
#define DOTMOTION_BLOCK(T, F)                                 \
  case T * 8 + F:                                             \
    if constexpr (T <= kMostTaps && F <= kMostBlockFilters) { \
      Block<T, F>(values, factors, sums);                     \
    }                                                         \
    break
#define DOTMOTION_BLOCKS(T) \
  DOTMOTION_BLOCK(T, 1);    \
  DOTMOTION_BLOCK(T, 2);    \
  DOTMOTION_BLOCK(T, 3);    \
  DOTMOTION_BLOCK(T, 4);    \
  DOTMOTION_BLOCK(T, 5)
      DOTMOTION_BLOCKS(1);
      DOTMOTION_BLOCKS(2);
      DOTMOTION_BLOCKS(3);
      DOTMOTION_BLOCKS(4);
      DOTMOTION_BLOCKS(5);
#undef DOTMOTION_BLOCKS
#undef DOTMOTION_BLOCK
    }
  }

  template <int T, int F>
  __attribute__((noinline)) void Block(const float* const* values, const float* factors,
                                       float* sums) const {
    const int64_t unit_stride = static_cast<int64_t>(rows_.channels) * kLanes;
    const int64_t factors_stride = static_cast<int64_t>(filters_) * kLanes;
    const float* value[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) value[t] = values[t];
    Vec s[T][F];
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
#pragma GCC unroll 8
      for (int f = 0; f < F; ++f) s[t][f] = Load(sums + (t * F + f) * kLanes);
    }
    int64_t at = 0;
    int left = rows_.units;
    do {
      Vec v[T];
#pragma GCC unroll 8
      for (int t = 0; t < T; ++t) v[t] = Load(value[t] + at);
#pragma GCC unroll 8
      for (int f = 0; f < F; ++f) {
        const Vec factor = Load(factors + f * kLanes);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) s[t][f] += v[t] * factor;
      }
      at += unit_stride;
      factors += factors_stride;
    } while (--left);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
#pragma GCC unroll 8
      for (int f = 0; f < F; ++f) Store(sums + (t * F + f) * kLanes, s[t][f]);
    }
  }

  const TiledRows rows_;
  const int filters_;
  // Values under the window: of a row, and in all.
  const int row_taps_, taps_;
  const int64_t product_sums_, factors_size_;
  Floats factors_, sums_;
};

}  // namespace dotmotion

#endif  // DOTMOTION_ROW_GRADIENT_H_
