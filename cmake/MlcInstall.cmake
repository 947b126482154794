# Part of mlc, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# Installs libmlc, its two headers, a CMake package (find_package(mlc): mlc::mlc, mlc::mlc-aot, mlc_add_model) and mlc.pc.
if(NOT TARGET mlc)
  return()
endif()
include(CMakePackageConfigHelpers)
install(TARGETS mlc EXPORT mlcTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(header IN ITEMS mlc.h mlc.hpp)
  if(EXISTS "${CMAKE_SOURCE_DIR}/include/mlc/${header}")
    install(FILES "${CMAKE_SOURCE_DIR}/include/mlc/${header}" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mlc)
  endif()
endforeach()
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mlc)
install(EXPORT mlcTargets NAMESPACE mlc:: DESTINATION ${config_dir})
configure_package_config_file(cmake/mlcConfig.cmake.in mlcConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(mlcConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/mlcConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/mlcConfigVersion.cmake"
              cmake/mlcAddModel.cmake
        DESTINATION ${config_dir})

# The folder may move: everything is found from where mlc.pc lies.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH MLC_PC_PREFIX "/prefix/${pc_dir}" "/prefix")
string(REGEX REPLACE "/$" "" MLC_PC_PREFIX "${MLC_PC_PREFIX}")
configure_file(cmake/mlc.pc.in mlc.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/mlc.pc" DESTINATION "${pc_dir}")
