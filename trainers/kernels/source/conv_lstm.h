// What the forward and the backward pass of a ConvLSTM layer have in common.

#ifndef DOTMOTION_CONV_LSTM_H_
#define DOTMOTION_CONV_LSTM_H_

#include <cstdint>

#include "convolution.h"
#include "frames.h"
#include "lanes.h"
#include "team.h"

namespace dotmotion {

constexpr int kGates = 4;

// A layer over sequences [images, steps, height, width, channels] with padding 'same' and
// stride 1, sigmoid gates, and Keras's order of gates: input, forget, candidate, output.
struct ConvLstm {
  int64_t images;
  int steps, height, width, channels, filters;
  Window window;
  Activation activation;
  // Whether hidden states of all steps are given back, or the last one only.
  bool all_steps;
  // Windows of the hidden states of which the greatest value is given back, what is left
  // over being dropped; 1 by 1 for all values.
  Window pool;
  // Threads to use at most; 0 for as many as there are processors.
  int threads;

  bool pools() const { return pool.rows * pool.columns > 1; }
  int pooled_height() const { return height / pool.rows; }
  int pooled_width() const { return width / pool.columns; }
  int64_t pooled_row() const { return static_cast<int64_t>(pooled_width()) * filters; }
  int64_t pooled_frame() const { return pooled_height() * pooled_row(); }
  int64_t input_frame() const { return static_cast<int64_t>(height) * width * channels; }
  int64_t state_frame() const { return static_cast<int64_t>(height) * width * filters; }
  int hidden_steps() const { return all_steps ? steps : 1; }
  int joined() const { return channels + filters; }

  Strips strips() const {
    return Strips(images, height, std::max(window.above(), window.below()), pool.rows);
  }
};

// The weight under a pixel of the window of a channel of frame and hidden state side by side.
template <class Value>
Value* JoinedWeight(const ConvLstm& op, Value* kernel, Value* recurrent, int pixel, int channel,
                    int sum) {
  const int hidden = channel - op.channels;
  return (hidden < 0 ? kernel + (pixel * op.channels + channel) * kGates * op.filters
                     : recurrent + (pixel * op.filters + hidden) * kGates * op.filters) +
         sum;
}

// How the kept values of a layer are laid out, in floats: [chunk][step] of
// - a padded frame of frame and hidden state side by side,
//   [rows + window.rows - 1][PaddedColumns][joined][lanes],
// - the activated gates, [rows][filters][width][kGates][lanes],
// - the carries, [rows][filters][width][lanes].
// The way back reads the carries of two steps: they lie apart so that each is read through.
struct KeptLayout {
  explicit KeptLayout(const ConvLstm& op, const Strips& strips)
      : joined_pixel(op.joined() * kLanes),
        joined_row(PaddedColumns(op.window, op.joined(), op.width) * joined_pixel),
        joined_frame((strips.rows + op.window.rows - 1) * joined_row),
        carries_row(static_cast<int64_t>(op.filters) * op.width * kLanes),
        gates_row(kGates * carries_row),
        carries(joined_frame + strips.rows * gates_row),
        step(carries + strips.rows * carries_row),
        chunk(op.steps * step),
        size(strips.chunks * chunk) {}

  // The gates and the carries of a row, in what is kept of a step.
  template <class Value>
  Value* Gates(Value* of_step, int row) const {
    return of_step + joined_frame + row * gates_row;
  }
  template <class Value>
  Value* Carries(Value* of_step, int row) const {
    return of_step + carries + row * carries_row;
  }

  const int64_t joined_pixel, joined_row, joined_frame;
  const int64_t carries_row, gates_row, carries;
  const int64_t step, chunk, size;
};

// The rows of all strips, dealt to the members of a team so that a pooling window's rows stay
// together.
struct RowShare : Share {
  RowShare(const Strips& strips, int unit, int member, int members)
      : Share(strips.chunks * Units(strips, unit), member, members) {
    begin = Row(strips, unit, begin);
    end = Row(strips, unit, end);
  }

  static int64_t Units(const Strips& strips, int unit) {
    return (strips.rows + unit - 1) / unit;
  }

 private:
  static int64_t Row(const Strips& strips, int unit, int64_t at) {
    const int64_t units = Units(strips, unit);
    return at / units * strips.rows + at % units * unit;
  }
};

// Copies the rows of other strips that a strip's first and last rows are convolved with:
// `channels` values from channel `first` on of a padded frame. `pad` rows of the frame come
// before the strip.
inline void ExchangeEdges(const Strips& strips, float* frames, int64_t chunk_size,
                          int64_t chunk, int padded_row, int pad, int64_t row_stride,
                          int64_t pixel_stride, int left, int width, int first, int channels) {
  const int row = padded_row - pad;
  const int shift = row < 0 ? -1 : 1;
  const int from_row = padded_row - shift * strips.rows;
  const float* from[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    const int64_t other = chunk * kLanes + lane + shift;
    from[lane] =
        strips.RowOfImage(chunk, lane, row) < 0
            ? nullptr
            : frames + other / kLanes * chunk_size + from_row * row_stride + other % kLanes;
  }
  float* to = frames + chunk * chunk_size + padded_row * row_stride;
  for (int column = left; column < left + width; ++column) {
    for (int channel = first; channel < first + channels; ++channel) {
      const int64_t at = column * pixel_stride + channel * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) {
        to[at + lane] = from[lane] ? from[lane][at] : 0;
      }
    }
  }
}

}  // namespace dotmotion

#endif  // DOTMOTION_CONV_LSTM_H_
