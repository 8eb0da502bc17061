// Four pixels of a row convolution with four weights by seven products instead of sixteen.
//
// Four outputs of a convolution with four weights are the product of two polynomials, turned
// round (Winograd, "Arithmetic complexity of computations", 1980; Lavin and Gray, "Fast
// algorithms for convolutional neural networks", CVPR 2016). Seven values on each side
// determine it: those at six points and the leading coefficient. The points come in pairs of
// both signs, which saves half of the additions, and lie close together around 1, which
// keeps rounding errors at about twice those of the sum itself.

#ifndef DOTMOTION_TILES_H_
#define DOTMOTION_TILES_H_

#include <cstdint>

#include "frames.h"
#include "lanes.h"

namespace dotmotion {

constexpr int kTilePixels = 4;
constexpr int kTileProducts = 7;

// Whether rows are done in tiles: with few products for each pixel, preparing them costs more
// than they save.
inline bool IsTiled(Window window, int channels, int width) {
  return window.columns >= 3 && width >= kTilePixels && window.rows * channels >= 8;
}

// Units, tiles or pixels, that n pixels take.
inline int Units(bool is_tiled, int pixels) {
  return is_tiled ? (pixels + kTilePixels - 1) / kTilePixels : pixels;
}

// Columns of a padded row: window.left() before the first pixel, and zeros after the last.
inline int PaddedColumns(Window window, int channels, int width) {
  if (!IsTiled(window, channels, width)) return width + window.columns - 1;
  return kTilePixels * (Units(true, width) + Units(true, window.columns)) - 1;
}

constexpr int kPairs = 3;
constexpr double kPoint[kPairs] = {0.5, 1.0, 2.0};

// Squares of the other two points.
constexpr double OtherSquare(int pair, int which) {
  const double point = kPoint[(pair + 1 + which) % kPairs];
  return point * point;
}

// What weight `place` of four counts in product `product`: points 2n and 2n + 1 are those of
// pair n, plus and minus.
constexpr double TileWeight(int product, int place) {
  if (product == kTileProducts - 1) return place == kTilePixels - 1;
  const int pair = product / 2;
  const double size = kPoint[pair], point = product % 2 ? -size : size;
  double weight = 1 / (2 * point * (size * size - OtherSquare(pair, 0)) *
                       (size * size - OtherSquare(pair, 1)));
  for (int n = 0; n < place; ++n) weight *= point;
  return weight;
}

// How much of product `product` goes into pixel `pixel` of a tile.
constexpr double TileShare(int product, int pixel) {
  if (product == kTileProducts - 1) return pixel == kTilePixels - 1;
  const double size = kPoint[product / 2], point = product % 2 ? -size : size;
  double share = 1;
  for (int n = 0; n < pixel; ++n) share *= point;
  return share;
}

// What four neighbouring weights, `stride` apart, count in each product; these go
// `to_stride` apart.
inline void PrepareTileWeights(const float* weights, int64_t stride, float* to,
                               int64_t to_stride) {
  Vec w[kTilePixels];
#pragma GCC unroll 4
  for (int n = 0; n < kTilePixels; ++n) w[n] = Load(weights + n * stride);
#pragma GCC unroll 4
  for (int pair = 0; pair < kPairs; ++pair) {
    const float first = TileWeight(2 * pair, 0), square = kPoint[pair] * kPoint[pair];
    const float second = TileWeight(2 * pair, 1);
    const Vec even = (w[0] + w[2] * square) * first, odd = (w[1] + w[3] * square) * second;
    Store(to + 2 * pair * to_stride, odd + even);
    Store(to + (2 * pair + 1) * to_stride, odd - even);
  }
  Store(to + (kTileProducts - 1) * to_stride, w[3]);
}

// What seven neighbouring values, `stride` apart, count in each product, in the same way.
inline void PrepareTile(const float* values, int64_t stride, float* to, int64_t to_stride) {
  Vec v[kTileProducts];
#pragma GCC unroll 8
  for (int n = 0; n < kTileProducts; ++n) v[n] = Load(values + n * stride);
#pragma GCC unroll 4
  for (int pair = 0; pair < kPairs; ++pair) {
    const double a = OtherSquare(pair, 0), b = OtherSquare(pair, 1);
    const float q0 = a * b, q2 = -(a + b), point = kPoint[pair];
    const Vec even = v[0] * q0 + v[2] * q2 + v[4], odd = v[1] * q0 + v[3] * q2 + v[5];
    Store(to + 2 * pair * to_stride, odd + even * point);
    Store(to + (2 * pair + 1) * to_stride, odd - even * point);
  }
  constexpr double a = kPoint[0] * kPoint[0], b = kPoint[1] * kPoint[1],
                   c = kPoint[2] * kPoint[2];
  constexpr float e1 = a + b + c, e2 = a * b + a * c + b * c, e3 = a * b * c;
  Store(to + (kTileProducts - 1) * to_stride, v[6] - v[4] * e1 + v[2] * e2 - v[0] * e3);
}

// The sums of four pixels, `to_stride` apart, from the seven products, `stride` apart.
inline void FinishTile(const float* products, int64_t stride, float* to, int64_t to_stride) {
  Vec sums[kTilePixels] = {};
#pragma GCC unroll 4
  for (int pair = 0; pair < kPairs; ++pair) {
    const Vec plus = Load(products + 2 * pair * stride);
    const Vec minus = Load(products + (2 * pair + 1) * stride);
    const Vec even = plus + minus, odd = plus - minus;
    const float point = kPoint[pair];
    sums[0] += even;
    sums[1] += odd * point;
    sums[2] += even * (point * point);
    sums[3] += odd * (point * point * point);
  }
  sums[3] += Load(products + (kTileProducts - 1) * stride);
#pragma GCC unroll 4
  for (int pixel = 0; pixel < kTilePixels; ++pixel) Store(to + pixel * to_stride, sums[pixel]);
}

}  // namespace dotmotion

#endif  // DOTMOTION_TILES_H_
