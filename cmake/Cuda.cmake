# SPDX-FileCopyrightText: the alphabar contributors
# SPDX-License-Identifier: Apache-2.0
#
# Decides whether the kernels are built: AUTO where nvcc is found, ON or an error, OFF. Sets ALPHABAR_HAVE_CUDA.

set(ALPHABAR_CUDA AUTO CACHE STRING "Build the CUDA kernels: AUTO (where nvcc is found), ON or OFF")
set_property(CACHE ALPHABAR_CUDA PROPERTY STRINGS AUTO ON OFF)
set(ALPHABAR_HAVE_CUDA FALSE)

if(ALPHABAR_CUDA STREQUAL "OFF")
  message(STATUS "CUDA kernels: OFF (ALPHABAR_CUDA=OFF); host backend only")
else()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    # Turing to Blackwell as machine code; what comes later compiles the last one's PTX.
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120)
    endif()
    enable_language(CUDA)
    set(ALPHABAR_HAVE_CUDA TRUE)
    message(STATUS "CUDA kernels: ON (nvcc ${CMAKE_CUDA_COMPILER_VERSION}) for ${CMAKE_CUDA_ARCHITECTURES}")
  elseif(ALPHABAR_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ALPHABAR_CUDA=ON but no CUDA compiler was found: put nvcc on the PATH or set CUDACXX")
  else()
    message(STATUS "CUDA kernels: OFF (no nvcc found); host backend only")
  endif()
endif()
