// Vector registers whose lanes hold the same value of different frames.
//
// With frames in the lanes, every convolution fills its registers, however few channels it
// has: a weight is broadcast, and one instruction serves as many frames as there are lanes.

#ifndef DOTMOTION_LANES_H_
#define DOTMOTION_LANES_H_

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__AVX__)
#include <immintrin.h>
#endif

namespace dotmotion {

#if defined(__AVX512F__)
#define DOTMOTION_LANES 16
#elif defined(__AVX__)
#define DOTMOTION_LANES 8
#else
#define DOTMOTION_LANES 4
#endif

constexpr int kLanes = DOTMOTION_LANES;
// What a tile of sums may take, so that operands still fit beside it.
constexpr int kSumRegisters = kLanes == 16 ? 24 : 12;

typedef float Vec __attribute__((vector_size(4 * DOTMOTION_LANES)));
typedef uint8_t ByteVec __attribute__((vector_size(DOTMOTION_LANES)));
typedef int32_t IntVec __attribute__((vector_size(4 * DOTMOTION_LANES)));

inline Vec Load(const float* from) {
  Vec loaded;
  std::memcpy(&loaded, from, sizeof(Vec));
  return loaded;
}

inline void Store(float* to, Vec values) { std::memcpy(to, &values, sizeof(Vec)); }

// Stores past the caches what will not be read soon, at an address that is a multiple of the
// size: memory need not be read before.
inline void Stream(float* to, Vec values) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, reinterpret_cast<__m512>(values));
#elif defined(__AVX__)
  _mm256_stream_ps(to, reinterpret_cast<__m256>(values));
#else
  Store(to, values);
#endif
}

// Makes what was streamed visible to other threads.
inline void FinishStreams() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

// As many bytes, as floats.
inline Vec LoadAs(const float* from) { return Load(from); }
inline Vec LoadAs(const uint8_t* from) {
  ByteVec loaded;
  std::memcpy(&loaded, from, sizeof(ByteVec));
  return __builtin_convertvector(loaded, Vec);
}

inline void StoreAs(float* to, Vec values) { Store(to, values); }
inline void StoreAs(uint8_t* to, Vec values) {
  const ByteVec bytes =
      __builtin_convertvector(__builtin_convertvector(values, IntVec), ByteVec);
  std::memcpy(to, &bytes, sizeof(ByteVec));
}

// Lanes of a and then of b, by their numbers.
inline Vec Shuffle(Vec a, Vec b, IntVec numbers) {
#if defined(__clang__)
  Vec shuffled;
  for (int lane = 0; lane < kLanes; ++lane) {
    shuffled[lane] = numbers[lane] < kLanes ? a[numbers[lane]] : b[numbers[lane] - kLanes];
  }
  return shuffled;
#else
  return __builtin_shuffle(a, b, numbers);
#endif
}

// A set of lanes: bit n for lane n.
typedef uint16_t LaneBits;
constexpr LaneBits kAllLanes = (1 << kLanes) - 1;

// The lanes in which a and b are equal.
inline LaneBits Equal(Vec a, Vec b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b),
                            _CMP_EQ_OQ);
#elif defined(__AVX__)
  return _mm256_movemask_ps(
      _mm256_cmp_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), _CMP_EQ_OQ));
#else
  LaneBits equal = 0;
  for (int lane = 0; lane < kLanes; ++lane) equal |= (a[lane] == b[lane]) << lane;
  return equal;
#endif
}

// True in the lanes of a set.
inline IntVec Mask(LaneBits lanes) {
  IntVec bit;
#pragma GCC unroll 16
  for (int lane = 0; lane < kLanes; ++lane) bit[lane] = 1 << lane;
  return (bit & static_cast<int32_t>(lanes)) != 0;
}

inline Vec Broadcast(float value) { return value - Vec{}; }

inline float Sum(Vec values) {
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += values[lane];
  return sum;
}

inline Vec Greatest(Vec a, Vec b) { return a > b ? a : b; }

// 1 / x to about one unit in the last place; a division takes as long as 8 multiplications.
inline Vec Reciprocal(Vec x) {
#if defined(__AVX512F__)
  Vec guess = reinterpret_cast<Vec>(_mm512_maskz_rcp14_ps(0xffff, reinterpret_cast<__m512>(x)));
  return guess * (2.0f - x * guess);
#else
  return 1.0f / x;
#endif
}

// e to the x, to about one unit in the last place. Method: x = n ln 2 + r with an integer n,
// and the polynomial of Cephes' expf for e^r (Moshier, public domain coefficients).
inline Vec Exp(Vec x) {
  const Vec lowest = Broadcast(-87.3f), highest = Broadcast(88.3f);
  // A NaN compares false and stays.
  x = x < lowest ? lowest : x;
  x = x > highest ? highest : x;
  // Adding 1.5 * 2^23 rounds to an integer.
  const Vec n = (x * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
  const Vec r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  Vec p = Broadcast(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const IntVec power = (__builtin_convertvector(n, IntVec) + 127) << 23;
  return p * reinterpret_cast<Vec>(power);
}

inline Vec Sigmoid(Vec x) { return Reciprocal(1.0f + Exp(-x)); }

// Near 0 the polynomial of Cephes' tanhf, which keeps the relative error small.
inline Vec Tanh(Vec x) {
  const Vec size = x < 0.0f ? -x : x;
  const Vec square = x * x;
  Vec p = Broadcast(-5.70498872745e-3f);
  p = p * square + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const Vec near = p * square * x + x;
  const Vec far = 1.0f - 2.0f * Reciprocal(Exp(2.0f * size) + 1.0f);
  return size < 0.625f ? near : (x < 0.0f ? -far : far);
}

enum class Activation { kLinear = 0, kRelu = 1, kTanh = 2 };

template <Activation A>
inline Vec Activate(Vec x) {
  if constexpr (A == Activation::kRelu) return x < 0.0f ? Vec{} : x;
  if constexpr (A == Activation::kTanh) return Tanh(x);
  return x;
}

// The derivative of an activation, from its value.
template <Activation A>
inline Vec Slope(Vec activated) {
  if constexpr (A == Activation::kRelu) return activated > 0.0f ? Broadcast(1) : Vec{};
  if constexpr (A == Activation::kTanh) return 1.0f - activated * activated;
  return Broadcast(1);
}

}  // namespace dotmotion

#endif  // DOTMOTION_LANES_H_
