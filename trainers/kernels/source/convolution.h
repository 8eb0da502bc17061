// Convolutions of a row of pixels, frames in the lanes.

#ifndef DOTMOTION_CONVOLUTION_H_
#define DOTMOTION_CONVOLUTION_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "frames.h"
#include "lanes.h"
#include "packed_kernel.h"
#include "tiled_rows.h"
#include "tiles.h"

namespace dotmotion {

// A convolution of rows of `width` pixels with padding 'same' and stride 1.
//
// In tiles, how a sum is rounded depends on the other pixels of its tile: the same values
// under two pixels can give sums that differ in the last bit. Where the greatest of some sums
// or their sign counts, as for pooling and relu, that leads the gradient astray: on a plain
// background, all sums of a pooling window are equal, or zero. So, where `alike` is asked for,
// sums of windows with plain rows are computed apart, from what is under them alone. What is
// under two pixels side by side is the same only where its rows are plain, so that these get
// the same sum always, and pixels one above the other if their whole tiles are the same.
class RowConvolution {
 public:
  // `weight(row, column, channel, filter)` gives the weights.
  template <class Weight>
  RowConvolution(Window window, int channels, int filters, int width, bool alike,
                 const Weight& weight)
      : rows_(window, channels, width), filters_(filters) {
    if (alike && rows_.is_tiled) {
      plain_kernel_.emplace(Window{window.rows, 1}, channels, filters,
                            [&](int row, int, int channel, int filter) {
                              double sum = 0;
                              for (int column = 0; column < window.columns; ++column) {
                                sum += weight(row, column, channel, filter);
                              }
                              return static_cast<float>(sum);
                            });
    }
    const Window between{window.rows, rows_.columns};
    for (int product = 0; product < rows_.products; ++product) {
      kernels_.emplace_back(
          between, channels, filters, [&](int row, int column, int channel, int filter) {
            if (!rows_.is_tiled) return weight(row, column, channel, filter);
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

  // How it takes its rows.
  const TiledRows& rows() const { return rows_; }

  // Floats that Convolve works in.
  int64_t scratch_size() const {
    return static_cast<int64_t>(rows_.products + (rows_.is_tiled ? kTilePixels : 0)) *
               group_size() * filters_ * kLanes +
           2 * static_cast<int64_t>(filters_) * kLanes;
  }

  // Convolves a row. Calls `done(column, pixels, sums)` with the sums [pixels][filters] of a
  // few pixels at a time.
  template <class Done>
  void Convolve(const WindowRows& rows, float* scratch, const Done& done) const {
    const Parts groups(rows_.units, group_size());
    const int64_t unit_stride = static_cast<int64_t>(rows_.channels) * kLanes;
    const int64_t sums_size = static_cast<int64_t>(filters_) * kLanes;
    float* plain = scratch + scratch_size() - 2 * sums_size;
    int unit = 0;
    for (int group = 0; group < groups.count; ++group) {
      const int units = groups.Size(group);
      for (int product = 0; product < rows_.products; ++product) {
        kernels_[product].Sum(rows.prepared, product * rows_.product_size + unit * unit_stride,
                              unit_stride, units, scratch + product * units * sums_size);
      }
      if (!rows_.is_tiled) {
        done(unit, units, scratch);
      } else {
        float* sums = scratch + rows_.products * units * sums_size;
        for (int tile = 0; tile < units; ++tile) {
          for (int64_t at = 0; at < sums_size; at += kLanes) {
            FinishTile(scratch + tile * sums_size + at, units * sums_size,
                       sums + tile * kTilePixels * sums_size + at, sums_size);
          }
        }
        const int column = unit * kTilePixels;
        const int pixels = std::min(units * kTilePixels, rows_.width - column);
        if (rows.plain) SetPlain(rows, column, pixels, plain, plain + sums_size, sums);
        done(column, pixels, sums);
      }
      unit += units;
    }
  }

  // Convolves into `to`, [width][filters].
  void ConvolveTo(const WindowRows& rows, float* scratch, float* to) const {
    const int64_t pixel = static_cast<int64_t>(filters_) * kLanes;
    Convolve(rows, scratch, [&](int column, int pixels, const float* sums) {
      std::copy_n(sums, pixels * pixel, to + column * pixel);
    });
  }

 private:
  // Sets the sums of those pixels whose windows have plain rows. Plain pixels side by side
  // have the same sums, which are in `plain` then; `scratch` is of the same size.
  void SetPlain(const WindowRows& rows, int column, int pixels, float* plain, float* scratch,
                float* sums) const {
    const int64_t size = static_cast<int64_t>(filters_) * kLanes;
    const int64_t pixel = static_cast<int64_t>(rows_.channels) * kLanes;
    for (int x = column; x < column + pixels; ++x, sums += size) {
      const LaneBits lanes = rows.plain[x];
      if (lanes == 0) continue;
      const LaneBits begun = x == 0 ? lanes : lanes & ~rows.plain[x - 1];
      if (begun) {
        plain_kernel_->Sum(rows.padded, x * pixel, pixel, 1, scratch);
        Blend(Mask(begun), scratch, size, plain);
      }
      Blend(Mask(lanes), plain, size, sums);
    }
  }

  static void Blend(IntVec lanes, const float* from, int64_t size, float* to) {
    for (int64_t at = 0; at < size; at += kLanes) {
      Store(to + at, lanes ? Load(from + at) : Load(to + at));
    }
  }

  int group_size() const { return kernels_[0].tile_pixels(); }

  const TiledRows rows_;
  const int filters_;
  // Where sums have to be alike, weights summed up over columns.
  std::optional<PackedKernel> plain_kernel_;
  std::vector<PackedKernel> kernels_;
};

}  // namespace dotmotion

#endif  // DOTMOTION_CONVOLUTION_H_
