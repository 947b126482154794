# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# One static library per layer, and the enforced layering.
#
# A layer sees its own headers and those of the layers it names in DEPENDS, because each layer's folder
# include/mlc/<Layer> is reached through a directory of its own: build/include-layers/<Layer>/mlc/<Layer> (a symbolic link).
# include/ itself is on nobody's path. Generated headers lie in build/include-generated/<Layer>/mlc/<Layer>.
#
#   mlc_add_library(<Layer> [SOURCES a.cpp …]     default: every .cpp in the folder and below
#                   [DEPENDS <Layer> …] [LIBS target …]
#                   [LLVM] [LLVM_COMPONENTS Core …] [MLIR_LIBS MLIRIR …] [NO_PCH])
#   mlc_add_tablegen(<Layer> <file.td> "<option> … <output>" …)      call before mlc_add_library(<Layer> …)
#   mlc_add_tool(<name> SOURCES … DEPENDS … [LLVM] [MLIR_LIBS …])    an executable in build/bin
#
# LLVM, LLVM_COMPONENTS or MLIR_LIBS makes LLVM's headers visible to that target, and only to it.

set(MLC_INCLUDE_LAYERS "${CMAKE_BINARY_DIR}/include-layers")
set(MLC_INCLUDE_GENERATED "${CMAKE_BINARY_DIR}/include-generated")

# Something cannot be built because of `reason`: right in a partial build, a mistake in a whole one.
function(mlc_leave_out what reason)
  if(MLC_LAYERS OR NOT MLC_WITH_LLVM)
    message(STATUS "${what} is left out: ${reason}")
  else()
    message(FATAL_ERROR "${what} cannot be built: ${reason}")
  endif()
endfunction()

# The include directory of one layer.
function(mlc_layer_include layer out)
  set(dir "${MLC_INCLUDE_LAYERS}/${layer}")
  set(link "${dir}/mlc/${layer}")
  if(NOT IS_SYMLINK "${link}")
    file(MAKE_DIRECTORY "${dir}/mlc")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/include/mlc/${layer}" "${link}" SYMBOLIC)
  endif()
  set(${out} "${dir}" PARENT_SCOPE)
endfunction()

# Warnings, and the sanitizer's defaults of a program.
function(mlc_warnings target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-unused-parameter>)
  get_target_property(type ${target} TYPE)
  if(MLC_SANITIZE MATCHES "address" AND type STREQUAL "EXECUTABLE")
    target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/cmake/asan.cpp")
  endif()
endfunction()

# LLVM's headers and definitions for this target alone.
function(mlc_use_llvm target)
  target_include_directories(${target} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_definitions(${target} PRIVATE ${LLVM_DEFINITIONS_LIST})
endfunction()
if(MLC_WITH_LLVM)
  separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND "${LLVM_DEFINITIONS}")
endif()

# The precompiled header shared by all targets that see MLIR.
function(mlc_use_pch target)
  if(NOT MLC_PCH)
    return()
  endif()
  if(NOT TARGET mlcPch)
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/pch/pch.cpp" CONTENT "// Carries the precompiled header.\n")
    add_library(mlcPch OBJECT "${CMAKE_BINARY_DIR}/pch/pch.cpp")
    mlc_use_llvm(mlcPch)
    mlc_warnings(mlcPch)
    target_precompile_headers(mlcPch PRIVATE "${CMAKE_SOURCE_DIR}/cmake/pch.h")
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      target_compile_options(mlcPch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM mlcPch)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    target_compile_options(${target} PRIVATE -fPIC) # the header is not usable by code compiled as -fPIE
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()

# Sets <out> to the targets of `layers`; names what is missing in <out>_MISSING.
function(mlc_layer_targets out)
  set(targets "")
  set(missing "")
  foreach(layer IN LISTS ARGN)
    string(REGEX REPLACE "^(mlc::|mlc)" "" layer "${layer}")
    if(TARGET mlc${layer})
      list(APPEND targets mlc${layer})
    else()
      list(APPEND missing ${layer})
    endif()
  endforeach()
  set(${out} "${targets}" PARENT_SCOPE)
  set(${out}_MISSING "${missing}" PARENT_SCOPE)
endfunction()

# What libraries and tools have in common.
function(mlc_configure_target target)
  cmake_parse_arguments(ARG "LLVM;NO_PCH" "" "LIBS;LLVM_COMPONENTS;MLIR_LIBS" ${ARGN})
  mlc_warnings(${target})
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  if(ARG_LIBS)
    target_link_libraries(${target} PRIVATE ${ARG_LIBS})
  endif()
  if(ARG_LLVM OR ARG_LLVM_COMPONENTS OR ARG_MLIR_LIBS)
    mlc_use_llvm(${target})
    set_property(TARGET ${target} PROPERTY MLC_USES_LLVM ON)
  endif()
  if(ARG_LLVM_COMPONENTS)
    llvm_map_components_to_libnames(libs ${ARG_LLVM_COMPONENTS})
    target_link_libraries(${target} PRIVATE ${libs})
  endif()
  if(ARG_MLIR_LIBS)
    target_link_libraries(${target} PRIVATE ${ARG_MLIR_LIBS})
    set_property(TARGET ${target} PROPERTY MLC_USES_MLIR ON)
    if(NOT ARG_NO_PCH)
      mlc_use_pch(${target})
    endif()
  endif()
endfunction()

function(mlc_add_library layer)
  string(REGEX REPLACE "^(mlc::|mlc)" "" layer "${layer}")
  cmake_parse_arguments(REST "LLVM;NO_PCH" "" "SOURCES;DEPENDS;LIBS;LLVM_COMPONENTS;MLIR_LIBS" ${ARGN})
  if(NOT REST_SOURCES)
    file(GLOB_RECURSE REST_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  endif()
  if(NOT REST_SOURCES)
    mlc_leave_out("layer ${layer}" "it has no sources")
    return()
  endif()
  mlc_layer_targets(depends ${REST_DEPENDS})
  if(depends_MISSING)
    mlc_leave_out("layer ${layer}" "it needs ${depends_MISSING}")
    return()
  endif()
  set(target mlc${layer})
  add_library(${target} STATIC ${REST_SOURCES})
  add_library(mlc::${layer} ALIAS ${target})
  mlc_layer_include(${layer} include)
  target_include_directories(${target} PUBLIC "${include}")
  target_link_libraries(${target} PUBLIC ${depends})
  if(TARGET mlc${layer}TableGen)
    target_include_directories(${target} PUBLIC "${MLC_INCLUDE_GENERATED}/${layer}")
    target_link_libraries(${target} PUBLIC mlc${layer}Generated)
    add_dependencies(${target} mlc${layer}TableGen)
  endif()
  set(flags "")
  foreach(flag IN ITEMS LLVM NO_PCH)
    if(REST_${flag})
      list(APPEND flags ${flag})
    endif()
  endforeach()
  mlc_configure_target(${target} ${flags} LIBS ${REST_LIBS} LLVM_COMPONENTS ${REST_LLVM_COMPONENTS}
                       MLIR_LIBS ${REST_MLIR_LIBS})
endfunction()

function(mlc_add_tool name)
  cmake_parse_arguments(REST "LLVM;NO_PCH" "" "SOURCES;DEPENDS;LIBS;LLVM_COMPONENTS;MLIR_LIBS" ${ARGN})
  mlc_layer_targets(depends ${REST_DEPENDS})
  if(depends_MISSING)
    mlc_leave_out(${name} "it needs ${depends_MISSING}")
    return()
  endif()
  add_executable(${name} ${REST_SOURCES})
  target_link_libraries(${name} PRIVATE ${depends})
  set(flags "")
  foreach(flag IN ITEMS LLVM NO_PCH)
    if(REST_${flag})
      list(APPEND flags ${flag})
    endif()
  endforeach()
  mlc_configure_target(${name} ${flags} LIBS ${REST_LIBS} LLVM_COMPONENTS ${REST_LLVM_COMPONENTS}
                       MLIR_LIBS ${REST_MLIR_LIBS})
endfunction()

# mlc_add_tablegen(Dialect ML.td "-gen-op-decls ML.h.inc" "-gen-op-defs ML.cpp.inc"): #include "mlc/Dialect/ML.h.inc"
function(mlc_add_tablegen layer td)
  cmake_path(ABSOLUTE_PATH td BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  set(dir "${MLC_INCLUDE_GENERATED}/${layer}/mlc/${layer}")
  file(MAKE_DIRECTORY "${dir}")
  list(TRANSFORM MLIR_INCLUDE_DIRS PREPEND "-I" OUTPUT_VARIABLE includes)
  set(outputs "")
  foreach(rule IN LISTS ARGN)
    separate_arguments(options UNIX_COMMAND "${rule}")
    list(POP_BACK options output)
    # The depfile names every .td that was read; its target must be spelled as ninja spells the output.
    add_custom_command(
      OUTPUT "${dir}/${output}"
      COMMAND "${MLIR_TABLEGEN_EXE}" ${options} ${includes} "-I${CMAKE_CURRENT_SOURCE_DIR}"
              "-I${MLC_INCLUDE_LAYERS}/${layer}" "${td}" -o "${dir}/${output}" -d "${dir}/${output}.d"
      DEPENDS "${td}" DEPFILE "${dir}/${output}.d"
      COMMENT "tablegen ${layer}/${output}" VERBATIM)
    list(APPEND outputs "${dir}/${output}")
  endforeach()
  if(NOT TARGET mlc${layer}TableGen)
    add_custom_target(mlc${layer}TableGen DEPENDS ${outputs})
    # Whoever uses the layer's headers waits for the generated ones.
    add_library(mlc${layer}Generated INTERFACE)
    add_dependencies(mlc${layer}Generated mlc${layer}TableGen)
  else()
    string(MD5 id "${td}${ARGN}")
    add_custom_target(mlc${layer}TableGen-${id} DEPENDS ${outputs})
    add_dependencies(mlc${layer}TableGen mlc${layer}TableGen-${id})
  endif()
endfunction()

# Links a shared library so that it shows only what `map` lists and brings its own C++ run-time.
function(mlc_link_hidden target map)
  target_link_options(${target} PRIVATE "-Wl,--version-script=${map}" -Wl,--exclude-libs,ALL -Wl,--gc-sections
                      -Wl,-Bsymbolic -Wl,-z,relro,-z,now,-z,noexecstack)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${map}")
  if(NOT MLC_SANITIZE)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,-z,defs
                        $<$<CONFIG:Release>:-Wl,-s>)
  endif()
  if(EXISTS "${LLVM_TOOLS_BINARY_DIR}/ld.lld")
    target_link_options(${target} PRIVATE -Wl,--icf=all)
  endif()
endfunction()
