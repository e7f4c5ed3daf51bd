# cmake --install BUILD --prefix DIR makes a tree that can be moved: bin/ the programs, lib/ LibTorch's CPU libraries, configs/ the job
# files, which find each other by relative paths. The distribution's packages (Open MPI, protobuf, ...) are not copied.
# Included last, when it is known which programs this tree builds: without LibTorch there is no deit-worker.
foreach(program IN ITEMS deit-coord deit-worker)
  if(TARGET ${program})
    set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
    install(TARGETS ${program} RUNTIME DESTINATION bin)
  endif()
endforeach()
install(DIRECTORY configs/ DESTINATION configs)
install(FILES LICENSE DESTINATION .)

# libtorch_cpu.so and every library that it loads from LibTorch's own folders; its run path ends with its own folder, so they find each
# other side by side in lib/.
if(TARGET deit-worker)
  cmake_path(GET TORCH_ROOT PARENT_PATH torch_folders)
  install(CODE "set(torch_library \"${TORCH_ROOT}/lib/libtorch_cpu.so\")\nset(torch_folders \"${torch_folders}\")")
  install(CODE [[
    file(GET_RUNTIME_DEPENDENCIES LIBRARIES "${torch_library}" RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing)
    if(missing)
      message(FATAL_ERROR "LibTorch: ${torch_library} needs libraries that are not there: ${missing}")
    endif()
    foreach(library IN LISTS torch_library found)
      cmake_path(ABSOLUTE_PATH library NORMALIZE)
      cmake_path(IS_PREFIX torch_folders "${library}" NORMALIZE ours)
      if(ours)
        file(INSTALL "${library}" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib" FOLLOW_SYMLINK_CHAIN)
      endif()
    endforeach()
  ]])
endif()
