// The gradient of all steps of a ConvLSTM layer.

#ifndef DOTMOTION_CONV_LSTM_BACKWARD_H_
#define DOTMOTION_CONV_LSTM_BACKWARD_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "conv_lstm.h"
#include "convolution.h"
#include "frames.h"
#include "lanes.h"
#include "memory.h"
#include "pooling.h"
#include "row_gradient.h"
#include "team.h"
#include "tiled_rows.h"

namespace dotmotion {

// What the forward pass was given and what it kept, and the gradients of its outputs.
// `first_carry` and `of_carry` are null for zeros, `places` if it did not pool.
struct ConvLstmBackwardInputs {
  const float *first_carry, *kernel, *recurrent, *kept;
  const uint8_t* places;
  const float *of_hidden, *of_carry;
};

// Where the gradients go. Those of the weights are added to what is there; those of the
// states are null if not wanted.
struct ConvLstmGradients {
  float *sequences, *first_hidden, *first_carry, *kernel, *recurrent, *bias;
};

template <Activation A>
class ConvLstmBackward {
 public:
  ConvLstmBackward(const ConvLstm& op, const ConvLstmBackwardInputs& in,
                   const ConvLstmGradients& out)
      : op_(op),
        in_(in),
        out_(out),
        window_(op.window),
        strips_(op.strips()),
        layout_(op, strips_),
        sums_(kGates * op.filters),
        convolution_(window_, sums_, op.joined(), op.width, /*alike=*/false,
                     [&](int row, int column, int sum, int channel) {
                       // Read from the other side: from where each pixel went to.
                       const int from = (window_.rows - 1 - row) * window_.columns +
                                        window_.columns - 1 - column;
                       return *JoinedWeight(op, in.kernel, in.recurrent, from, channel, sum);
                     }),
        joined_rows_(window_, op.joined(), op.width),
        sums_pixel_(static_cast<int64_t>(sums_) * kLanes),
        sums_row_(PaddedColumns(window_, sums_, op.width) * sums_pixel_),
        sums_chunk_((strips_.rows + window_.rows - 1) * sums_row_),
        of_sums_(strips_.chunks * sums_chunk_),
        state_pixel_(op.filters * kLanes),
        state_row_(op.width * state_pixel_),
        hidden_(strips_.chunks * strips_.rows * state_row_),
        carries_(strips_.chunks * strips_.rows * state_row_),
        zeros_(static_cast<int64_t>(op.width) * std::max(op.channels, op.filters)),
        no_places_(op.pooled_row()),
        members_(TeamSize(strips_.chunks * strips_.rows, op.threads)) {
    for (int member = 0; member < members_; ++member) owns_.emplace_back(*this);
  }

  void Run() {
    RunTeam(members_, [this](Team& team, int member) {
      Own& own = owns_[member];
      const RowShare share(strips_, 1, member, team.size);
      if (in_.of_carry) {
        for (int64_t at = share.begin; at < share.end; ++at) PutCarry(at);
      }
      for (int step = op_.steps - 1; step >= 0; --step) {
        // Others' rows that are convolved with this member's have to be there before. The
        // rest is done just before it is used, while it is in the cache.
        const bool all = strips_.per_image > 1;
        const int64_t early =
            all ? share.end : std::min(share.end, share.begin + window_.above());
        const int64_t late = std::max(early, share.end - window_.below());
        for (int64_t at = share.begin; at < early; ++at) ApplyGates(step, at, own);
        for (int64_t at = late; at < share.end; ++at) ApplyGates(step, at, own);
        team.Wait();
        if (all) {
          for (int64_t at = share.begin; at < share.end; ++at) ExchangeRows(at);
          team.Wait();
        }
        int64_t done = early;
        for (int64_t at = share.begin; at < share.end; ++at) {
          for (; done < late && done <= at + window_.above(); ++done) {
            ApplyGates(step, done, own);
          }
          ConvolveBack(step, at, share.begin, own);
          AccumulateWeights(step, at, share.begin, own);
        }
        // Gradients of sums are written over in the next step.
        team.Wait();
      }
      for (int64_t at = share.begin; at < share.end; ++at) {
        GiveState(at, hidden_, out_.first_hidden);
        GiveState(at, carries_, out_.first_carry);
      }
    });
    for (const Own& own : owns_) {
      for (int sum = 0; sum < sums_; ++sum) {
        out_.bias[sum] += Sum(Load(own.biases.get() + sum * kLanes));
      }
      own.weights.AddTo([&](int row, int column, int channel, int sum) -> float& {
        return *JoinedWeight(op_, out_.kernel, out_.recurrent, row * window_.columns + column,
                             channel, sum);
      });
    }
  }

 private:
  // What a member of the team works in: rows in lanes, and rows of each lane.
  struct Own {
    explicit Own(const ConvLstmBackward& pass)
        : weights(pass.joined_rows_, pass.sums_),
          sliding_sums(pass.convolution_.rows(), /*marks_plain=*/false),
          sliding_joined(pass.joined_rows_, /*marks_plain=*/false),
          scratch(pass.convolution_.scratch_size()),
          biases(pass.sums_pixel_),
          pooled(pass.op_.pooled_row() * kLanes),
          places(pass.op_.pooled_row() * kLanes),
          outer(pass.state_row_),
          first_carry(pass.state_row_),
          inputs(pass.op_.width * pass.op_.channels * kLanes) {}

    RowGradient weights;
    SlidingRows sliding_sums, sliding_joined;
    Floats scratch, biases, pooled, places, outer, first_carry, inputs;
  };

  // A row of the padded frame of gradients of sums.
  float* PaddedSums(int64_t chunk, int padded_row) const {
    return of_sums_.get() + chunk * sums_chunk_ + padded_row * sums_row_;
  }

  // The gradients of a row of sums.
  float* Sums(int64_t at) const {
    const int padded_row = at % strips_.rows + window_.below();
    return PaddedSums(at / strips_.rows, padded_row) + window_.right() * sums_pixel_;
  }

  void StateRows(int64_t at, const float* states, const float* (&starts)[kLanes]) const {
    strips_.Rows(at / strips_.rows, at % strips_.rows, states, op_.state_frame(),
                 static_cast<int64_t>(op_.width) * op_.filters, zeros_.data(), starts);
  }

  void PutCarry(int64_t at) const {
    const float* starts[kLanes];
    StateRows(at, in_.of_carry, starts);
    ToLanes(starts, op_.width, op_.filters, state_pixel_, carries_.get() + at * state_row_);
  }

  // Puts the gradient of a row of hidden states that the layer gave back into `own.outer`.
  void PutOuter(int step, int64_t at, const Own& own) const {
    const float* starts[kLanes];
    const uint8_t* places[kLanes];
    Vec corner{};
    const int64_t chunk = at / strips_.rows;
    const int64_t first = (op_.all_steps ? step : 0) * op_.pooled_frame();
    for (int lane = 0; lane < kLanes; ++lane) {
      const int of_image = strips_.RowOfImage(chunk, lane, at % strips_.rows);
      const int of_pool = of_image / op_.pool.rows;
      const bool counts = of_image >= 0 && of_pool < op_.pooled_height();
      const int64_t start =
          counts ? strips_.Image(chunk, lane) * op_.hidden_steps() * op_.pooled_frame() +
                       first + of_pool * op_.pooled_row()
                 : 0;
      starts[lane] = counts ? in_.of_hidden + start : zeros_.data();
      places[lane] = counts && in_.places ? in_.places + start : no_places_.data();
      corner[lane] = counts ? of_image % op_.pool.rows * op_.pool.columns : 0;
    }
    if (!op_.pools()) {
      ToLanes(starts, op_.width, op_.filters, state_pixel_, own.outer.get());
      return;
    }
    ToLanes(starts, op_.pooled_width(), op_.filters, state_pixel_, own.pooled.get());
    ToLanes(places, op_.pooled_width(), op_.filters, state_pixel_, own.places.get());
    SpreadPooled(own.pooled.get(), own.places.get(), corner, op_.pool.columns,
                 op_.pooled_width(), op_.filters, own.outer.get());
  }

  // From the gradients of a row of hidden states and carries to those of the gates' sums and
  // of the carries before.
  void ApplyGates(int step, int64_t at, const Own& own) const {
    const int64_t chunk = at / strips_.rows;
    const int row = at % strips_.rows;
    const bool has_outer = op_.all_steps || step == op_.steps - 1;
    if (has_outer) PutOuter(step, at, own);
    const float* kept = in_.kept + chunk * layout_.chunk + step * layout_.step;
    const float* gates = layout_.Gates(kept, row);
    const float* own_carries = layout_.Carries(kept, row);
    const float* earlier_carries = step ? own_carries - layout_.step : nullptr;
    int64_t earlier_pixel = kLanes, earlier_filter = op_.width * kLanes;
    if (!step && in_.first_carry) {
      const float* starts[kLanes];
      StateRows(at, in_.first_carry, starts);
      ToLanes(starts, op_.width, op_.filters, state_pixel_, own.first_carry.get());
      earlier_carries = own.first_carry.get();
      earlier_pixel = state_pixel_;
      earlier_filter = kLanes;
    }
    const float* of_hidden = hidden_.get() + at * state_row_;
    float* of_carries = carries_.get() + at * state_row_;
    float* to = Sums(at);
    const IntVec mask = strips_.Mask(chunk, row);
    for (int filter = 0; filter < op_.filters; ++filter) {
      Vec bias[kGates] = {};
      for (int x = 0; x < op_.width; ++x) {
        const int64_t place = x * state_pixel_ + filter * kLanes;
        const Vec enters = Load(gates), forgets = Load(gates + kLanes),
                  candidate = Load(gates + 2 * kLanes), leaves = Load(gates + 3 * kLanes);
        const Vec activated = Activate<A>(Load(own_carries));
        // Not read for long: 4 KiB ahead, as far as the processor itself does not look.
        for (int n = 0; n < kGates; ++n) __builtin_prefetch(gates + (64 + n) * kLanes);
        gates += kGates * kLanes;
        own_carries += kLanes;
        Vec outer = Load(of_hidden + place);
        if (has_outer) outer += Load(own.outer.get() + place);
        const Vec carry = Load(of_carries + place) + outer * leaves * Slope<A>(activated);
        const Vec earlier =
            earlier_carries
                ? Load(earlier_carries + x * earlier_pixel + filter * earlier_filter)
                : Vec{};
        const Vec gradients[kGates] = {
            carry * candidate * enters * (1.0f - enters),
            carry * earlier * forgets * (1.0f - forgets),
            carry * enters * Slope<A>(candidate),
            outer * activated * leaves * (1.0f - leaves),
        };
        Store(of_carries + place, mask ? carry * forgets : Vec{});
        for (int gate = 0; gate < kGates; ++gate) {
          const Vec gradient = mask ? gradients[gate] : Vec{};
          Store(to + x * sums_pixel_ + (gate * op_.filters + filter) * kLanes, gradient);
          bias[gate] += gradient;
        }
      }
      for (int gate = 0; gate < kGates; ++gate) {
        float* total = own.biases.get() + (gate * op_.filters + filter) * kLanes;
        Store(total, Load(total) + bias[gate]);
      }
    }
  }

  void ExchangeRows(int64_t at) const {
    const int row = at % strips_.rows;
    for (int padded_row = 0; padded_row < strips_.rows + window_.rows - 1; ++padded_row) {
      const bool above = row == 0 && padded_row < window_.below();
      const bool below =
          row == strips_.rows - 1 && padded_row >= strips_.rows + window_.below();
      if (!above && !below) continue;
      ExchangeEdges(strips_, of_sums_.get(), sums_chunk_, at / strips_.rows, padded_row,
                    window_.below(), sums_row_, sums_pixel_, window_.right(), op_.width, 0,
                    sums_);
    }
  }

  // From the gradients of sums to those of a row of inputs, which are given back, and of
  // hidden states of the step before.
  void ConvolveBack(int step, int64_t at, int64_t begin, Own& own) const {
    const int row = at % strips_.rows;
    if (row == 0 || at == begin) own.sliding_sums.Restart(row);
    const auto rows = own.sliding_sums.At(
        row, [&](int padded_row) { return PaddedSums(at / strips_.rows, padded_row); });
    float* hidden = hidden_.get() + at * state_row_;
    const int64_t input_pixel = op_.channels * kLanes;
    convolution_.Convolve(
        rows, own.scratch.get(), [&](int column, int pixels, const float* joined) {
          for (int x = column; x < column + pixels; ++x, joined += layout_.joined_pixel) {
            std::copy_n(joined, input_pixel, own.inputs.get() + x * input_pixel);
            std::copy_n(joined + input_pixel, state_pixel_, hidden + x * state_pixel_);
          }
        });
    float* ends[kLanes];
    strips_.Rows(at / strips_.rows, at % strips_.rows,
                 out_.sequences + step * op_.input_frame(), op_.steps * op_.input_frame(),
                 static_cast<int64_t>(op_.width) * op_.channels, static_cast<float*>(nullptr),
                 ends);
    FromLanes(own.inputs.get(), op_.width, op_.channels, input_pixel, ends);
  }

  // Adds a row's part to the gradient of the weights.
  void AccumulateWeights(int step, int64_t at, int64_t begin, Own& own) const {
    const int row = at % strips_.rows;
    const float* frame = in_.kept + at / strips_.rows * layout_.chunk + step * layout_.step;
    if (row == 0 || at == begin) own.sliding_joined.Restart(row);
    const auto rows = own.sliding_joined.At(
        row, [&](int padded_row) { return frame + padded_row * layout_.joined_row; });
    own.weights.Accumulate(rows, Sums(at));
  }

  void GiveState(int64_t at, const Floats& states, float* to) const {
    if (!to) return;
    float* ends[kLanes];
    strips_.Rows(at / strips_.rows, at % strips_.rows, to, op_.state_frame(),
                 static_cast<int64_t>(op_.width) * op_.filters, static_cast<float*>(nullptr),
                 ends);
    FromLanes(states.get() + at * state_row_, op_.width, op_.filters, state_pixel_, ends);
  }

  const ConvLstm op_;
  const ConvLstmBackwardInputs in_;
  const ConvLstmGradients out_;
  const Window window_;
  const Strips strips_;
  const KeptLayout layout_;
  const int sums_;
  const RowConvolution convolution_;
  const TiledRows joined_rows_;
  // Gradients of the gates' sums, padded for the convolution back.
  const int64_t sums_pixel_, sums_row_, sums_chunk_;
  const Floats of_sums_;
  // Gradients of the hidden states and carries of the step before.
  const int64_t state_pixel_, state_row_;
  const Floats hidden_, carries_;
  const std::vector<float> zeros_;
  const std::vector<uint8_t> no_places_;
  const int members_;
  std::vector<Own> owns_;
};

}  // namespace dotmotion

#endif  // DOTMOTION_CONV_LSTM_BACKWARD_H_
