// All steps of a ConvLSTM layer, and their gradient.
//
// Frame and hidden state lie side by side, so that a step is one convolution; the sums of a
// pixel's four gates are still in registers when the gates are applied.

#ifndef DOTMOTION_CONV_LSTM_H_
#define DOTMOTION_CONV_LSTM_H_

#include <cstdint>
#include <vector>

#include "convolution.h"
#include "frames.h"
#include "lanes.h"
#include "team.h"

namespace dotmotion {

constexpr int kGates = 4;
// What is kept of a filter of a pixel: the four gates, activated, and the carry.
constexpr int kKept = kGates + 1;

// A layer over sequences [images, steps, height, width, channels] with padding 'same' and
// stride 1, sigmoid gates, and Keras's order of gates: input, forget, candidate, output.
struct ConvLstm {
  int64_t images;
  int steps, height, width, channels, filters;
  Window window;
  Activation activation;
  // Whether hidden states of all steps are given back, or the last one only.
  bool all_steps;

  int64_t input_frame() const { return static_cast<int64_t>(height) * width * channels; }
  int64_t state_frame() const { return static_cast<int64_t>(height) * width * filters; }
  int hidden_steps() const { return all_steps ? steps : 1; }
  int joined() const { return channels + filters; }

  Strips strips() const {
    return Strips(images, height, std::max(window.above(), window.below()), 1);
  }
};

// How the kept values of a layer are laid out, in floats:
// [chunk][step] of a padded frame of frame and hidden state side by side,
// [rows + window.rows - 1][width + window.columns - 1][joined][lanes], and of
// [rows][width][filters][kKept][lanes].
struct KeptLayout {
  explicit KeptLayout(const ConvLstm& op, const Strips& strips)
      : joined_pixel(op.joined() * kLanes),
        joined_row((op.width + op.window.columns - 1) * joined_pixel),
        joined_frame((strips.rows + op.window.rows - 1) * joined_row),
        gates_pixel(static_cast<int64_t>(op.filters) * kKept * kLanes),
        gates_row(op.width * gates_pixel),
        gates_frame(strips.rows * gates_row),
        step(joined_frame + gates_frame),
        chunk(op.steps * step),
        size(strips.chunks * chunk) {}

  const int64_t joined_pixel, joined_row, joined_frame;
  const int64_t gates_pixel, gates_row, gates_frame;
  const int64_t step, chunk, size;
};

// Copies the rows of other strips that a strip's first and last rows are convolved with:
// `channels` values from channel `first` on of a padded frame. `pad` rows of the frame come
// before the strip.
inline void ExchangeEdges(const Strips& strips, float* frames, int64_t chunk_size,
                          int64_t chunk, int padded_row, int pad, int64_t row_stride,
                          int64_t pixel_stride, int left, int width, int first,
                          int channels) {
  const int row = padded_row - pad;
  const int shift = row < 0 ? -1 : 1;
  const int from_row = padded_row - shift * strips.rows;
  const float* from[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    const int64_t other = chunk * kLanes + lane + shift;
    from[lane] = strips.RowOfImage(chunk, lane, row) < 0
                     ? nullptr
                     : frames + other / kLanes * chunk_size + from_row * row_stride +
                           other % kLanes;
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

// Computes `hidden` [images, steps or 1, height, width, filters] and `carry` [images, height,
// width, filters], the last one, and fills `kept` (of KeptLayout::size, or null).
// `first_hidden` and `first_carry` are null for zeros.
template <Activation A>
void ConvLstmForward(const ConvLstm& op, const float* sequences, const float* first_hidden,
                     const float* first_carry, const float* kernel, const float* recurrent,
                     const float* bias, float* hidden, float* carry, float* kept) {
  const Window& window = op.window;
  const Strips strips = op.strips();
  const KeptLayout layout(op, strips);
  const int taps = window.columns * op.joined();
  // Weights of a filter's four gates together: [filter][row][column][channel][gate].
  Floats weights(static_cast<int64_t>(op.filters) * window.rows * taps * kGates);
  for (int64_t filter = 0, at = 0; filter < op.filters; ++filter) {
    for (int pixel = 0; pixel < window.rows * window.columns; ++pixel) {
      for (int channel = 0; channel < op.joined(); ++channel) {
        for (int gate = 0; gate < kGates; ++gate, ++at) {
          const int64_t own = gate * op.filters + filter;
          const float* from =
              channel < op.channels
                  ? kernel + (static_cast<int64_t>(pixel) * op.channels + channel) * kGates *
                                 op.filters
                  : recurrent + (static_cast<int64_t>(pixel) * op.filters + channel -
                                 op.channels) *
                                    kGates * op.filters;
          weights.get()[at] = from[own];
        }
      }
    }
  }
  // Without `kept`, two frames take turns, and carries are written over.
  const int64_t frame_step = kept ? layout.step : layout.joined_frame;
  const int64_t frame_chunk = kept ? layout.chunk : 2 * layout.joined_frame;
  Floats own_frames(kept ? 0 : strips.chunks * frame_chunk);
  float* const frames = kept ? kept : own_frames.get();
  auto frame_of = [&](int64_t chunk, int step) {
    return frames + chunk * frame_chunk + (kept ? step : step % 2) * frame_step;
  };
  const int64_t carry_pixel = op.filters * kLanes;
  const int64_t carry_row = op.width * carry_pixel, carry_chunk = strips.rows * carry_row;
  Floats carries(strips.chunks * carry_chunk);
  const std::vector<float> zeros(
      static_cast<int64_t>(op.width) * std::max(op.channels, op.filters));
  const int64_t all_rows = strips.chunks * strips.rows;
  const int members = TeamSize(all_rows);
  // For hidden states of the last step, which has no frame after it.
  std::vector<Floats> last_rows;
  for (int member = 0; member < members; ++member) last_rows.emplace_back(carry_row);

  RunTeam(members, [&](Team& team, int member) {
    const Share share(all_rows, member, team.size);
    const float* starts[kLanes];
    float* ends[kLanes];

    auto put_input = [&](int64_t chunk, int step, int padded_row) {
      strips.Rows(chunk, padded_row - window.above(), sequences + step * op.input_frame(),
                  op.steps * op.input_frame(), static_cast<int64_t>(op.width) * op.channels,
                  op.height, zeros.data(), starts);
      ToLanes(starts, op.width, op.channels, layout.joined_pixel,
              frame_of(chunk, step) + padded_row * layout.joined_row +
                  window.left() * layout.joined_pixel);
    };
    // The rows of a padded frame that belong to a row of the strip; the outermost ones also
    // have the padding.
    auto padded_rows = [&](int row, auto&& put) {
      const int begin = row == 0 ? 0 : row + window.above();
      const int end = row == strips.rows - 1 ? strips.rows + window.rows - 1
                                             : row + window.above() + 1;
      for (int padded_row = begin; padded_row < end; ++padded_row) put(padded_row);
    };

    if (kept) {
        for (int64_t at = share.begin; at < share.end; ++at) {
        const int64_t chunk = at / strips.rows;
        for (int step = 0; step < op.steps; ++step) {
          padded_rows(at % strips.rows, [&](int padded_row) {
            float* begin = frame_of(chunk, step) + padded_row * layout.joined_row;
            const int row = padded_row - window.above();
            if (step == 0 || row < 0 || row >= strips.rows) {
              std::fill_n(begin, layout.joined_row, 0.0f);
            } else {
              std::fill_n(begin, window.left() * layout.joined_pixel, 0.0f);
              std::fill_n(begin + (window.left() + op.width) * layout.joined_pixel,
                          window.right() * layout.joined_pixel, 0.0f);
            }
          });
        }
      }
    }
    for (int64_t at = share.begin; at < share.end; ++at) {
      const int64_t chunk = at / strips.rows;
      padded_rows(at % strips.rows, [&](int padded_row) {
        put_input(chunk, 0, padded_row);
        if (first_hidden) {
          strips.Rows(chunk, padded_row - window.above(), first_hidden, op.state_frame(),
                      static_cast<int64_t>(op.width) * op.filters, op.height, zeros.data(),
                      starts);
          ToLanes(starts, op.width, op.filters, layout.joined_pixel,
                  frame_of(chunk, 0) + padded_row * layout.joined_row +
                      window.left() * layout.joined_pixel + op.channels * kLanes);
        }
      });
      if (first_carry) {
        const int row = at % strips.rows;
        strips.Rows(chunk, row, first_carry, op.state_frame(),
                    static_cast<int64_t>(op.width) * op.filters, op.height, zeros.data(),
                    starts);
        ToLanes(starts, op.width, op.filters, carry_pixel,
                carries.get() + chunk * carry_chunk + row * carry_row);
      }
    }
    team.Wait();

    for (int step = 0; step < op.steps; ++step) {
      const bool is_last = step == op.steps - 1;
      for (int64_t at = share.begin; at < share.end; ++at) {
        const int64_t chunk = at / strips.rows;
        const int row = at % strips.rows;
        const float* values = frame_of(chunk, step) + row * layout.joined_row;
        float* own_carry = carries.get() + chunk * carry_chunk + row * carry_row;
        float* own_kept = kept ? frame_of(chunk, step) + layout.joined_frame +
                                     row * layout.gates_row
                               : nullptr;
        float* next = is_last ? last_rows[member].get()
                              : frame_of(chunk, step + 1) +
                                    (row + window.above()) * layout.joined_row +
                                    window.left() * layout.joined_pixel + op.channels * kLanes;
        const int64_t next_pixel = is_last ? carry_pixel : layout.joined_pixel;
        const IntVec mask = strips.Mask(chunk, row);
        for (int filter = 0; filter < op.filters; ++filter) {
          const Vec of_input = Broadcast(bias[filter]),
                    of_forget = Broadcast(bias[op.filters + filter]),
                    of_candidate = Broadcast(bias[2 * op.filters + filter]),
                    of_output = Broadcast(bias[3 * op.filters + filter]);
          ConvolveRow<kGates>(
              values, layout.joined_row, layout.joined_pixel,
              weights.get() + static_cast<int64_t>(filter) * window.rows * taps * kGates,
              window.rows, taps, op.width, [&](int column, int pixels, const Vec* sums) {
                for (int x = 0; x < pixels; ++x, sums += kGates) {
                  const Vec enters = Sigmoid(sums[0] + of_input);
                  const Vec forgets = Sigmoid(sums[1] + of_forget);
                  const Vec candidate = Activate<A>(sums[2] + of_candidate);
                  const Vec leaves = Sigmoid(sums[3] + of_output);
                  float* c = own_carry + (column + x) * carry_pixel + filter * kLanes;
                  const Vec carried = forgets * Load(c) + enters * candidate;
                  Store(c, carried);
                  Store(next + (column + x) * next_pixel + filter * kLanes,
                        mask ? leaves * Activate<A>(carried) : Vec{});
                  if (own_kept) {
                    float* k = own_kept + (column + x) * layout.gates_pixel +
                               filter * kKept * kLanes;
                    Store(k, enters);
                    Store(k + kLanes, forgets);
                    Store(k + 2 * kLanes, candidate);
                    Store(k + 3 * kLanes, leaves);
                    Store(k + 4 * kLanes, carried);
                  }
                }
              });
        }
        if (op.all_steps || is_last) {
          strips.Rows(chunk, row, hidden + (op.all_steps ? step : 0) * op.state_frame(),
                      op.hidden_steps() * op.state_frame(),
                      static_cast<int64_t>(op.width) * op.filters, op.height,
                      static_cast<float*>(nullptr), ends);
          FromLanes(next, op.width, op.filters, next_pixel, ends);
        }
        if (is_last) {
          strips.Rows(chunk, row, carry, op.state_frame(),
                      static_cast<int64_t>(op.width) * op.filters, op.height,
                      static_cast<float*>(nullptr), ends);
          FromLanes(own_carry, op.width, op.filters, carry_pixel, ends);
        } else {
          padded_rows(row, [&](int padded_row) { put_input(chunk, step + 1, padded_row); });
        }
      }
      if (is_last) break;
      team.Wait();
      if (strips.per_image == 1) continue;
      for (int64_t at = share.begin; at < share.end; ++at) {
        padded_rows(at % strips.rows, [&](int padded_row) {
          const int row = padded_row - window.above();
          if (row >= 0 && row < strips.rows) return;
          ExchangeEdges(strips, frame_of(0, step + 1), frame_chunk, at / strips.rows,
                        padded_row, window.above(), layout.joined_row, layout.joined_pixel,
                        window.left(), op.width, op.channels, op.filters);
        });
      }
      team.Wait();
    }
  });
}

// Where the gradients of a layer go; all are zero at first.
struct ConvLstmGradients {
  float *sequences, *first_hidden, *first_carry, *kernel, *recurrent, *bias;
};

// The gradients from those of `hidden` and `carry` (null for zeros), with what the forward
// pass kept. `first_carry` as there.
template <Activation A>
void ConvLstmBackward(const ConvLstm& op, const float* first_carry, const float* kernel,
                      const float* recurrent, const float* kept, const float* of_hidden,
                      const float* of_carry, const ConvLstmGradients& to) {
  const Window& window = op.window;
  const Strips strips = op.strips();
  const KeptLayout layout(op, strips);
  const int sums = kGates * op.filters;
  const PackedKernel packed(
      window, sums, op.joined(), [&](int row, int column, int sum, int channel) {
        const int from = (window.rows - 1 - row) * window.columns + window.columns - 1 - column;
        return channel < op.channels
                   ? kernel[(from * op.channels + channel) * sums + sum]
                   : recurrent[(from * op.filters + channel - op.channels) * sums + sum];
      });
  // Padded for the convolution back: [rows + window.rows - 1][columns...][sums][lanes].
  const int64_t sums_pixel = static_cast<int64_t>(sums) * kLanes;
  const int64_t sums_row = (op.width + window.columns - 1) * sums_pixel;
  const int64_t sums_chunk = (strips.rows + window.rows - 1) * sums_row;
  Floats of_sums(strips.chunks * sums_chunk);
  const int64_t state_pixel = op.filters * kLanes;
  const int64_t state_row = op.width * state_pixel, state_chunk = strips.rows * state_row;
  Floats hidden_gradients(strips.chunks * state_chunk), carries(strips.chunks * state_chunk);
  const std::vector<float> zeros(
      static_cast<int64_t>(op.width) * std::max(op.channels, op.filters));
  const int64_t all_rows = strips.chunks * strips.rows;
  const int members = TeamSize(all_rows);
  struct Own {
    KernelGradient weights;
    Floats biases, outer_lanes, joined, joined_rows, sums_rows, first;
  };
  std::vector<Own> owns;
  for (int member = 0; member < members; ++member) {
    owns.push_back(Own{
        KernelGradient(window, op.joined(), sums, op.width, kLanes), Floats(sums_pixel),
        Floats(state_row), Floats(op.width * layout.joined_pixel),
        Floats(op.width * layout.joined_pixel), Floats(op.width * sums_pixel),
        Floats(state_row)});
  }

  RunTeam(members, [&](Team& team, int member) {
    Own& own = owns[member];
    const Share share(all_rows, member, team.size);
    const float* starts[kLanes];
    float* ends[kLanes];
    float *joined_rows[kLanes], *sums_rows[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      joined_rows[lane] = own.joined_rows.get() + lane * op.width * op.joined();
      sums_rows[lane] = own.sums_rows.get() + lane * op.width * sums;
    }
    if (of_carry) {
      for (int64_t at = share.begin; at < share.end; ++at) {
        strips.Rows(at / strips.rows, at % strips.rows, of_carry, op.state_frame(),
                    static_cast<int64_t>(op.width) * op.filters, op.height, zeros.data(),
                    starts);
        ToLanes(starts, op.width, op.filters, state_pixel, carries.get() + at * state_row);
      }
    }
    for (int step = op.steps - 1; step >= 0; --step) {
      const bool has_outer = op.all_steps || step == op.steps - 1;
      for (int64_t at = share.begin; at < share.end; ++at) {
        const int64_t chunk = at / strips.rows;
        const int row = at % strips.rows;
        const float* gates = kept + chunk * layout.chunk + step * layout.step +
                             layout.joined_frame + row * layout.gates_row;
        if (has_outer) {
          strips.Rows(chunk, row, of_hidden + (op.all_steps ? step : 0) * op.state_frame(),
                      op.hidden_steps() * op.state_frame(),
                      static_cast<int64_t>(op.width) * op.filters, op.height, zeros.data(),
                      starts);
          ToLanes(starts, op.width, op.filters, state_pixel, own.outer_lanes.get());
        }
        const float* before = step ? gates - layout.step + kGates * kLanes : nullptr;
        int64_t before_pixel = layout.gates_pixel, before_filter = kKept * kLanes;
        if (!step && first_carry) {
          strips.Rows(chunk, row, first_carry, op.state_frame(),
                      static_cast<int64_t>(op.width) * op.filters, op.height, zeros.data(),
                      starts);
          ToLanes(starts, op.width, op.filters, state_pixel, own.first.get());
          before = own.first.get();
          before_pixel = state_pixel;
          before_filter = kLanes;
        }
        float* of_state = hidden_gradients.get() + at * state_row;
        float* of_carries = carries.get() + at * state_row;
        float* out = of_sums.get() + chunk * sums_chunk + (row + window.below()) * sums_row +
                     window.right() * sums_pixel;
        const IntVec mask = strips.Mask(chunk, row);
        for (int filter = 0; filter < op.filters; ++filter) {
          Vec bias[kGates] = {};
          for (int x = 0; x < op.width; ++x) {
            const int64_t place = x * state_pixel + filter * kLanes;
            const float* k = gates + x * layout.gates_pixel + filter * kKept * kLanes;
            const Vec enters = Load(k), forgets = Load(k + kLanes),
                      candidate = Load(k + 2 * kLanes), leaves = Load(k + 3 * kLanes);
            const Vec activated = Activate<A>(Load(k + 4 * kLanes));
            Vec outer = Load(of_state + place);
            if (has_outer) outer += Load(own.outer_lanes.get() + place);
            const Vec carry =
                Load(of_carries + place) + outer * leaves * Slope<A>(activated);
            const Vec earlier =
                before ? Load(before + x * before_pixel + filter * before_filter) : Vec{};
            const Vec gradients[kGates] = {
                carry * candidate * enters * (1.0f - enters),
                carry * earlier * forgets * (1.0f - forgets),
                carry * enters * Slope<A>(candidate),
                outer * activated * leaves * (1.0f - leaves),
            };
            Store(of_carries + place, mask ? carry * forgets : Vec{});
            for (int gate = 0; gate < kGates; ++gate) {
              const Vec gradient = mask ? gradients[gate] : Vec{};
              Store(out + x * sums_pixel + (gate * op.filters + filter) * kLanes, gradient);
              bias[gate] += gradient;
            }
          }
          for (int gate = 0; gate < kGates; ++gate) {
            float* total = own.biases.get() + (gate * op.filters + filter) * kLanes;
            Store(total, Load(total) + bias[gate]);
          }
        }
      }
      team.Wait();
      if (strips.per_image > 1) {
        for (int64_t at = share.begin; at < share.end; ++at) {
          const int row = at % strips.rows;
          for (int padded_row = 0; padded_row < strips.rows + window.rows - 1; ++padded_row) {
            const bool above = row == 0 && padded_row < window.below();
            const bool below =
                row == strips.rows - 1 && padded_row >= strips.rows + window.below();
            if (!above && !below) continue;
            ExchangeEdges(strips, of_sums.get(), sums_chunk, at / strips.rows, padded_row,
                          window.below(), sums_row, sums_pixel, window.right(), op.width, 0,
                          sums);
          }
        }
        team.Wait();
      }
      int put = 0;
      for (int64_t at = share.begin; at < share.end; ++at) {
        const int64_t chunk = at / strips.rows;
        const int row = at % strips.rows;
        const float* padded = of_sums.get() + chunk * sums_chunk + row * sums_row;
        packed.ConvolveRow(padded, sums_row, sums_pixel, op.width, own.joined.get(),
                           layout.joined_pixel);
        strips.Rows(chunk, row, to.sequences + step * op.input_frame(),
                    op.steps * op.input_frame(), static_cast<int64_t>(op.width) * op.channels,
                    op.height, static_cast<float*>(nullptr), ends);
        FromLanes(own.joined.get(), op.width, op.channels, layout.joined_pixel, ends);
        float* of_state = hidden_gradients.get() + at * state_row;
        for (int x = 0; x < op.width; ++x) {
          for (int filter = 0; filter < op.filters; ++filter) {
            Store(of_state + x * state_pixel + filter * kLanes,
                  Load(own.joined.get() + x * layout.joined_pixel +
                       (op.channels + filter) * kLanes));
          }
        }
        // The weights' gradient, one lane after the other.
        const float* frame = kept + chunk * layout.chunk + step * layout.step;
        const int ring_rows = own.weights.ring_rows();
        if (row == 0 || at == share.begin) put = row;
        for (; put < row + ring_rows; ++put) {
          const bool inside = put < strips.rows + window.rows - 1;
          if (inside) {
            FromLanes(frame + put * layout.joined_row + window.left() * layout.joined_pixel,
                      op.width, op.joined(), layout.joined_pixel, joined_rows);
          }
          for (int lane = 0; lane < kLanes; ++lane) {
            if (strips.Image(chunk, lane) < 0) continue;
            own.weights.PutRow(put, inside ? joined_rows[lane] : nullptr, lane);
          }
        }
        FromLanes(padded + window.below() * sums_row + window.right() * sums_pixel, op.width,
                  sums, sums_pixel, sums_rows);
        for (int lane = 0; lane < kLanes; ++lane) {
          if (strips.RowOfImage(chunk, lane, row) < 0) continue;
          own.weights.Accumulate(row, sums_rows[lane], lane);
        }
      }
      // Rows of sums are written over in the next step.
      team.Wait();
    }
    for (int64_t at = share.begin; at < share.end; ++at) {
      const int64_t chunk = at / strips.rows;
      const int row = at % strips.rows;
      auto give_back = [&](const float* from, float* gradient) {
        strips.Rows(chunk, row, gradient, op.state_frame(),
                    static_cast<int64_t>(op.width) * op.filters, op.height,
                    static_cast<float*>(nullptr), ends);
        FromLanes(from, op.width, op.filters, state_pixel, ends);
      };
      if (to.first_hidden) {
        give_back(hidden_gradients.get() + at * state_row, to.first_hidden);
      }
      if (to.first_carry) give_back(carries.get() + at * state_row, to.first_carry);
    }
  });

  for (const Own& own : owns) {
    for (int sum = 0; sum < sums; ++sum) {
      to.bias[sum] += Sum(Load(own.biases.get() + sum * kLanes));
    }
    own.weights.AddTo([&](int row, int column, int channel, int sum) -> float& {
      const int pixel = row * window.columns + column;
      return channel < op.channels
                 ? to.kernel[(pixel * op.channels + channel) * sums + sum]
                 : to.recurrent[(pixel * op.filters + channel - op.channels) * sums + sum];
    });
  }
}

}  // namespace dotmotion

#endif  // DOTMOTION_CONV_LSTM_H_
