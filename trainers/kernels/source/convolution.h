// Convolutions of a row of pixels, frames in the lanes.

#ifndef DOTMOTION_CONVOLUTION_H_
#define DOTMOTION_CONVOLUTION_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "frames.h"
#include "lanes.h"
#include "memory.h"
#include "packed_kernel.h"
#include "tiles.h"

namespace dotmotion {

// A convolution of rows of `width` pixels with padding 'same' and stride 1.
//
// With three columns or more, rows are done in tiles of four pixels with seven products for
// each four weights of a row (see tiles.h): each of the seven is a convolution between
// tiles. With fewer columns it is done between pixels, and also where pixels have to be
// `alike`: the same values under each give the same sum, to the last bit. In tiles they
// differ by rounding, and of a window of equal values, such as a background is, the greatest
// would be any, not the first, and the gradient would go astray.
class RowConvolution {
 public:
  // `weight(row, column, channel, filter)` gives the weights.
  template <class Weight>
  RowConvolution(Window window, int channels, int filters, int width, bool alike,
                 const Weight& weight)
      : window_(window),
        channels_(channels),
        filters_(filters),
        width_(width),
        is_tiled_(!alike && IsTiled(window, width)),
        columns_(Units(is_tiled_, window.columns)),
        units_(Units(is_tiled_, width)) {
    const Window between{window.rows, columns_};
    for (int product = 0; product < products(); ++product) {
      kernels_.emplace_back(
          between, channels, filters, [&](int row, int column, int channel, int filter) {
            if (!is_tiled_) return weight(row, column, channel, filter);
            double sum = 0;
            for (int place = 0; place < kTilePixels; ++place) {
              const int of_window = column * kTilePixels + place;
              if (of_window >= window.columns) continue;
              sum += TileWeight(product, place) *
                     static_cast<double>(weight(row, of_window, channel, filter));
            }
            return static_cast<float>(sum);
          });
    }
  }

  const Window& window() const { return window_; }

  // Floats that Prepare needs for a row.
  int64_t prepared_size() const {
    return is_tiled_ ? static_cast<int64_t>(kTileProducts) * product_size() : 0;
  }

  // Floats that Convolve works in.
  int64_t scratch_size() const {
    return static_cast<int64_t>(products() + (is_tiled_ ? kTilePixels : 0)) * group_size() *
           filters_ * kLanes;
  }

  // What Convolve takes of a padded row; it is in `prepared` or in the row itself.
  const float* Prepare(const float* padded_row, float* prepared) const {
    if (!is_tiled_) return padded_row;
    const int64_t pixel = static_cast<int64_t>(channels_) * kLanes;
    for (int unit = 0; unit < values_units(); ++unit) {
      for (int64_t at = 0; at < pixel; at += kLanes) {
        Vec counts[kTileProducts];
        PrepareTile(padded_row + unit * kTilePixels * pixel + at, pixel, counts);
        for (int product = 0; product < kTileProducts; ++product) {
          Store(prepared + product * product_size() + unit * pixel + at, counts[product]);
        }
      }
    }
    return prepared;
  }

  // Convolves a row, from what was prepared of each of the window's rows. Calls
  // `done(column, pixels, sums)` with the sums [pixels][filters] of a few pixels at a time.
  template <class Done>
  void Convolve(const float* const* prepared, float* scratch, const Done& done) const {
    const Parts groups(units_, group_size());
    const int64_t unit_stride = static_cast<int64_t>(channels_) * kLanes;
    const int64_t sums_size = static_cast<int64_t>(filters_) * kLanes;
    int unit = 0;
    for (int group = 0; group < groups.count; ++group) {
      const int units = groups.Size(group);
      for (int product = 0; product < products(); ++product) {
        kernels_[product].Sum(prepared, product * product_size() + unit * unit_stride,
                              unit_stride, units, scratch + product * units * sums_size);
      }
      if (!is_tiled_) {
        done(unit, units, scratch);
      } else {
        float* sums = scratch + products() * units * sums_size;
        for (int tile = 0; tile < units; ++tile) {
          for (int64_t at = 0; at < sums_size; at += kLanes) {
            FinishTile(scratch + tile * sums_size + at, units * sums_size,
                       sums + tile * kTilePixels * sums_size + at, sums_size);
          }
        }
        const int column = unit * kTilePixels;
        done(column, std::min(units * kTilePixels, width_ - column), sums);
      }
      unit += units;
    }
  }

 private:
  int products() const { return is_tiled_ ? kTileProducts : 1; }
  // Units of a row that are read: tiles, or pixels.
  int values_units() const { return units_ + columns_ - 1; }
  int64_t product_size() const {
    return static_cast<int64_t>(values_units()) * channels_ * kLanes;
  }
  int group_size() const { return kernels_[0].tile_pixels(); }

  const Window window_;
  const int channels_, filters_, width_;
  const bool is_tiled_;
  // Of the convolution between units: its window's columns, and units of a row.
  const int columns_, units_;
  std::vector<PackedKernel> kernels_;
};

// The rows under a window that slides down a frame.
class SlidingRows {
 public:
  explicit SlidingRows(const RowConvolution& convolution)
      : convolution_(convolution),
        count_(convolution.window().rows),
        ring_(count_ * convolution.prepared_size()),
        prepared_(count_),
        ordered_(count_) {}

  // Forgets what was prepared: the next window starts at `row`.
  void Restart(int row) { next_ = row; }

  // What was prepared of the rows from `row` on, one below that of the call before;
  // `padded_row(number)` gives the rows of the padded frame.
  template <class PaddedRow>
  const float* const* At(int row, const PaddedRow& padded_row) {
    for (; next_ < row + count_; ++next_) {
      const int slot = next_ % count_;
      prepared_[slot] = convolution_.Prepare(padded_row(next_),
                                             ring_.get() + slot * convolution_.prepared_size());
    }
    for (int n = 0; n < count_; ++n) ordered_[n] = prepared_[(row + n) % count_];
    return ordered_.data();
  }

 private:
  const RowConvolution& convolution_;
  const int count_;
  Floats ring_;
  std::vector<const float*> prepared_, ordered_;
  int next_ = 0;
};

// Convolves into `to`, [width][filters].
inline void ConvolveTo(const RowConvolution& convolution, const float* const* prepared,
                       float* scratch, int filters, float* to) {
  const int64_t pixel = static_cast<int64_t>(filters) * kLanes;
  convolution.Convolve(prepared, scratch, [&](int column, int pixels, const float* sums) {
    std::copy_n(sums, pixels * pixel, to + column * pixel);
  });
}

}  // namespace dotmotion

#endif  // DOTMOTION_CONVOLUTION_H_
