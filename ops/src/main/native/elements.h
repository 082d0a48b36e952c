/* 16-bit floating point numbers, with integer arithmetic that compilers vectorise. Rounds to the
   nearest, ties to even, as TensorFlow's casts do. */
#ifndef FADAM_ELEMENTS_H
#define FADAM_ELEMENTS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline float bfloat16_to_float(uint16_t b) { return float_of((uint32_t)b << 16); }

static inline uint16_t float_to_bfloat16(float x) {
  uint32_t bits = bits_of(x);
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  uint32_t nan = (bits >> 16 & 0x8000) | 0x7fc0;
  return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
}

static inline float half_to_float(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16;
  uint32_t rest = h & 0x7fff;
  uint32_t normal = (rest << 13) + ((127 - 15) << 23);
  uint32_t special = (rest << 13) + ((255u - 31) << 23);
  /* Not by a multiplication of the shifted bits: they are subnormal, which is flushed to 0. */
  uint32_t small = bits_of((float)(int32_t)rest * 0x1p-24f);
  return float_of(sign | (rest >= 0x7c00 ? special : rest < 0x0400 ? small : normal));
}

static inline uint16_t float_to_half(float x) {
  uint32_t bits = bits_of(x);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t rest = bits & 0x7fffffff;
  uint32_t normal = (rest - ((127 - 15) << 23) + 0xfff + ((rest >> 13) & 1)) >> 13;
  /* One unit in the last place of 0.5f is the smallest half: the addition rounds. */
  uint32_t small = bits_of(float_of(rest < 0x38800000 ? rest : 0) + 0.5f) - 0x3f000000;
  uint32_t half = rest < 0x38800000 ? small : rest >= 0x47800000 ? 0x7c00 : normal;
  return (uint16_t)(sign | (rest > 0x7f800000 ? 0x7e00 : half));
}

#endif
