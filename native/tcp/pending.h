// What waits in one direction: bytes out of order, holes, a FIN or RST ahead of its turn.
#pragma once

#include <cstdint>
#include <vector>

#include "tcp/page_pool.h"
#include "tcp/stream_listener.h"

namespace flowtap::tcp {

/// When somebody else had to be noticed: packet time and count of the connection's segments.
struct Moment {
  int64_t ns = 0;
  uint32_t segments = 0;
};

/// A run of bytes from one segment, or of bytes that the snap length cut off (page 0).
struct Piece {
  uint64_t offset;
  uint64_t needs;    ///< what of the other side comes first
  uint64_t arrival;  ///< segments of the capture before it
  int64_t timeNs;    ///< of its packet
  int64_t sinceNs;   ///< clock when it came, or when the hole before it was acknowledged (see Pending::ackedPieces)
  uint32_t length;
  uint32_t page;
  uint32_t ackedSegments;
  uint32_t at;  ///< in the page
  /// [begin, end) of its bytes: another packet disagrees about them. None when both are the same.
  uint16_t conflictBegin;
  uint16_t conflictEnd;

  uint64_t end() const { return offset + length; }
  bool hasConflict() const { return conflictBegin < conflictEnd; }
  void addConflict(uint32_t begin, uint32_t end);
};
static_assert(sizeof(Piece) == 64);

/// A FIN or RST that must wait.
struct Ending {
  bool known = false;
  uint64_t offset = 0;
  uint64_t needs = 0;
  uint64_t arrival = 0;
  int64_t timeNs = 0;
  Moment since;
};

/// The hole at the next byte to deliver.
struct Hole {
  uint64_t end = 0;    ///< where known bytes or an ending follow, or as far as was acknowledged
  bool acked = false;  ///< [next, end) was, since `since`
  Moment since;
};

/// The state of one direction while something waits in it. Pooled; the bytes are in pages that are shared by the
/// pieces.
class Pending {
 public:
  /// `pieceBytes`: the memory of all pieces, of all Pendings.
  explicit Pending(uint64_t& pieceBytes) : allPieceBytes_(pieceBytes) {}
  ~Pending() { allPieceBytes_ -= pieceBytes_; }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  // Bookkeeping of the owner.
  uint32_t connection = 0;
  Side side = 0;
  uint32_t heapPosition = 0;  ///< 0: not in the heap
  int64_t deadlineNs = 0;

  uint32_t segments = 0;     ///< of the connection, both sides, since this began
  uint64_t ackedOffset = 0;  ///< how far the other side acknowledged
  Ending fin;
  Ending reset;

  void reset_();  // NOLINT: `reset` is the RST

  bool hasPieces() const { return first_ < pieces_.size(); }
  Piece& front() { return pieces_[first_]; }
  const Piece& front() const { return pieces_[first_]; }
  const Piece& back() const { return pieces_.back(); }
  uint32_t pieceCount() const { return static_cast<uint32_t>(pieces_.size() - first_); }
  uint32_t pages() const { return pages_; }
  /// Memory of the pieces.
  uint64_t pieceBytes() const { return pieceBytes_; }
  /// One past everything of this side that was seen or believed to be sent.
  uint64_t highest(uint64_t next) const;
  bool idle(uint64_t next) const { return !hasPieces() && !fin.known && !reset.known && ackedOffset <= next; }

  /// Index of the first piece that ends behind `offset`; pieceIndexEnd() if there is none.
  size_t find(uint64_t offset) const;
  size_t pieceIndexEnd() const { return pieces_.size(); }
  const Piece& piece(size_t index) const { return pieces_[index]; }
  Piece& piece(size_t index) { return pieces_[index]; }
  const uint8_t* bytes(const Piece& piece, const PagePool& pool) const { return pool.at(piece.page).bytes + piece.at; }

  /// Copies bytes that overlap nothing and stand before the piece at `index`. Returns how many pieces it took.
  size_t insert(size_t index, const Piece& like, const uint8_t* bytes, PagePool& pool);
  /// A piece without bytes.
  void insertTruncated(size_t index, const Piece& like);
  /// What was sent later acknowledges no less than what was sent before. So when bytes that needed only `needs` are
  /// known, the pieces before `index` need no more, whatever the copies that were captured of them say: those were sent
  /// again.
  void relaxNeeds(size_t index, uint64_t needs);
  /// What a piece before the one at `index` can need at most.
  uint64_t needsLimit(size_t index) const;
  /// All offsets of this side, or of the other side, turned out to be `by` more.
  void shift(uint64_t by);
  void shiftNeeds(uint64_t by);
  /// Makes two of the first piece, the second beginning at `offset`.
  void splitFront(uint64_t offset, PagePool& pool);
  /// Forgets the first piece.
  void popFront(PagePool& pool);
  /// Forgets them all, returns how many bytes those were.
  uint64_t dropPieces(PagePool& pool);

  /// The other side acknowledged up to `offset`.
  void acknowledge(uint64_t offset, uint64_t next, Moment now);
  /// False when the next byte is at hand, an ending is there, or nothing is known to be missing.
  bool hole(uint64_t next, Hole& hole) const;
  /// The acknowledgment was not of bytes after all.
  void forgetAcknowledgment();
  /// Everything before `next` is settled: drops what was noted of the hole there.
  void advanced(uint64_t next);

 private:
  void insertPiece(size_t index, const Piece& piece);
  void emplace(size_t index, const Piece& piece);
  void recount();

  uint64_t& allPieceBytes_;
  uint64_t pieceBytes_ = 0;
  std::vector<Piece> pieces_;  ///< by offset, no overlaps, from first_ on
  size_t first_ = 0;
  size_t ackedEnd_ = 0;  ///< the holes before pieces [first_, ackedEnd_) were acknowledged, at least in part
  bool tailAcked_ = false;
  Moment tailSince_;  ///< when bytes behind the last piece were first acknowledged
  uint32_t currentPage_ = 0;
  uint32_t pages_ = 0;
};

}  // namespace flowtap::tcp
