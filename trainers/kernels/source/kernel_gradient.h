// The gradient of a convolution's weights.

#ifndef DOTMOTION_KERNEL_GRADIENT_H_
#define DOTMOTION_KERNEL_GRADIENT_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "frames.h"
#include "lanes.h"
#include "memory.h"
#include "packed_kernel.h"

namespace dotmotion {

// The lanes hold what lies under a pixel: columns by channels of a row, which are
// neighbours in memory, and if they are too few for a register, those of several rows, which
// are copied beside each other ("folded"). The gradient of the sums is broadcast.
//
// The rows that a row of sums came from are kept in a ring; there may be several rings, for
// frames that are gone through side by side.
class KernelGradient {
 public:
  KernelGradient(Window window, int channels, int filters, int width, int rings = 1)
      : window_(window),
        channels_(channels),
        filters_(filters),
        width_(width),
        fold_(BestFold(window, channels)),
        groups_((window.rows + fold_ - 1) / fold_),
        vectors_(Vectors(window, channels, fold_)),
        row_size_((width + window.columns - 1) * fold_ * channels + kLanes * vectors_),
        rings_(static_cast<int64_t>(rings) * ring_rows() * row_size_),
        sums_(static_cast<int64_t>(groups_) * filters * vectors_ * kLanes) {}

  // Rows that have to be put before those below the first pixel row can be used.
  int ring_rows() const { return groups_ * fold_; }

  // Puts row `row` of the padded frame: `values` of `width` pixels of `channels`, or null for
  // a row of zeros. To be called for rows in order; `Accumulate(y)` reads y and ring_rows()
  // in all.
  void PutRow(int row, const float* values, int ring = 0) {
    for (int place = 0; place < fold_ && place <= row; ++place) {
      float* to = Folded(ring, row - place) +
                  (window_.left() * fold_ + place) * static_cast<int64_t>(channels_);
      if (!values) {
        for (int x = 0; x < width_; ++x, to += fold_ * channels_) {
          std::fill_n(to, channels_, 0.0f);
        }
      } else if (fold_ == 1) {
        std::copy_n(values, static_cast<int64_t>(width_) * channels_, to);
      } else {
        CopyPixels(values, to);
      }
    }
  }

  // Adds the products of the rows from `row` on and the gradient of a row of sums,
  // [width][filters].
  void Accumulate(int row, const float* outer, int ring = 0) {
    for (int group = 0; group < groups_; ++group) {
      const float* values = Folded(ring, row + group * fold_);
      const Parts vectors(vectors_, kMostVectors), filters(filters_, kMostSums);
      int filter = 0;
      for (int block = 0; block < filters.count; ++block) {
        int vector = 0;
        for (int part = 0; part < vectors.count; ++part) {
          float* sums =
              sums_.get() +
              ((static_cast<int64_t>(group) * filters_ + filter) * vectors_ + vector) * kLanes;
          AccumulatePart(vectors.Size(part), filters.Size(block), values + vector * kLanes,
                         outer + filter, sums);
          vector += vectors.Size(part);
        }
        filter += filters.Size(block);
      }
    }
  }

  // Adds what was accumulated to `gradient(row, column, channel, filter)`.
  template <class Gradient>
  void AddTo(const Gradient& gradient) const {
    for (int row = 0; row < window_.rows; ++row) {
      for (int column = 0; column < window_.columns; ++column) {
        for (int channel = 0; channel < channels_; ++channel) {
          for (int filter = 0; filter < filters_; ++filter) {
            const int64_t vector =
                (static_cast<int64_t>(row / fold_) * filters_ + filter) * vectors_ * kLanes;
            const int lane = (column * fold_ + row % fold_) * channels_ + channel;
            gradient(row, column, channel, filter) += sums_.get()[vector + lane];
          }
        }
      }
    }
  }

 private:
  static constexpr int kMostSums = 5;
  static constexpr int kMostVectors = kRegisters == 32 ? 5 : 2;

  static int Vectors(Window window, int channels, int fold) {
    return (window.columns * fold * channels + kLanes - 1) / kLanes;
  }

  static int BestFold(Window window, int channels) {
    int best = 1;
    auto cost = [&](int fold) {
      return (window.rows + fold - 1) / fold * Vectors(window, channels, fold);
    };
    for (int fold = 2; fold <= std::min(window.rows, 4); ++fold) {
      if (cost(fold) < cost(best)) best = fold;
    }
    return best;
  }

  void CopyPixels(const float* from, float* to) const {
    switch (channels_) {
      // Of a known size, a pixel is copied in a few instructions.
      case 1:
        return CopyPixelsOf<1>(from, to);
      case 5:
        return CopyPixelsOf<5>(from, to);
      case 6:
        return CopyPixelsOf<6>(from, to);
      default:
        return CopyPixelsOf<0>(from, to);
    }
  }

  template <int Channels>
  void CopyPixelsOf(const float* from, float* to) const {
    const int channels = Channels ? Channels : channels_;
    for (int x = 0; x < width_; ++x, from += channels, to += fold_ * channels) {
      std::memcpy(to, from, channels * sizeof(float));
    }
  }

  float* Folded(int ring, int row) const {
    return rings_.get() +
           static_cast<int64_t>(ring * ring_rows() + row % ring_rows()) * row_size_;
  }

  void AccumulatePart(int vectors, int filters, const float* values, const float* outer,
                      float* sums) {
    switch (vectors * 8 + filters) {
#define DOTMOTION_PART(V, F)                                          \
  case V * 8 + F:                                                     \
    if constexpr (V <= kMostVectors) Part<V, F>(values, outer, sums); \
    break
#define DOTMOTION_PARTS(V) \
  DOTMOTION_PART(V, 1);    \
  DOTMOTION_PART(V, 2);    \
  DOTMOTION_PART(V, 3);    \
  DOTMOTION_PART(V, 4);    \
  DOTMOTION_PART(V, 5)
      DOTMOTION_PARTS(1);
      DOTMOTION_PARTS(2);
      DOTMOTION_PARTS(3);
      DOTMOTION_PARTS(4);
      DOTMOTION_PARTS(5);
#undef DOTMOTION_PARTS
#undef DOTMOTION_PART
    }
  }

  template <int V, int F>
  __attribute__((noinline)) void Part(const float* values, const float* outer, float* sums) {
    const int64_t sums_stride = static_cast<int64_t>(vectors_) * kLanes;
    const int64_t step = fold_ * channels_;
    Vec s[F][V];
#pragma GCC unroll 8
    for (int f = 0; f < F; ++f) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) s[f][v] = Load(sums + f * sums_stride + v * kLanes);
    }
    for (int x = 0; x < width_; ++x, values += step, outer += filters_) {
      Vec loaded[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) loaded[v] = Load(values + v * kLanes);
#pragma GCC unroll 8
      for (int f = 0; f < F; ++f) {
        const Vec factor = Broadcast(outer[f]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) s[f][v] += loaded[v] * factor;
      }
    }
#pragma GCC unroll 8
    for (int f = 0; f < F; ++f) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) Store(sums + f * sums_stride + v * kLanes, s[f][v]);
    }
  }

  const Window window_;
  const int channels_, filters_, width_;
  const int fold_, groups_, vectors_;
  const int64_t row_size_;
  Floats rings_, sums_;
};

}  // namespace dotmotion

#endif  // DOTMOTION_KERNEL_GRADIENT_H_
