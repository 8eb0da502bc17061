// Convolution of frames, bias, activation and max-pooling, and their gradients.

#ifndef DOTMOTION_CONV_POOL_H_
#define DOTMOTION_CONV_POOL_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "convolution.h"
#include "frames.h"
#include "kernel_gradient.h"
#include "lanes.h"
#include "memory.h"
#include "pooling.h"
#include "team.h"
#include "tiled_rows.h"

namespace dotmotion {

// A convolution with padding 'same' and stride 1 of frames [images, height, width, channels]
// with weights [window.rows, window.columns, channels, filters], then a bias, relu if wanted
// and max-pooling over windows of pool.rows by pool.columns, what is left over being dropped.
struct ConvPool {
  int64_t images;
  int height, width, channels, filters;
  Window window, pool;
  bool relu;
  // Threads to use at most; 0 for as many as there are processors.
  int threads;

  int pooled_height() const { return height / pool.rows; }
  int pooled_width() const { return width / pool.columns; }
  bool pools() const { return pool.rows * pool.columns > 1; }
  int64_t frame_size() const { return static_cast<int64_t>(height) * width * channels; }
  int64_t pooled_size() const {
    return static_cast<int64_t>(pooled_height()) * pooled_width() * filters;
  }
};

// Computes `pooled` [images, pooled_height, pooled_width, filters] and, unless null, `places`
// of the same shape: where in its window the first greatest value was, row by row.
inline void ConvPoolForward(const ConvPool& op, const float* frames, const float* kernel,
                            const float* bias, float* pooled, uint8_t* places) {
  const Window& window = op.window;
  const Strips strips(op.images, op.pooled_height() * op.pool.rows, 1, op.pool.rows);
  const RowConvolution convolution(
      window, op.channels, op.filters, op.width, /*alike=*/true,
      [&](int row, int column, int channel, int filter) {
        return kernel[((row * window.columns + column) * op.channels + channel) * op.filters +
                      filter];
      });
  const int64_t row_stride =
      static_cast<int64_t>(PaddedColumns(window, op.channels, op.width)) * op.channels * kLanes;
  const int64_t pixel_stride = op.channels * kLanes, sums_stride = op.filters * kLanes;
  const int members = TeamSize(strips.chunks, op.threads);
  const std::vector<float> zeros(static_cast<int64_t>(op.width) * op.channels);
  std::vector<Floats> padded, sums, results, found, scratch;
  std::vector<SlidingRows> sliding;
  for (int member = 0; member < members; ++member) {
    sliding.emplace_back(convolution.rows(), /*marks_plain=*/true);
    scratch.emplace_back(convolution.scratch_size());
    padded.emplace_back((strips.rows + window.rows - 1) * row_stride);
    sums.emplace_back(op.pool.rows * op.width * sums_stride);
    results.emplace_back(op.pooled_width() * sums_stride);
    found.emplace_back(op.pooled_width() * sums_stride);
  }
  // The height that counts for reading is that of the whole frame.
  Strips readable = strips;
  readable.height = op.height;

  RunTeam(members, [&](Team& team, int member) {
    const float* starts[kLanes];
    float* pooled_rows[kLanes];
    uint8_t* place_rows[kLanes];
    const Share share(strips.chunks, member, team.size);
    for (int64_t chunk = share.begin; chunk < share.end; ++chunk) {
      for (int row = 0; row < strips.rows + window.rows - 1; ++row) {
        readable.Rows(chunk, row - window.above(), frames, op.frame_size(),
                      op.width * op.channels, zeros.data(), starts);
        ToLanes(starts, op.width, op.channels, pixel_stride,
                padded[member].get() + row * row_stride + window.left() * pixel_stride);
      }
      sliding[member].Restart(0);
      for (int row = 0; row < strips.rows; row += op.pool.rows) {
        for (int inner = 0; inner < op.pool.rows; ++inner) {
          const auto rows = sliding[member].At(row + inner, [&](int padded_row) {
            return padded[member].get() + padded_row * row_stride;
          });
          convolution.ConvolveTo(rows, scratch[member].get(),
                                 sums[member].get() + inner * op.width * sums_stride);
        }
        MaxPool(sums[member].get(), op.width * sums_stride, sums_stride, op.pool,
                op.pooled_width(), op.filters, results[member].get(), found[member].get());
        for (int column = 0; column < op.pooled_width(); ++column) {
          for (int filter = 0; filter < op.filters; ++filter) {
            float* at = results[member].get() + column * sums_stride + filter * kLanes;
            const Vec sum = Load(at) + bias[filter];
            Store(at, op.relu ? Activate<Activation::kRelu>(sum) : sum);
          }
        }
        for (int lane = 0; lane < kLanes; ++lane) {
          const int of_image = strips.RowOfImage(chunk, lane, row);
          const int64_t at =
              strips.Image(chunk, lane) * op.pooled_size() +
              static_cast<int64_t>(of_image / op.pool.rows) * op.pooled_width() * op.filters;
          pooled_rows[lane] = of_image < 0 ? nullptr : pooled + at;
          place_rows[lane] = of_image < 0 || !places ? nullptr : places + at;
        }
        FromLanes(results[member].get(), op.pooled_width(), op.filters, sums_stride,
                  pooled_rows);
        if (places) {
          FromLanes(found[member].get(), op.pooled_width(), op.filters, sums_stride,
                    place_rows);
        }
      }
    }
  });
}

// The gradient of `frames` from `outer`, that of `pooled`.
inline void ConvPoolFramesGradient(const ConvPool& op, const float* kernel, const float* pooled,
                                   const uint8_t* places, const float* outer, float* gradient) {
  const Window& window = op.window;
  const Strips strips(op.images, op.height, 1, 1);
  // Read from the other side: the pixel that a weight was under is where it came from.
  const RowConvolution convolution(
      window, op.filters, op.channels, op.width, /*alike=*/false,
      [&](int row, int column, int filter, int channel) {
        const int from = (window.rows - 1 - row) * window.columns + window.columns - 1 - column;
        return kernel[(from * op.channels + channel) * op.filters + filter];
      });
  const int64_t pixel_stride = op.filters * kLanes;
  const int64_t row_stride = PaddedColumns(window, op.filters, op.width) * pixel_stride;
  const int64_t gradient_stride = op.channels * kLanes;
  const int members = TeamSize(strips.chunks, op.threads);
  const int64_t pooled_row = static_cast<int64_t>(op.pooled_width()) * op.filters;
  std::vector<Floats> padded, lanes, results, scratch;
  std::vector<SlidingRows> sliding;
  for (int member = 0; member < members; ++member) {
    sliding.emplace_back(convolution.rows(), /*marks_plain=*/false);
    scratch.emplace_back(convolution.scratch_size());
    padded.emplace_back((strips.rows + window.rows - 1) * row_stride);
    lanes.emplace_back(3 * pooled_row * kLanes);
    results.emplace_back(op.width * gradient_stride);
  }
  const std::vector<float> zeros(pooled_row);
  const std::vector<uint8_t> no_places(pooled_row);

  RunTeam(members, [&](Team& team, int member) {
    const float *outer_rows[kLanes], *pooled_rows[kLanes];
    const uint8_t* place_rows[kLanes];
    float* gradient_rows[kLanes];
    float* of_outer = lanes[member].get();
    float* of_pooled = of_outer + pooled_row * kLanes;
    float* of_places = of_pooled + pooled_row * kLanes;
    const Share share(strips.chunks, member, team.size);
    for (int64_t chunk = share.begin; chunk < share.end; ++chunk) {
      for (int row = 0; row < strips.rows + window.rows - 1; ++row) {
        Vec corner{};
        for (int lane = 0; lane < kLanes; ++lane) {
          const int of_image = strips.RowOfImage(chunk, lane, row - window.below());
          const int of_pool = of_image < 0 ? -1 : of_image / op.pool.rows;
          const bool counts = of_pool >= 0 && of_pool < op.pooled_height();
          const int64_t at =
              counts ? strips.Image(chunk, lane) * op.pooled_size() + of_pool * pooled_row : 0;
          outer_rows[lane] = counts ? outer + at : zeros.data();
          pooled_rows[lane] = counts && op.relu ? pooled + at : zeros.data();
          place_rows[lane] = counts && op.pools() ? places + at : no_places.data();
          corner[lane] = counts ? of_image % op.pool.rows * op.pool.columns : 0;
        }
        const int columns = op.pooled_width();
        ToLanes(outer_rows, columns, op.filters, pixel_stride, of_outer);
        if (op.relu) ToLanes(pooled_rows, columns, op.filters, pixel_stride, of_pooled);
        if (op.pools()) ToLanes(place_rows, columns, op.filters, pixel_stride, of_places);
        float* to = padded[member].get() + row * row_stride + window.right() * pixel_stride;
        if (op.relu) {
          for (int64_t at = 0; at < columns * pixel_stride; at += kLanes) {
            const Vec value = Load(of_outer + at);
            Store(of_outer + at, Load(of_pooled + at) > 0.0f ? value : Vec{});
          }
        }
        // Without pooling every place is 0, and so is the number of every pixel.
        SpreadPooled(of_outer, of_places, corner, op.pool.columns, columns, op.filters, to);
      }
      sliding[member].Restart(0);
      for (int row = 0; row < strips.rows; ++row) {
        const auto rows = sliding[member].At(row, [&](int padded_row) {
          return padded[member].get() + padded_row * row_stride;
        });
        convolution.ConvolveTo(rows, scratch[member].get(), results[member].get());
        strips.Rows(chunk, row, gradient, op.frame_size(),
                    static_cast<int64_t>(op.width) * op.channels, static_cast<float*>(nullptr),
                    gradient_rows);
        FromLanes(results[member].get(), op.width, op.channels, gradient_stride, gradient_rows);
      }
    }
  });
}

// The gradients of `kernel` and `bias` from `outer`, that of `pooled`.
inline void ConvPoolKernelGradient(const ConvPool& op, const float* frames, const float* pooled,
                                   const uint8_t* places, const float* outer, float* of_kernel,
                                   float* of_bias) {
  const Window& window = op.window;
  const int members = TeamSize(op.images, op.threads);
  const int64_t pooled_row = static_cast<int64_t>(op.pooled_width()) * op.filters;
  const int64_t row_size = static_cast<int64_t>(op.width) * op.channels;
  std::vector<KernelGradient> gradients;
  std::vector<Floats> rows, biases;
  gradients.reserve(members);
  // From the corner of a window to each of its values.
  std::vector<int> offsets;
  for (int place = 0; place < op.pool.rows * op.pool.columns; ++place) {
    offsets.push_back((place / op.pool.columns * op.width + place % op.pool.columns) *
                      op.filters);
  }
  for (int member = 0; member < members; ++member) {
    gradients.emplace_back(window, op.channels, op.filters, op.width);
    rows.emplace_back(op.pool.rows * op.width * op.filters);
    biases.emplace_back(op.filters);
  }

  RunTeam(members, [&](Team& team, int member) {
    KernelGradient& sums = gradients[member];
    float* own = rows[member].get();
    float* bias = biases[member].get();
    const Share share(op.images, member, team.size);
    for (int64_t image = share.begin; image < share.end; ++image) {
      const float* frame = frames + image * op.frame_size();
      int put = 0;
      for (int row = 0; row < op.pooled_height() * op.pool.rows; ++row) {
        for (; put < row + sums.ring_rows(); ++put) {
          const int of_frame = put - window.above();
          const bool inside = of_frame >= 0 && of_frame < op.height;
          sums.PutRow(put, inside ? frame + of_frame * row_size : nullptr);
        }
        const int inner_row = row % op.pool.rows;
        if (inner_row == 0) {
          const int64_t at = image * op.pooled_size() + row / op.pool.rows * pooled_row;
          std::fill_n(own, op.pool.rows * op.width * op.filters, 0.0f);
          const float *of_pooled = outer + at, *value = pooled + at;
          const uint8_t* place = places + (op.pools() ? at : 0);
          float* corner = own;
          for (int column = 0; column < op.pooled_width(); ++column) {
            for (int filter = 0; filter < op.filters; ++filter) {
              const float gradient = op.relu && !(value[filter] > 0) ? 0 : of_pooled[filter];
              corner[offsets[op.pools() ? place[filter] : 0] + filter] = gradient;
              bias[filter] += gradient;
            }
            corner += op.pool.columns * op.filters;
            of_pooled += op.filters;
            value += op.filters;
            place += op.pools() ? op.filters : 0;
          }
        }
        sums.Accumulate(row, own + inner_row * op.width * op.filters);
      }
    }
  });

  for (int member = 0; member < members; ++member) {
    for (int filter = 0; filter < op.filters; ++filter) {
      of_bias[filter] += biases[member].get()[filter];
    }
    gradients[member].AddTo([&](int row, int column, int channel, int filter) -> float& {
      return of_kernel[((row * window.columns + column) * op.channels + channel) * op.filters +
                       filter];
    });
  }
}

}  // namespace dotmotion

#endif  // DOTMOTION_CONV_POOL_H_
