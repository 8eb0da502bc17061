// Rows of pixels, frames in the lanes, as convolutions take them: in tiles or as they are.

#ifndef DOTMOTION_TILED_ROWS_H_
#define DOTMOTION_TILED_ROWS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "frames.h"
#include "lanes.h"
#include "memory.h"
#include "tiles.h"

namespace dotmotion {

// How rows of `width` pixels of `channels` are taken for a window, with padding 'same' and
// stride 1. In tiles, a convolution between pixels becomes kTileProducts convolutions between
// tiles (see tiles.h); otherwise it stays one. What it goes between is called a unit here.
class TiledRows {
 public:
  TiledRows(Window window, int channels, int width)
      : window(window),
        channels(channels),
        width(width),
        is_tiled(IsTiled(window, channels, width)),
        products(is_tiled ? kTileProducts : 1),
        columns(Units(is_tiled, window.columns)),
        units(Units(is_tiled, width)),
        product_size(static_cast<int64_t>(units + columns - 1) * channels * kLanes) {}

  const Window window;
  const int channels, width;
  const bool is_tiled;
  // Convolutions, columns of each one's window, and units of a row.
  const int products, columns, units;
  // Floats of a prepared row for each of the convolutions, [units + columns - 1][channels].
  const int64_t product_size;

  // Floats that Prepare needs for a row.
  int64_t prepared_size() const { return is_tiled ? products * product_size : 0; }

  // What the convolutions take of a padded row; it is in `prepared` or in the row itself.
  const float* Prepare(const float* padded_row, float* prepared) const {
    if (!is_tiled) return padded_row;
    const int64_t pixel = static_cast<int64_t>(channels) * kLanes, stride = product_size;
    float* to = prepared;
    for (int unit = 0; unit < units + columns - 1; ++unit) {
      const float* values = padded_row + unit * kTilePixels * pixel;
      for (int64_t at = 0; at < pixel; at += kLanes, to += kLanes) {
        PrepareTile(values + at, pixel, to, stride);
      }
    }
    return prepared;
  }

  // Marks for each pixel, [width], the lanes in which what is under its window in this row is
  // plain: the same in all columns.
  void MarkPlain(const float* padded_row, LaneBits* marks) const {
    const int64_t pixel = static_cast<int64_t>(channels) * kLanes;
    // First, whether the columns from a pixel to the next one are alike.
    for (int column = 0; column < width + window.columns - 2; ++column) {
      const float* values = padded_row + column * pixel;
      LaneBits alike = kAllLanes;
      for (int64_t at = 0; at < pixel; at += kLanes) {
        alike &= Equal(Load(values + at), Load(values + pixel + at));
      }
      marks[column] = alike;
    }
    for (int column = 0; column < width; ++column) {
      for (int next = 1; next < window.columns - 1; ++next) {
        marks[column] &= marks[column + next];
      }
    }
  }

  // How long `marks` has to be for MarkPlain.
  int marks_size() const { return width + window.columns; }
};

// What is under a window that slides down a frame.
struct WindowRows {
  // Of each of the window's rows: what was prepared, and the padded row itself.
  const float* const* prepared;
  const float* const* padded;
  // For each pixel, the lanes in which all these rows are plain; null if that was not asked
  // for, or if they are not in tiles.
  const LaneBits* plain;
};

class SlidingRows {
 public:
  // `marks_plain`: whether to find out what is plain.
  SlidingRows(const TiledRows& rows, bool marks_plain)
      : rows_(rows),
        count_(rows.window.rows),
        marks_plain_(marks_plain && rows.is_tiled),
        ring_(count_ * rows.prepared_size()),
        slots_(count_),
        prepared_(count_),
        padded_(count_),
        marks_(marks_plain_ ? count_ * rows.marks_size() : 0),
        plain_(marks_plain_ ? rows.width : 0) {}

  // Forgets what was prepared: the next window starts at `row`.
  void Restart(int row) { next_ = row; }

  // The rows from `row` on, one below that of the call before; `padded_row(number)` gives the
  // rows of the padded frame.
  template <class PaddedRow>
  WindowRows At(int row, const PaddedRow& padded_row) {
    for (; next_ < row + count_; ++next_) {
      const int slot = next_ % count_;
      const float* values = padded_row(next_);
      slots_[slot] = {values,
                      rows_.Prepare(values, ring_.get() + slot * rows_.prepared_size())};
      if (marks_plain_) rows_.MarkPlain(values, Marks(slot));
    }
    for (int n = 0; n < count_; ++n) {
      const Slot& slot = slots_[(row + n) % count_];
      padded_[n] = slot.padded;
      prepared_[n] = slot.prepared;
    }
    if (marks_plain_) {
      std::fill(plain_.begin(), plain_.end(), kAllLanes);
      for (int slot = 0; slot < count_; ++slot) {
        const LaneBits* marks = Marks(slot);
        for (int column = 0; column < rows_.width; ++column) plain_[column] &= marks[column];
      }
    }
    return {prepared_.data(), padded_.data(), marks_plain_ ? plain_.data() : nullptr};
  }

 private:
  struct Slot {
    const float *padded, *prepared;
  };

  LaneBits* Marks(int slot) { return marks_.data() + slot * rows_.marks_size(); }

  const TiledRows rows_;
  const int count_;
  const bool marks_plain_;
  Floats ring_;
  std::vector<Slot> slots_;
  std::vector<const float*> prepared_, padded_;
  std::vector<LaneBits> marks_, plain_;
  int next_ = 0;
};

}  // namespace dotmotion

#endif  // DOTMOTION_TILED_ROWS_H_
