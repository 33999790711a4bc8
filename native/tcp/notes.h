// The little that is remembered of unusual connections, in a table of fixed size.
#pragma once

#include <cstdint>
#include <memory>

#include "tcp/stream_listener.h"

namespace flowtap::tcp {

/// What makes a later segment understood. Losing a note costs a distinction (late bytes are then counted as duplicates,
/// a port reused without a FIN is recognised later), never bytes or order.
struct Note {
  struct Range {
    uint64_t begin;
    uint64_t end;
  };
  static constexpr int gapsKept = 3;

  uint64_t connectionId;  ///< 0: empty
  Range gaps[2][gapsKept];
  uint8_t nextGap[2];
  /// A SYN with another number was seen on a living connection: it is believed when something answers or continues it.
  bool challengerKnown[2];
  /// A segment, or an acknowledgment of this side's bytes, far beyond everything seen; believed when another agrees.
  bool farDataKnown[2];
  bool farAckKnown[2];
  Side challengerInitiator;
  uint32_t challenger[2];
  uint32_t farData[2];
  uint32_t farAck[2];
};

/// Direct-mapped by connection id; the newer note displaces the older.
class Notes {
 public:
  Note* find(uint64_t connectionId) {
    if (!notes_) return nullptr;
    Note& note = notes_[connectionId & (size - 1)];
    return note.connectionId == connectionId ? &note : nullptr;
  }
  Note& make(uint64_t connectionId) {
    if (!notes_) notes_ = std::make_unique<Note[]>(size);
    Note& note = notes_[connectionId & (size - 1)];
    if (note.connectionId != connectionId) {
      note = Note{};
      note.connectionId = connectionId;
    }
    return note;
  }

 private:
  static constexpr size_t size = 4096;
  std::unique_ptr<Note[]> notes_;
};

}  // namespace flowtap::tcp
