{
  "variables": { "libpcap_static%": "" },
  "targets": [
    {
      "target_name": "flowtap",
      "sources": ["<!@(node scripts/native-sources.mjs)"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags": ["-fvisibility=hidden", "-Wno-unused-parameter"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++1y", "-std=gnu++14", "-std=gnu++2a"],
      "cflags_cc": ["-std=gnu++20", "-fno-rtti", "-fno-exceptions", "-fvisibility-inlines-hidden"],
      "configurations": {
        "Release": {
          "defines": ["NDEBUG"],
          "cflags": ["-O3"]
        }
      },
      "conditions": [
        ["libpcap_static==''", {
          "libraries": ["-lpcap"]
        }, {
          "include_dirs": ["<(libpcap_static)/include"],
          "libraries": ["<(libpcap_static)/lib/libpcap.a"]
        }],
        ["OS=='linux'", {
          "ldflags": ["-pthread", "-Wl,--as-needed", "-Wl,-z,now", "-Wl,--version-script=<(module_root_dir)/native/addon/exports.map"]
        }],
        ["OS=='linux' and libpcap_static!=''", {
          "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,--gc-sections"]
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "gnu++20",
            "CLANG_CXX_LIBRARY": "libc++",
            "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
            "GCC_ENABLE_CPP_RTTI": "NO",
            "GCC_OPTIMIZATION_LEVEL": "3",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "MACOSX_DEPLOYMENT_TARGET": "11.0"
          }
        }]
      ]
    }
  ]
}
