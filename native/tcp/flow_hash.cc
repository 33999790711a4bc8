#include "tcp/flow_hash.h"

#include "decode/random_word.h"

namespace flowtap::tcp {
namespace {

struct Key {
  uint64_t words[2];
};

const Key& processKey() {
  static const Key key{{decode::randomWord() | 1, decode::randomWord() | 1}};
  return key;
}

}  // namespace

FlowHash::FlowHash() : first_(processKey().words[0]), second_(processKey().words[1]) {}

}  // namespace flowtap::tcp
