// TensorFlow operations on a CPU over what the headers beside this file compute.

#include <cstdint>
#include <string>
#include <vector>

#include "conv_lstm.h"
#include "conv_lstm_backward.h"
#include "conv_lstm_forward.h"
#include "conv_pool.h"
#include "operation.h"

namespace dotmotion {
namespace {

class ConvPoolKernel {
 public:
  explicit ConvPoolKernel(const Attributes& attributes)
      : pool_{attributes.Get("pool_rows"), attributes.Get("pool_columns")},
        relu_(attributes.Get("relu")),
        keep_(attributes.Get("keep")),
        threads_(attributes.Get("threads")) {}

  void Compute(Run& run) const {
    std::vector<int64_t> shape, size;
    const float* frames = run.Input(0, 4, &shape);
    const float* kernel = run.Input(1, 4, &size);
    const ConvPool op = Shaped(shape, size);
    const float* bias = run.InputOf(2, {op.filters});
    float* pooled = run.Output(0, PooledShape(op));
    const bool keeps = keep_ && op.pools();
    uint8_t* places = run.Output<uint8_t>(1, keeps ? PooledShape(op) : NoPlaces());
    ConvPoolForward(op, frames, kernel, bias, pooled, keeps ? places : nullptr);
  }

 protected:
  ConvPool Shaped(const std::vector<int64_t>& frames,
                  const std::vector<int64_t>& kernel) const {
    if (kernel[2] != frames[3]) {
      throw Failure(TF_INVALID_ARGUMENT, "the kernel is for " + std::to_string(kernel[2]) +
                                             " channels, the frames have " +
                                             std::to_string(frames[3]));
    }
    const auto size = [](int64_t value) { return static_cast<int>(value); };
    return ConvPool{frames[0],       size(frames[1]), size(frames[2]),
                    size(frames[3]), size(kernel[3]), Window{size(kernel[0]), size(kernel[1])},
                    pool_,           relu_,           threads_};
  }

  static std::vector<int64_t> PooledShape(const ConvPool& op) {
    return {op.images, op.pooled_height(), op.pooled_width(), op.filters};
  }

  static std::vector<int64_t> NoPlaces() { return {0, 0, 0, 0}; }

  const Window pool_;
  const bool relu_, keep_;
  const int threads_;
};

class ConvPoolFramesGradientKernel : public ConvPoolKernel {
 public:
  using ConvPoolKernel::ConvPoolKernel;

  void Compute(Run& run) const {
    std::vector<int64_t> shape, size;
    run.Input(0, 4, &shape);
    const float* kernel = run.Input(1, 4, &size);
    const ConvPool op = Shaped(shape, size);
    const float* pooled = run.InputOf(2, PooledShape(op));
    const uint8_t* places = run.InputOf<uint8_t>(3, op.pools() ? PooledShape(op) : NoPlaces());
    const float* outer = run.InputOf(4, PooledShape(op));
    ConvPoolFramesGradient(op, kernel, pooled, places, outer, run.Output(0, shape));
  }
};

class ConvPoolKernelGradientKernel : public ConvPoolKernel {
 public:
  using ConvPoolKernel::ConvPoolKernel;

  void Compute(Run& run) const {
    std::vector<int64_t> shape, size;
    const float* frames = run.Input(0, 4, &shape);
    run.Input(1, 4, &size);
    const ConvPool op = Shaped(shape, size);
    const float* pooled = run.InputOf(2, PooledShape(op));
    const uint8_t* places = run.InputOf<uint8_t>(3, op.pools() ? PooledShape(op) : NoPlaces());
    const float* outer = run.InputOf(4, PooledShape(op));
    ConvPoolKernelGradient(op, frames, pooled, places, outer, run.Output(0, size, true),
                           run.Output(1, {op.filters}, true));
  }
};

class ConvLstmKernel {
 public:
  explicit ConvLstmKernel(const Attributes& attributes)
      : activation_(static_cast<Activation>(attributes.Get("activation"))),
        all_steps_(attributes.Get("all_steps")),
        pool_{attributes.Get("pool_rows"), attributes.Get("pool_columns")},
        keep_(attributes.Get("keep")),
        threads_(attributes.Get("threads")) {}

  // Inputs: sequences, kernel, recurrent, bias, first hidden state and carry.
  void Compute(Run& run) const {
    std::vector<int64_t> shape, size;
    const float* sequences = run.Input(0, 5, &shape);
    const float* kernel = run.Input(1, 4, &size);
    const ConvLstm op = Shaped(shape, size);
    const float* recurrent = run.InputOf(2, RecurrentShape(op));
    const float* bias = run.InputOf(3, {kGates * op.filters});
    const float* first_hidden = run.InputOrNull(4, StateShape(op));
    const float* first_carry = run.InputOrNull(5, StateShape(op));
    float* hidden = run.Output(0, HiddenShape(op));
    float* carry = run.Output(1, StateShape(op));
    const bool places_too = keep_ && op.pools();
    uint8_t* found = run.Output<uint8_t>(3, places_too ? HiddenShape(op) : NoPlaces());
    uint8_t* places = places_too ? found : nullptr;
    uint8_t* bytes = run.Output<uint8_t>(2, {keep_ ? KeptBytes(op) : 0});
    float* kept = keep_ ? reinterpret_cast<float*>(bytes) : nullptr;
    const ConvLstmInputs in{sequences, first_hidden, first_carry, kernel, recurrent, bias};
    const ConvLstmOutputs out{hidden, places, carry, kept};
    WithActivation([&](auto activation) {
      ConvLstmForward<decltype(activation)::value>(op, in, out).Run();
    });
  }

 protected:
  template <Activation A>
  struct Is {
    static constexpr Activation value = A;
  };

  template <class Call>
  void WithActivation(const Call& call) const {
    switch (activation_) {
      case Activation::kLinear:
        return call(Is<Activation::kLinear>());
      case Activation::kRelu:
        return call(Is<Activation::kRelu>());
      case Activation::kTanh:
        return call(Is<Activation::kTanh>());
    }
    throw Failure(TF_INVALID_ARGUMENT, "unknown activation");
  }

  ConvLstm Shaped(const std::vector<int64_t>& sequences,
                  const std::vector<int64_t>& kernel) const {
    if (kernel[2] != sequences[4] || kernel[3] % kGates || sequences[1] < 1) {
      throw Failure(TF_INVALID_ARGUMENT, "the kernel does not suit the sequences");
    }
    const auto size = [](int64_t value) { return static_cast<int>(value); };
    return ConvLstm{sequences[0],
                    size(sequences[1]),
                    size(sequences[2]),
                    size(sequences[3]),
                    size(sequences[4]),
                    size(kernel[3] / kGates),
                    Window{size(kernel[0]), size(kernel[1])},
                    activation_,
                    all_steps_,
                    pool_,
                    threads_};
  }

  static std::vector<int64_t> RecurrentShape(const ConvLstm& op) {
    return {op.window.rows, op.window.columns, op.filters, kGates * op.filters};
  }

  static std::vector<int64_t> StateShape(const ConvLstm& op) {
    return {op.images, op.height, op.width, op.filters};
  }

  static std::vector<int64_t> HiddenShape(const ConvLstm& op) {
    const int height = op.pooled_height(), width = op.pooled_width();
    if (!op.all_steps) return {op.images, height, width, op.filters};
    return {op.images, op.steps, height, width, op.filters};
  }

  static std::vector<int64_t> NoPlaces() { return {0}; }

  // As bytes, for which no gradient is ever asked.
  static int64_t KeptBytes(const ConvLstm& op) {
    return KeptLayout(op, op.strips()).size * static_cast<int64_t>(sizeof(float));
  }

  const Activation activation_;
  const bool all_steps_;
  const Window pool_;
  const bool keep_;
  const int threads_;
};

class ConvLstmGradientKernel : public ConvLstmKernel {
 public:
  using ConvLstmKernel::ConvLstmKernel;

  // Inputs: sequences, kernel, recurrent, first hidden state and carry, what was kept,
  // the gradients of the hidden states and of the last carry, places, and the bias, which
  // only the gradient of this gradient looks at.
  void Compute(Run& run) const {
    std::vector<int64_t> shape, size;
    run.Input(0, 5, &shape);
    const float* kernel = run.Input(1, 4, &size);
    const ConvLstm op = Shaped(shape, size);
    const float* recurrent = run.InputOf(2, RecurrentShape(op));
    const float* first_hidden = run.InputOrNull(3, StateShape(op));
    const float* first_carry = run.InputOrNull(4, StateShape(op));
    const float* kept =
        reinterpret_cast<const float*>(run.InputOf<uint8_t>(5, {KeptBytes(op)}));
    const float* of_hidden = run.InputOf(6, HiddenShape(op));
    const float* of_carry = run.InputOrNull(7, StateShape(op));
    const uint8_t* places = op.pools() ? run.InputOf<uint8_t>(8, HiddenShape(op)) : nullptr;
    const std::vector<int64_t> none = {0, 0, 0, 0};
    float* first_hidden_gradient = run.Output(4, first_hidden ? StateShape(op) : none);
    float* first_carry_gradient = run.Output(5, first_carry ? StateShape(op) : none);
    const ConvLstmGradients gradients{
        run.Output(0, shape),
        first_hidden ? first_hidden_gradient : nullptr,
        first_carry ? first_carry_gradient : nullptr,
        run.Output(1, size, true),
        run.Output(2, RecurrentShape(op), true),
        run.Output(3, {kGates * op.filters}, true),
    };
    const ConvLstmBackwardInputs in{first_carry, kernel,    recurrent, kept,
                                    places,      of_hidden, of_carry};
    WithActivation([&](auto activation) {
      ConvLstmBackward<decltype(activation)::value>(op, in, gradients).Run();
    });
  }
};

const bool kRegistered =
    Register<ConvPoolKernel>(
        "DotmotionConvPool", {"frames: float", "kernel: float", "bias: float"},
        {"pooled: float", "places: uint8"},
        {"pool_rows: int", "pool_columns: int", "relu: int", "keep: int", "threads: int"}) &&
    Register<ConvPoolFramesGradientKernel>(
        "DotmotionConvPoolFramesGradient",
        {"frames: float", "kernel: float", "pooled: float", "places: uint8", "outer: float"},
        {"gradient: float"},
        {"pool_rows: int", "pool_columns: int", "relu: int", "keep: int", "threads: int"}) &&
    Register<ConvPoolKernelGradientKernel>(
        "DotmotionConvPoolKernelGradient",
        {"frames: float", "kernel: float", "pooled: float", "places: uint8", "outer: float"},
        {"of_kernel: float", "of_bias: float"},
        {"pool_rows: int", "pool_columns: int", "relu: int", "keep: int", "threads: int"}) &&
    Register<ConvLstmKernel>("DotmotionConvLstm",
                             {"sequences: float", "kernel: float", "recurrent: float",
                              "bias: float", "first_hidden: float", "first_carry: float"},
                             {"hidden: float", "carry: float", "kept: uint8", "places: uint8"},
                             {"activation: int", "all_steps: int", "pool_rows: int",
                              "pool_columns: int", "keep: int", "threads: int"}) &&
    Register<ConvLstmGradientKernel>(
        "DotmotionConvLstmGradient",
        {"sequences: float", "kernel: float", "recurrent: float", "first_hidden: float",
         "first_carry: float", "kept: uint8", "of_hidden: float", "of_carry: float",
         "places: uint8", "bias: float"},
        {"of_sequences: float", "of_kernel: float", "of_recurrent: float", "of_bias: float",
         "of_first_hidden: float", "of_first_carry: float"},
        {"activation: int", "all_steps: int", "pool_rows: int", "pool_columns: int",
         "keep: int", "threads: int"});

}  // namespace
}  // namespace dotmotion

// Whether all operations were registered.
extern "C" bool DotmotionKernelsRegistered() { return dotmotion::kRegistered; }
