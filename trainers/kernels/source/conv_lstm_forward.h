// All steps of a ConvLSTM layer.
//
// Frame and hidden state lie side by side, so that a step is one convolution, and the gates
// are applied to a few pixels' sums at a time, while these are in the nearest cache.

#ifndef DOTMOTION_CONV_LSTM_FORWARD_H_
#define DOTMOTION_CONV_LSTM_FORWARD_H_

#include <cstdint>
#include <vector>

#include "conv_lstm.h"
#include "convolution.h"
#include "frames.h"
#include "lanes.h"
#include "memory.h"
#include "pooling.h"
#include "team.h"
#include "tiled_rows.h"

namespace dotmotion {

// What is computed; null for what is not wanted.
struct ConvLstmOutputs {
  // [images, steps or 1, pooled_height, pooled_width, filters].
  float* hidden;
  // Of the shape of `hidden`: where in its window each value was.
  uint8_t* places;
  // The last one, [images, height, width, filters].
  float* carry;
  // Of KeptLayout::size, for the gradient.
  float* kept;
};

// The weights are as in Keras; `first_hidden` and `first_carry` are null for zeros.
struct ConvLstmInputs {
  const float *sequences, *first_hidden, *first_carry, *kernel, *recurrent, *bias;
};

template <Activation A>
class ConvLstmForward {
 public:
  ConvLstmForward(const ConvLstm& op, const ConvLstmInputs& in, const ConvLstmOutputs& out)
      : op_(op),
        in_(in),
        out_(out),
        window_(op.window),
        strips_(op.strips()),
        layout_(op, strips_),
        convolution_(window_, op.joined(), kGates * op.filters, op.width, /*alike=*/true,
                     [&](int row, int column, int channel, int sum) {
                       return *JoinedWeight(op, in.kernel, in.recurrent,
                                            row * window_.columns + column, channel, sum);
                     }),
        frame_step_(out.kept ? layout_.step : layout_.joined_frame),
        frame_chunk_(out.kept ? layout_.chunk : 2 * layout_.joined_frame),
        own_frames_(out.kept ? 0 : strips_.chunks * frame_chunk_),
        frames_(out.kept ? out.kept : own_frames_.get()),
        carry_pixel_(op.filters * kLanes),
        carry_row_(op.width * carry_pixel_),
        carries_(strips_.chunks * strips_.rows * carry_row_),
        zeros_(static_cast<int64_t>(op.width) * std::max(op.channels, op.filters)) {
    members_ = TeamSize(strips_.chunks * RowShare::Units(strips_, op.pool.rows), op.threads);
    for (int member = 0; member < members_; ++member) {
      owns_.push_back(Own{SlidingRows(convolution_.rows(), /*marks_plain=*/true),
                          Floats(convolution_.scratch_size()),
                          Floats(op.pool.rows * carry_row_), Floats(op.pooled_row() * kLanes),
                          Floats(op.pooled_row() * kLanes)});
    }
  }

  void Run() {
    RunTeam(members_, [this](Team& team, int member) {
      const RowShare share(strips_, op_.pool.rows, member, team.size);
      if (out_.kept) {
        for (int64_t at = share.begin; at < share.end; ++at) ClearAround(at);
      }
      for (int64_t at = share.begin; at < share.end; ++at) PutStart(at);
      team.Wait();
      for (int step = 0; step < op_.steps; ++step) {
        const bool is_last = step == op_.steps - 1;
        for (int64_t at = share.begin; at < share.end; ++at) {
          const int64_t chunk = at / strips_.rows;
          const int row = at % strips_.rows;
          if (row == 0 || at == share.begin) owns_[member].sliding.Restart(row);
          Advance(step, chunk, row, owns_[member]);
          if (op_.all_steps || is_last) GiveHidden(step, chunk, row, owns_[member]);
          if (is_last) {
            GiveCarry(chunk, row);
          } else {
            ForPaddedRows(row, [&](int padded) { PutInput(step + 1, chunk, padded); });
          }
        }
        if (is_last) break;
        team.Wait();
        if (strips_.per_image == 1) continue;
        for (int64_t at = share.begin; at < share.end; ++at) {
          ExchangeRows(step + 1, at / strips_.rows, at % strips_.rows);
        }
        team.Wait();
      }
      FinishStreams();
    });
  }

 private:
  // What a member of the team works in; `last` for rows of hidden states of the last step,
  // which has no frame after it.
  struct Own {
    SlidingRows sliding;
    Floats scratch, last, pooled, places;
  };

  // The padded frame of a step. Where nothing is kept, two take turns.
  float* Frame(int step, int64_t chunk) const {
    return frames_ + chunk * frame_chunk_ + (out_.kept ? step : step % 2) * frame_step_;
  }

  float* PaddedRow(int step, int64_t chunk, int padded_row) const {
    return Frame(step, chunk) + padded_row * layout_.joined_row;
  }

  float* Carry(int64_t chunk, int row) const {
    return carries_.get() + (chunk * strips_.rows + row) * carry_row_;
  }

  // Where row `row` of the hidden states of a step goes, and how far apart its pixels and
  // rows are: into the frame of the next step.
  struct Hidden {
    float* row;
    int64_t pixel_stride, row_stride;
  };

  Hidden HiddenRow(int step, int64_t chunk, int row, const Own& own) const {
    if (step == op_.steps - 1) {
      return {own.last.get() + row % op_.pool.rows * carry_row_, carry_pixel_, carry_row_};
    }
    return {PaddedRow(step + 1, chunk, row + window_.above()) +
                window_.left() * layout_.joined_pixel + op_.channels * kLanes,
            layout_.joined_pixel, layout_.joined_row};
  }

  // Calls `use` for the row of a padded frame that belongs to a row of the strip, and for
  // the padding beside the outermost ones.
  template <class Use>
  void ForPaddedRows(int row, const Use& use) const {
    const int begin = row == 0 ? 0 : row + window_.above();
    const int end =
        row == strips_.rows - 1 ? strips_.rows + window_.rows - 1 : row + window_.above() + 1;
    for (int padded_row = begin; padded_row < end; ++padded_row) use(padded_row);
  }

  // In fresh memory, zeroes what neither inputs nor states are put into.
  void ClearAround(int64_t at) const {
    const int64_t chunk = at / strips_.rows;
    const int64_t right = (window_.left() + op_.width) * layout_.joined_pixel;
    for (int step = 0; step < op_.steps; ++step) {
      ForPaddedRows(at % strips_.rows, [&](int padded_row) {
        float* begin = PaddedRow(step, chunk, padded_row);
        const int row = padded_row - window_.above();
        if (step == 0 || row < 0 || row >= strips_.rows) {
          std::fill_n(begin, layout_.joined_row, 0.0f);
        } else {
          std::fill_n(begin, window_.left() * layout_.joined_pixel, 0.0f);
          std::fill_n(begin + right, layout_.joined_row - right, 0.0f);
        }
      });
    }
  }

  void PutInput(int step, int64_t chunk, int padded_row) const {
    const float* starts[kLanes];
    strips_.Rows(chunk, padded_row - window_.above(), in_.sequences + step * op_.input_frame(),
                 op_.steps * op_.input_frame(), static_cast<int64_t>(op_.width) * op_.channels,
                 zeros_.data(), starts);
    ToLanes(starts, op_.width, op_.channels, layout_.joined_pixel,
            PaddedRow(step, chunk, padded_row) + window_.left() * layout_.joined_pixel);
  }

  // Puts the first inputs and states.
  void PutStart(int64_t at) const {
    const int64_t chunk = at / strips_.rows;
    const int64_t row_size = static_cast<int64_t>(op_.width) * op_.filters;
    const float* starts[kLanes];
    ForPaddedRows(at % strips_.rows, [&](int padded_row) {
      PutInput(0, chunk, padded_row);
      if (!in_.first_hidden) return;
      strips_.Rows(chunk, padded_row - window_.above(), in_.first_hidden, op_.state_frame(),
                   row_size, zeros_.data(), starts);
      ToLanes(starts, op_.width, op_.filters, layout_.joined_pixel,
              PaddedRow(0, chunk, padded_row) + window_.left() * layout_.joined_pixel +
                  op_.channels * kLanes);
    });
    if (!in_.first_carry) return;
    const int row = at % strips_.rows;
    strips_.Rows(chunk, row, in_.first_carry, op_.state_frame(), row_size, zeros_.data(),
                 starts);
    ToLanes(starts, op_.width, op_.filters, carry_pixel_, Carry(chunk, row));
  }

  // Convolves a row and applies the gates.
  void Advance(int step, int64_t chunk, int row, Own& own) const {
    const Hidden hidden = HiddenRow(step, chunk, row, own);
    float* carry_row = Carry(chunk, row);
    float* kept = out_.kept ? Frame(step, chunk) : nullptr;
    float* gates_row = kept ? layout_.Gates(kept, row) : nullptr;
    float* carries_row = kept ? layout_.Carries(kept, row) : nullptr;
    const IntVec mask = strips_.Mask(chunk, row);
    const int filters = op_.filters;
    const auto rows =
        own.sliding.At(row, [&](int padded_row) { return PaddedRow(step, chunk, padded_row); });
    convolution_.Convolve(
        rows, own.scratch.get(), [&](int column, int pixels, const float* sums) {
          for (int x = column; x < column + pixels; ++x, sums += kGates * filters * kLanes) {
            for (int filter = 0; filter < filters; ++filter) {
              const float *bias = in_.bias + filter, *sum = sums + filter * kLanes;
              const int64_t gate = static_cast<int64_t>(filters) * kLanes;
              const Vec enters = Sigmoid(Load(sum) + bias[0]);
              const Vec forgets = Sigmoid(Load(sum + gate) + bias[filters]);
              const Vec candidate = Activate<A>(Load(sum + 2 * gate) + bias[2 * filters]);
              const Vec leaves = Sigmoid(Load(sum + 3 * gate) + bias[3 * filters]);
              float* carry = carry_row + x * carry_pixel_ + filter * kLanes;
              const Vec carried = forgets * Load(carry) + enters * candidate;
              Store(carry, carried);
              Store(hidden.row + x * hidden.pixel_stride + filter * kLanes,
                    mask ? leaves * Activate<A>(carried) : Vec{});
              if (kept) {
                const int64_t at = (static_cast<int64_t>(filter) * op_.width + x) * kLanes;
                float* gates = gates_row + kGates * at;
                Stream(gates, enters);
                Stream(gates + kLanes, forgets);
                Stream(gates + 2 * kLanes, candidate);
                Stream(gates + 3 * kLanes, leaves);
                Stream(carries_row + at, carried);
              }
            }
          }
        });
  }

  // Gives back a row of hidden states, or of pooled ones after the last row of its windows.
  void GiveHidden(int step, int64_t chunk, int row, const Own& own) const {
    const int inner = row % op_.pool.rows;
    if (inner < op_.pool.rows - 1) return;
    float* ends[kLanes];
    uint8_t* place_ends[kLanes];
    const int64_t first = (op_.all_steps ? step : 0) * op_.pooled_frame();
    for (int lane = 0; lane < kLanes; ++lane) {
      const int of_image = strips_.RowOfImage(chunk, lane, row);
      const int64_t end = strips_.Image(chunk, lane) * op_.hidden_steps() * op_.pooled_frame() +
                          first + of_image / op_.pool.rows * op_.pooled_row();
      ends[lane] = of_image < 0 ? nullptr : out_.hidden + end;
      place_ends[lane] = of_image < 0 || !out_.places ? nullptr : out_.places + end;
    }
    const Hidden hidden = HiddenRow(step, chunk, row, own);
    if (!op_.pools()) {
      FromLanes(hidden.row, op_.width, op_.filters, hidden.pixel_stride, ends);
      return;
    }
    MaxPool(hidden.row - inner * hidden.row_stride, hidden.row_stride, hidden.pixel_stride,
            op_.pool, op_.pooled_width(), op_.filters, own.pooled.get(), own.places.get());
    FromLanes(own.pooled.get(), op_.pooled_width(), op_.filters, carry_pixel_, ends);
    if (out_.places) {
      FromLanes(own.places.get(), op_.pooled_width(), op_.filters, carry_pixel_, place_ends);
    }
  }

  void GiveCarry(int64_t chunk, int row) const {
    float* ends[kLanes];
    strips_.Rows(chunk, row, out_.carry, op_.state_frame(),
                 static_cast<int64_t>(op_.width) * op_.filters, static_cast<float*>(nullptr),
                 ends);
    FromLanes(Carry(chunk, row), op_.width, op_.filters, carry_pixel_, ends);
  }

  void ExchangeRows(int step, int64_t chunk, int row) const {
    ForPaddedRows(row, [&](int padded_row) {
      const int inner = padded_row - window_.above();
      if (inner >= 0 && inner < strips_.rows) return;
      ExchangeEdges(strips_, Frame(step, 0), frame_chunk_, chunk, padded_row, window_.above(),
                    layout_.joined_row, layout_.joined_pixel, window_.left(), op_.width,
                    op_.channels, op_.filters);
    });
  }

  const ConvLstm op_;
  const ConvLstmInputs in_;
  const ConvLstmOutputs out_;
  const Window window_;
  const Strips strips_;
  const KeptLayout layout_;
  const RowConvolution convolution_;
  const int64_t frame_step_, frame_chunk_;
  const Floats own_frames_;
  float* const frames_;
  const int64_t carry_pixel_, carry_row_;
  const Floats carries_;
  const std::vector<float> zeros_;
  int members_;
  std::vector<Own> owns_;
};

}  // namespace dotmotion

#endif  // DOTMOTION_CONV_LSTM_FORWARD_H_
