# The way of an author out of the tree: install the SDK and its two programs into an empty prefix, then configure, build and test
# services/sdk/example against it. Called with -DSOURCE= -DBUILD= -DGENERATOR= -DCOMPILER= -DFLAGS=.
set(place "${BUILD}/tests/sdk-example")
file(REMOVE_RECURSE "${place}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${output}")
  endif()
endfunction()

foreach(part services/sdk agent/guard agent/host)
  run(${CMAKE_COMMAND} -DCMAKE_INSTALL_PREFIX=${place}/prefix -P ${BUILD}/${part}/cmake_install.cmake)
endforeach()
run(${CMAKE_COMMAND} -S ${SOURCE}/services/sdk/example -B ${place}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${place}/prefix
    -DCMAKE_C_COMPILER=${COMPILER} "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror ${FLAGS}")
run(${CMAKE_COMMAND} --build ${place}/build)
run(${CMAKE_CTEST_COMMAND} --test-dir ${place}/build --output-on-failure)
file(REMOVE_RECURSE "${place}")
