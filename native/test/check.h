// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
//
// Checks that count. A test returns finish(): 0 when every check held.
#ifndef ALPHABAR_TEST_CHECK_H
#define ALPHABAR_TEST_CHECK_H

#include <stdio.h>

namespace alphabar_test {

inline int& failures() {
  static int count = 0;
  return count;
}

inline long& checks() {
  static long count = 0;
  return count;
}

inline bool expect(bool held, const char* what, const char* file, int line) {
  ++checks();
  if (!held && ++failures() <= 20) {
    printf("%s:%d: %s\n", file, line, what);
  }
  return held;
}

inline int finish(const char* name) {
  printf("%s: %ld checks, %d failures\n", name, checks(), failures());
  return failures() == 0 && checks() > 0 ? 0 : 1;
}

}  // namespace alphabar_test

#define EXPECT(condition) alphabar_test::expect((condition), #condition, __FILE__, __LINE__)

#endif  // ALPHABAR_TEST_CHECK_H
