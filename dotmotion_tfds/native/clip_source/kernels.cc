// The TensorFlow operation that makes clips, on a CPU.

#include <cstdint>
#include <string>
#include <vector>

#include "clips.h"
#include "operation.h"

namespace dotmotion {
namespace {

class ClipsKernel {
 public:
  explicit ClipsKernel(const Attributes& attributes)
      : height_(attributes.Get("height")),
        first_row_(attributes.Get("first_row")),
        first_column_(attributes.Get("first_column")),
        num_columns_(attributes.Get("num_columns")) {}

  // Inputs: indices, the colour of each clip, the keys of labels and of centres, and the
  // arrays of `ClipTables` in its order.
  void Compute(Run& run) const {
    std::vector<int64_t> shape, sampled, rows, patterns;
    const int64_t* indices = run.Input<int64_t>(0, 1, &shape);
    const int64_t count = shape[0];
    const int64_t* colors = run.InputOf<int64_t>(1, {count});
    const uint64_t* keys = run.InputOf<uint64_t>(2, {2});
    ClipTables tables;
    tables.label_key = keys[0];
    tables.center_key = keys[1];
    tables.label_orders = run.InputOf<int32_t>(3, {kLabelOrders, kClasses});
    tables.thresholds = run.Input<uint64_t>(5, 4, &sampled);
    tables.frames = sampled[1];
    tables.steps = sampled[3];
    tables.lowest = run.InputOf<int32_t>(4, {kClasses, tables.frames, 2});
    tables.crossed_rows = run.Input<int32_t>(6, 2, &rows);
    tables.most_rows = rows[1];
    tables.patterns = run.Input<uint8_t>(7, 3, &patterns);
    tables.row_bytes = patterns[1] * patterns[2];
    tables.height = height_;
    tables.first_row = first_row_;
    tables.first_column = first_column_;
    tables.num_columns = num_columns_;
    const int64_t num_colors = (patterns[0] - 1) / num_columns_;
    uint8_t* video =
        run.Output<uint8_t>(0, {count, tables.frames, height_, patterns[1], patterns[2]});
    int64_t* labels = run.Output<int64_t>(1, {count});
    int32_t* centers = run.Output<int32_t>(2, {count, tables.frames, 2});
    for (int64_t clip = 0; clip < count; ++clip) {
      if (colors[clip] < 0 || colors[clip] >= num_colors) {
        throw Failure(TF_INVALID_ARGUMENT, "color " + std::to_string(colors[clip]) + " of " +
                                               std::to_string(num_colors));
      }
      const uint64_t index = static_cast<uint64_t>(indices[clip]);
      const int label = Label(tables, index);
      labels[clip] = label;
      SampleCenters(tables, index, label, centers);
      DrawClip(tables, centers, colors[clip], video);
      centers += tables.frames * 2;
      video += tables.frames * height_ * tables.row_bytes;
    }
  }

 private:
  const int64_t height_, first_row_, first_column_, num_columns_;
};

const bool kRegistered = Register<ClipsKernel>(
    "DotmotionClips",
    {"indices: int64", "colors: int64", "keys: uint64", "label_orders: int32", "lowest: int32",
     "thresholds: uint64", "crossed_rows: int32", "patterns: uint8"},
    {"video: uint8", "label: int64", "centers: int32"},
    {"height: int", "first_row: int", "first_column: int", "num_columns: int"});

}  // namespace
}  // namespace dotmotion

// Whether the operation was registered.
extern "C" bool DotmotionClipsRegistered() { return dotmotion::kRegistered; }
