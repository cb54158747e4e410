# SPDX-FileCopyrightText: the alphabar contributors
# SPDX-License-Identifier: Apache-2.0
#
# The flags of every target, each with its reason.

option(ALPHABAR_WERROR "Treat warnings as errors" OFF)
option(ALPHABAR_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

add_library(alphabar_flags INTERFACE)
target_compile_features(alphabar_flags INTERFACE cxx_std_17)

set(host_flags
  # a * b + c is two roundings unless the source says fma: the same bits everywhere is the contract.
  -ffp-contract=off
  # sqrtf as one instruction; nobody reads errno after it. Changes no value.
  -fno-math-errno
  # Nobody reads the exception flags either, so both sides of a select may be computed. Changes no value.
  -fno-trapping-math
  -Wall -Wextra)
if(ALPHABAR_WERROR)
  list(APPEND host_flags -Werror)
endif()
if(ALPHABAR_SANITIZE)
  list(APPEND host_flags -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(alphabar_flags INTERFACE -fsanitize=address,undefined)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT ALPHABAR_SANITIZE)
  # What is built here also runs where the C++ library is older or missing. gc-sections: without the parts of it that nothing
  # calls, some of which need a newer C library (std::random_device that of glibc 2.36).
  target_link_options(alphabar_flags INTERFACE -static-libstdc++ -static-libgcc -Wl,--gc-sections)
endif()
target_compile_options(alphabar_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:${host_flags}>
  # No contraction on the device either, nor in the host code that nvcc passes on. --threads: architectures in parallel.
  $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false --threads=0 -Xcompiler=-ffp-contract=off,-fno-math-errno,-Wall>)
