// Clips of given indices: the integer program of `dotmotion_tfds.motion` and `raster`, for
// specs whose frames show the dot alone, at even speed.

#ifndef DOTMOTION_CLIPS_H_
#define DOTMOTION_CLIPS_H_

#include <cstdint>
#include <cstring>

namespace dotmotion {

constexpr int kClasses = 4;
constexpr int kLabelOrders = 24;
constexpr uint64_t kGamma = 0x9E3779B97F4A7C15;

// The finaliser of SplitMix64.
inline uint64_t Mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

// Output number `counter` of the generator seeded with `key`.
inline uint64_t Draw(uint64_t key, uint64_t counter) {
  return Mixed(key + (counter + 1) * kGamma);
}

// What the clips of a spec, split and seed have in common; the arrays are the caller's.
struct ClipTables {
  uint64_t label_key, center_key;
  const int32_t* label_orders;  // [kLabelOrders, kClasses]
  const int32_t* lowest;        // [kClasses, frames, 2]
  const uint64_t* thresholds;   // [kClasses, frames, 2, steps], ascending
  int64_t frames, steps;
  const int32_t* crossed_rows;  // [row centres, most_rows], then -1
  int64_t most_rows;
  const uint8_t* patterns;  // [1 + colours * num_columns, row_bytes]; first the ground
  int64_t row_bytes, height;
  int64_t first_row, first_column, num_columns;
};

inline int Label(const ClipTables& tables, uint64_t index) {
  const uint64_t draw = Draw(tables.label_key, index >> 2);
  const uint64_t order = ((draw >> 32) * kLabelOrders) >> 32;
  return tables.label_orders[order * kClasses + index % kClasses];
}

// Writes the (row, column) of each frame.
inline void SampleCenters(const ClipTables& tables, uint64_t index, int label,
                          int32_t* centers) {
  const uint64_t key = Draw(tables.center_key, index);
  const int64_t count = tables.frames * 2;
  const int32_t* lowest = tables.lowest + label * count;
  const uint64_t* thresholds = tables.thresholds + label * count * tables.steps;
  for (int64_t i = 0; i < count; ++i, thresholds += tables.steps) {
    const uint64_t draw = Draw(key, i);
    int32_t above = 0;
    for (int64_t step = 0; step < tables.steps; ++step) above += draw > thresholds[step];
    centers[i] = lowest[i] + above;
  }
}

// Writes the frames of a clip whose dot is at these centres.
inline void DrawClip(const ClipTables& tables, const int32_t* centers, int64_t color,
                     uint8_t* video) {
  const int64_t frame_bytes = tables.height * tables.row_bytes;
  // At once: from 2 kB on, memset need not read what it overwrites.
  std::memset(video, tables.patterns[0], tables.frames * frame_bytes);
  for (int64_t frame = 0; frame < tables.frames; ++frame, video += frame_bytes) {
    const int64_t row = centers[2 * frame] - tables.first_row;
    const int64_t column = centers[2 * frame + 1] - tables.first_column;
    const uint8_t* pattern =
        tables.patterns + (1 + color * tables.num_columns + column) * tables.row_bytes;
    const int32_t* rows = tables.crossed_rows + row * tables.most_rows;
    for (int64_t i = 0; i < tables.most_rows && rows[i] >= 0; ++i) {
      std::memcpy(video + rows[i] * tables.row_bytes, pattern, tables.row_bytes);
    }
  }
}

}  // namespace dotmotion

#endif  // DOTMOTION_CLIPS_H_
