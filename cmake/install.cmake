# weir: what `cmake --install` puts where, for find_package(weir) and for pkg-config.
# SPDX-License-Identifier: MIT
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(weir_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
set(weir_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(weir_libraries weir_core weir_sim)
set(weir_pc_files weir.pc weir_sim.pc)
set(weir_pc_zlib "Requires") # who links the static library links zlib too
if(TARGET weir_zlib)
  list(APPEND weir_libraries weir_zlib)
  list(APPEND weir_pc_files weir_zlib.pc)
  if(BUILD_SHARED_LIBS)
    set(weir_pc_zlib "Requires.private")
  endif()
endif()

install(TARGETS ${weir_libraries} weir_all EXPORT weir
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET weir_tool)
  install(TARGETS weir_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(EXPORT weir FILE weirTargets.cmake NAMESPACE weir:: DESTINATION ${weir_cmake_dir})
configure_package_config_file(cmake/weirConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/weirConfig.cmake
  INSTALL_DESTINATION ${weir_cmake_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/weirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weirConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/weirConfigVersion.cmake
  DESTINATION ${weir_cmake_dir})

# The prefix is told relative to weir.pc, so that an installed tree can be moved.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(weir_pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(weir_pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
  set(weir_pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH weir_pc_up /prefix/${weir_pkgconfig_dir} /prefix)
  string(REGEX REPLACE "/$" "" weir_pc_up "${weir_pc_up}")
  set(weir_pc_prefix "\${pcfiledir}/${weir_pc_up}")
  set(weir_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(weir_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
foreach(file IN LISTS weir_pc_files)
  configure_file(cmake/${file}.in ${CMAKE_CURRENT_BINARY_DIR}/${file} @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${file} DESTINATION ${weir_pkgconfig_dir})
endforeach()
