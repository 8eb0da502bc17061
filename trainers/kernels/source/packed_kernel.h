// Sums over a window for each pixel of a row, frames in the lanes.

#ifndef DOTMOTION_PACKED_KERNEL_H_
#define DOTMOTION_PACKED_KERNEL_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "frames.h"
#include "lanes.h"
#include "memory.h"

namespace dotmotion {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

// Filters whose sums are in registers together.
constexpr int kMostFilters = 6;

// As many pixels as fit beside each other: their sums, a value of each, and a weight.
constexpr int TilePixels(int filters) {
  const int fit = (kRegisters - 1) / (filters + 1);
  return fit < 8 ? fit : 8;
}

// How n things are dealt into the fewest parts of at most `most`, as evenly as can be.
struct Parts {
  int count, size, larger;

  Parts(int n, int most) : count((n + most - 1) / most), size(n / count), larger(n % count) {}

  int Size(int part) const { return size + (part < larger); }
};

// Stores at `to` the sums [X][N] of a tile, pixels `to_stride` apart: of `taps` values
// (columns by channels, which lie in one row) in each of `count` rows, from `offset` on under
// the first of X pixels, with weights [count][taps][N].
template <int X, int N>
void SumTile(const float* const* rows, int count, int64_t offset, int64_t pixel_stride,
             const float* weights, int taps, float* to, int64_t to_stride) {
  Vec s[X][N];
#pragma GCC unroll 8
  for (int x = 0; x < X; ++x) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) s[x][n] = Vec{};
  }
  for (int row = 0; row < count; ++row) {
    const float* value = rows[row] + offset;
    for (int tap = 0; tap < taps; ++tap, value += kLanes, weights += N) {
      Vec v[X];
#pragma GCC unroll 8
      for (int x = 0; x < X; ++x) v[x] = Load(value + x * pixel_stride);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const Vec weight = Broadcast(weights[n]);
#pragma GCC unroll 8
        for (int x = 0; x < X; ++x) s[x][n] += v[x] * weight;
      }
    }
  }
#pragma GCC unroll 8
  for (int x = 0; x < X; ++x) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) Store(to + x * to_stride + n * kLanes, s[x][n]);
  }
}

// The same for any number of pixels up to TilePixels(N).
template <int N>
void SumTileOf(int pixels, const float* const* rows, int count, int64_t offset,
               int64_t pixel_stride, const float* weights, int taps, float* to,
               int64_t to_stride) {
  switch (pixels) {
#define DOTMOTION_TILE(X)                                                             \
  case X:                                                                             \
    if constexpr (X <= TilePixels(N)) {                                               \
      SumTile<X, N>(rows, count, offset, pixel_stride, weights, taps, to, to_stride); \
    }                                                                                 \
    break
    DOTMOTION_TILE(1);
    DOTMOTION_TILE(2);
    DOTMOTION_TILE(3);
    DOTMOTION_TILE(4);
    DOTMOTION_TILE(5);
    DOTMOTION_TILE(6);
    DOTMOTION_TILE(7);
    DOTMOTION_TILE(8);
#undef DOTMOTION_TILE
  }
}

// Weights in the order in which they are used: blocks of filters, [rows][taps][block].
class PackedKernel {
 public:
  // `weight(row, column, channel, filter)` gives them.
  template <class Weight>
  PackedKernel(Window window, int channels, int filters, const Weight& weight)
      : rows(window.rows),
        taps(window.columns * channels),
        filters(filters),
        blocks(filters, kMostFilters),
        weights_(static_cast<int64_t>(window.rows) * taps * filters) {
    float* to = weights_.get();
    int first = 0;
    for (int block = 0; block < blocks.count; ++block) {
      for (int row = 0; row < rows; ++row) {
        for (int tap = 0; tap < taps; ++tap) {
          for (int n = 0; n < blocks.Size(block); ++n) {
            *to++ = weight(row, tap / channels, tap % channels, first + n);
          }
        }
      }
      first += blocks.Size(block);
    }
  }

  // Pixels whose sums can be asked for at once.
  int tile_pixels() const { return TilePixels(blocks.Size(0)); }

  // Stores at `to` the sums [pixels][filters] under as many pixels, at most tile_pixels(),
  // from `offset` floats after the start of each of the window's rows on.
  void Sum(const float* const* window_rows, int64_t offset, int64_t pixel_stride, int pixels,
           float* to) const {
    const int64_t to_stride = static_cast<int64_t>(filters) * kLanes;
    const float* weights = weights_.get();
    for (int block = 0; block < blocks.count; ++block) {
      const int size = blocks.Size(block);
      switch (size) {
#define DOTMOTION_BLOCK(N)                                                           \
  case N:                                                                            \
    SumTileOf<N>(pixels, window_rows, rows, offset, pixel_stride, weights, taps, to, \
                 to_stride);                                                         \
    break
        DOTMOTION_BLOCK(1);
        DOTMOTION_BLOCK(2);
        DOTMOTION_BLOCK(3);
        DOTMOTION_BLOCK(4);
        DOTMOTION_BLOCK(5);
        DOTMOTION_BLOCK(6);
#undef DOTMOTION_BLOCK
      }
      weights += static_cast<int64_t>(rows) * taps * size;
      to += size * kLanes;
    }
  }

  const int rows, taps, filters;
  const Parts blocks;

 private:
  Floats weights_;
};

}  // namespace dotmotion

#endif  // DOTMOTION_PACKED_KERNEL_H_
