#include "tcp/flow_hash.h"

#include <random>

namespace flowtap::tcp {
namespace {

struct Key {
  uint64_t words[2];
};

const Key& processKey() {
  static const Key key = [] {
    std::random_device device;  // getrandom(2) or the like
    const auto word = [&device] { return static_cast<uint64_t>(device()) << 32 | device(); };
    return Key{{word() | 1, word() | 1}};
  }();
  return key;
}

}  // namespace

FlowHash::FlowHash() : first_(processKey().words[0]), second_(processKey().words[1]) {}

}  // namespace flowtap::tcp
