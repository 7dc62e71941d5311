# find_package(panther) for plugins out of the tree: the same two functions as in it.
#   panther_plugin(NAME SOURCES a.c ... [LINK lib ...])       builds NAME.so into <build>/plugins, installs it into lib/panther/plugins
#   panther_plugin_test(NAME SOURCES a.c ... [LINK lib ...])  a test program with the harness; PANTHER_PLUGINS is <build>/plugins
get_filename_component(PANTHER_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

function(panther_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(plugin_${name} MODULE ${ARG_SOURCES})
  target_include_directories(plugin_${name} SYSTEM PRIVATE ${PANTHER_PREFIX}/include)
  target_link_libraries(plugin_${name} PRIVATE ${ARG_LINK})
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} C_VISIBILITY_PRESET hidden
    C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS ON LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins)
  install(TARGETS plugin_${name} LIBRARY DESTINATION lib/panther/plugins)
endfunction()

function(panther_plugin_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  find_library(CMOCKA_LIBRARY cmocka REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} SYSTEM PRIVATE ${PANTHER_PREFIX}/include)
  target_compile_definitions(${name} PRIVATE PANTHER_PLUGINS="${PROJECT_BINARY_DIR}/plugins")
  target_link_libraries(${name} PRIVATE ${ARG_LINK} ${PANTHER_PREFIX}/lib/libpanther-harness.so ${CMOCKA_LIBRARY})
  set_target_properties(${name} PROPERTIES C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS ON BUILD_RPATH ${PANTHER_PREFIX}/lib)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "PANTHER_BIN=${PANTHER_PREFIX}/bin")
  if(ARG_TIMEOUT)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  endif()
endfunction()
