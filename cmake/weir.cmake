# weir: the helpers that every CMakeLists.txt of the project uses.
# SPDX-License-Identifier: MIT
include(GNUInstallDirs)

# Compile settings of every target of ours: warnings, hardening and the like never reach a user's targets.
function(weir_settings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(NOT WEIR_EXCEPTIONS)
    target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti)
  endif()
  if(WEIR_WARNINGS)
    # hazard: RB14 by construction: no arithmetic on void pointers, no arrays of variable length, nothing used before it is declared.
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${WEIR_WERROR}>:-Werror>)
  endif()
  if(WEIR_HARDENING)
    target_compile_options(${target} PRIVATE -fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i.86")
      target_compile_options(${target} PRIVATE -fcf-protection)
    endif()
    if(NOT WEIR_SANITIZE) # the sanitizers check the same calls, and better
      target_compile_options(${target} PRIVATE $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
    endif()
    target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now)
  endif()
endfunction()

# Settings of a library that is installed.
function(weir_library_settings target)
  weir_settings(${target})
  string(REGEX REPLACE "^weir_" "" export_name ${target})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${export_name}
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} # before 1.0 every minor version may break the ABI
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -fno-semantic-interposition)
  if(BUILD_SHARED_LIBS)
    target_link_options(${target} PRIVATE -Wl,--no-undefined)
  endif()
  if(WEIR_SANITIZE)
    # The pool then takes every block from malloc, so that the sanitizer sees each one.
    target_compile_definitions(${target} PUBLIC $<BUILD_INTERFACE:WEIR_SANITIZED=1>)
  endif()
endfunction()

# weir_layer(NAME base
#            [HEADERS a.h ...]          public headers, installed
#            [PRIVATE_HEADERS b.h ...]  headers that users cannot include
#            [SOURCES a.cc ...]
#            [THROWING_SOURCES c.cc ...]   those that throw or catch: no others may
#            [NOTHROW_SOURCES d.cc ...]    what takes their place in a build without exceptions
#            [TESTS a_test.cc ...]         go into weir_<name>_test
#            [THROWING_TESTS c_test.cc ...]  go there too, but for a build without exceptions
#            [NOTHROW_TESTS d_test.cc ...]   go there in that build only
#            [THREAD_TESTS b_test.cc ...]  go into weir_<name>_thread_test, which also runs under TSan
#            [LINK target ...]             what the sources need besides the library itself
#            [SIMULATED]                   TESTS run on both kernels, see weir_test
#            [LIBRARY weir_sim]            which library the sources belong to; weir_core by default
#            [MAIN main.cc])               only in cli: the tool; all else becomes the library weir_cli, for its tests
#
# All layers together are one library, weir_core; only what users link on its own is another. Sources know the version as the string WEIR_VERSION.
function(weir_layer)
  cmake_parse_arguments(PARSE_ARGV 0 LAYER "SIMULATED" "NAME;MAIN;LIBRARY" "HEADERS;PRIVATE_HEADERS;SOURCES;THROWING_SOURCES;NOTHROW_SOURCES;TESTS;THROWING_TESTS;NOTHROW_TESTS;THREAD_TESTS;LINK")
  if(LAYER_UNPARSED_ARGUMENTS OR NOT LAYER_NAME)
    message(FATAL_ERROR "weir_layer: needs NAME; not understood: ${LAYER_UNPARSED_ARGUMENTS}")
  endif()
  if(WEIR_EXCEPTIONS)
    list(APPEND LAYER_SOURCES ${LAYER_THROWING_SOURCES})
    list(APPEND LAYER_TESTS ${LAYER_THROWING_TESTS})
  else()
    list(APPEND LAYER_SOURCES ${LAYER_NOTHROW_SOURCES})
    list(APPEND LAYER_TESTS ${LAYER_NOTHROW_TESTS})
  endif()
  list(TRANSFORM LAYER_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(TRANSFORM LAYER_PRIVATE_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(TRANSFORM LAYER_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)

  if(LAYER_MAIN)
    set(library weir_${LAYER_NAME})
    add_library(${library} STATIC ${LAYER_SOURCES} ${LAYER_HEADERS} ${LAYER_PRIVATE_HEADERS})
    weir_settings(${library})
    target_compile_definitions(${library} PUBLIC WEIR_VERSION="${PROJECT_VERSION}")
    target_include_directories(${library} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${library} PUBLIC weir::core ${LAYER_LINK})
    add_executable(weir_tool ${LAYER_MAIN})
    weir_settings(weir_tool)
    target_link_libraries(weir_tool PRIVATE ${library})
    set_target_properties(weir_tool PROPERTIES OUTPUT_NAME weir INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  else()
    set(library weir_core)
    if(LAYER_LIBRARY)
      set(library ${LAYER_LIBRARY})
    endif()
    if(LAYER_HEADERS)
      target_sources(${library} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${LAYER_HEADERS})
    endif()
    target_sources(${library} PRIVATE ${LAYER_PRIVATE_HEADERS} ${LAYER_SOURCES})
    if(LAYER_LINK)
      target_link_libraries(${library} PRIVATE ${LAYER_LINK})
    endif()
  endif()

  if(WEIR_TESTS AND LAYER_TESTS)
    set(kernels)
    if(LAYER_SIMULATED)
      set(kernels SIMULATED)
    endif()
    weir_test(weir_${LAYER_NAME}_test ${LAYER_TESTS} LINK ${library} ${kernels})
  endif()
  if(WEIR_TESTS AND LAYER_THREAD_TESTS)
    weir_test(weir_${LAYER_NAME}_thread_test ${LAYER_THREAD_TESTS} LINK ${library} LABELS threads)
  endif()
endfunction()

# weir_test(name a_test.cc ... [LABELS threads ...] [TIMEOUT seconds] [SERIAL] [TOOL] [SIMULATED] [LINK target ...])
#
# One gtest program, one ctest test. The TSan build has only those labelled `threads`. SERIAL: nothing runs beside it.
# TOOL: the test drives the weir tool and knows its path as WEIR_TOOL_PATH; there is no such test without the tool.
# SIMULATED: each test runs in a network of its own, in memory and in virtual time (tests/support/test_world.h); ctest runs
# the program once more, as name_real_kernel, on the kernel of the machine; and both again on the backend poll.
function(weir_test name)
  cmake_parse_arguments(PARSE_ARGV 1 TEST "SERIAL;TOOL;SIMULATED" "TIMEOUT" "LABELS;LINK")
  if(WEIR_SANITIZE MATCHES "thread" AND NOT "threads" IN_LIST TEST_LABELS)
    return()
  endif()
  if(TEST_TOOL AND NOT TARGET weir_tool)
    return()
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  add_executable(${name} ${TEST_UNPARSED_ARGUMENTS})
  weir_settings(${name})
  target_link_libraries(${name} PRIVATE weir::core weir_test_support ${TEST_LINK} GTest::gmock GTest::gtest_main)
  if(TEST_TOOL)
    target_compile_definitions(${name} PRIVATE WEIR_TOOL_PATH="$<TARGET_FILE:weir_tool>")
    add_dependencies(${name} weir_tool)
  endif()
  set(runs ${name})
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  if(TEST_SIMULATED)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/test_world.cc)
    target_link_libraries(${name} PRIVATE weir::sim)
    add_test(NAME ${name}_real_kernel COMMAND ${CMAKE_COMMAND} -E env WEIR_TEST_KERNEL=real $<TARGET_FILE:${name}> --gtest_brief=1)
    add_test(NAME ${name}_poll COMMAND ${CMAKE_COMMAND} -E env WEIR_BACKEND=poll $<TARGET_FILE:${name}> --gtest_brief=1)
    add_test(NAME ${name}_poll_real_kernel COMMAND ${CMAKE_COMMAND} -E env WEIR_BACKEND=poll WEIR_TEST_KERNEL=real $<TARGET_FILE:${name}> --gtest_brief=1)
    list(APPEND runs ${name}_real_kernel ${name}_poll ${name}_poll_real_kernel)
  endif()
  set_tests_properties(${runs} PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "gtest;${TEST_LABELS}" RUN_SERIAL ${TEST_SERIAL}
    ENVIRONMENT "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")
endfunction()

# weir_program(name a.cc ... [LINK target ...]): a program of the tree (example, benchmark) that links the library.
function(weir_program name)
  cmake_parse_arguments(PARSE_ARGV 1 PROGRAM "" "" "LINK")
  add_executable(${name} ${PROGRAM_UNPARSED_ARGUMENTS})
  weir_settings(${name})
  target_link_libraries(${name} PRIVATE weir::weir ${PROGRAM_LINK})
endfunction()
