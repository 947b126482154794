# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# Compiles a trained model into a target when the target is built.
#
#   mlc_add_model(<target> NAME <function> MODEL <model.onnx|model.json>
#                 [OPTIONS --fp=fast …] [DEPENDS <file> …])
#
# <target> gets the object <function>.o and the header <function>.h on its include path. If there is no such target, it is
# made: a static library. OPTIONS are those of mlc-aot, DEPENDS further files that the model reads (external weights).
# The code is position independent. When cross compiling for aarch64, so is the model, unless OPTIONS name a --target.
function(mlc_add_model target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "NAME;MODEL" "OPTIONS;DEPENDS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mlc_add_model(${target}): unknown arguments: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  foreach(required IN ITEMS NAME MODEL)
    if(NOT ARG_${required})
      message(FATAL_ERROR "mlc_add_model(${target}): ${required} is missing")
    endif()
  endforeach()
  if(NOT ARG_NAME MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "mlc_add_model(${target}): NAME '${ARG_NAME}' cannot name a C function")
  endif()
  cmake_path(ABSOLUTE_PATH ARG_MODEL BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
  set(options ${ARG_OPTIONS})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$" AND NOT "${options}" MATCHES "--(target|levels)")
    list(APPEND options --target=aarch64)
  endif()

  set(dir "${CMAKE_CURRENT_BINARY_DIR}/mlc-models/${target}")
  set(object "${dir}/${ARG_NAME}.o")
  set(header "${dir}/${ARG_NAME}.h")
  file(MAKE_DIRECTORY "${dir}")
  add_custom_command(
    OUTPUT "${object}" "${header}"
    COMMAND mlc::mlc-aot "${ARG_NAME}=${ARG_MODEL}" -o "${object}" ${options}
    DEPENDS "${ARG_MODEL}" mlc::mlc-aot ${ARG_DEPENDS}
    COMMENT "Compiling model ${ARG_NAME}" VERBATIM)
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  set_source_files_properties("${header}" PROPERTIES GENERATED ON)

  if(TARGET "${target}")
    target_sources("${target}" PRIVATE "${object}" "${header}")
  else()
    add_library("${target}" STATIC "${object}" "${header}")
    set_target_properties("${target}" PROPERTIES LINKER_LANGUAGE C)
  endif()
  get_target_property(type "${target}" TYPE)
  if(type STREQUAL "EXECUTABLE")
    target_include_directories("${target}" PRIVATE "${dir}")
  else()
    target_include_directories("${target}" PUBLIC "$<BUILD_INTERFACE:${dir}>")
  endif()
endfunction()
