# Two interface targets: oriel_flags (ours: warnings are errors) and what each build type adds.
add_library(oriel_flags INTERFACE)
target_include_directories(oriel_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(oriel_flags INTERFACE _GNU_SOURCE ORIEL_VERSION="${PROJECT_VERSION}")
target_compile_options(oriel_flags INTERFACE
    -Wall -Wextra -Wpedantic -Werror -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-align -Wwrite-strings
    -Wvla -Wformat=2 -Wundef -Wnull-dereference -Wdouble-promotion -Wimplicit-fallthrough
    -Wswitch-enum -fno-common -fno-strict-aliasing -fstack-protector-strong)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(oriel_flags INTERFACE -Wlogical-op -Wduplicated-cond -Wno-switch-enum)
else()
    target_compile_options(oriel_flags INTERFACE -Wno-switch-enum -Wno-gnu-statement-expression
        -Wno-unknown-warning-option)
endif()
if(ORIEL_SANITIZE)
    target_compile_options(oriel_flags INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    target_link_options(oriel_flags INTERFACE -fsanitize=address,undefined)
else()
    target_compile_options(oriel_flags INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2> -fstack-clash-protection -fcf-protection)
    target_link_options(oriel_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(ORIEL_FUZZ)
    target_compile_options(oriel_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(ORIEL_ANALYZE)
    target_compile_options(oriel_flags INTERFACE -fanalyzer)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
