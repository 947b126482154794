# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# Compiler settings that hold for every target.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}") # a compiler's speed is in LLVM

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# Our own floating-point code must not depend on the compiler's taste for FMA.
add_compile_options(-ffp-contract=off -ffunction-sections -fdata-sections)
# Build paths never reach a binary: the same sources give the same bytes anywhere.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}=mlc" "-ffile-prefix-map=${CMAKE_BINARY_DIR}=build")

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-fcolor-diagnostics)
endif()

if(MLC_SANITIZE)
  add_compile_options(-fsanitize=${MLC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MLC_SANITIZE})
endif()
if(MLC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# ccache with precompiled headers needs sloppiness (its manual, "Precompiled headers"); clang's header must hold no time.
if(MLC_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(MLC_CCACHE_PROGRAM ccache)
  mark_as_advanced(MLC_CCACHE_PROGRAM)
  if(MLC_CCACHE_PROGRAM)
    set(launcher "${CMAKE_COMMAND}" -E env
        "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime" "${MLC_CCACHE_PROGRAM}")
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  endif()
endif()
