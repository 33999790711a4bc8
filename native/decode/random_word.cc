#include "decode/random_word.h"

#include <sys/random.h>
#include <unistd.h>

#include <cstdlib>

namespace flowtap::decode {

uint64_t randomWord() {
  uint64_t word = 0;
  // A table whose key can be guessed would be worse than none.
  if (getentropy(&word, sizeof word) != 0) std::abort();
  return word;
}

}  // namespace flowtap::decode
