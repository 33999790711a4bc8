#include "tcp/pending.h"

#include <algorithm>
#include <cstring>

namespace flowtap::tcp {

void Piece::addConflict(uint32_t begin, uint32_t end) {
  // A piece with bytes fits into a page.
  conflictBegin = static_cast<uint16_t>(hasConflict() ? std::min<uint32_t>(conflictBegin, begin) : begin);
  conflictEnd = static_cast<uint16_t>(std::max<uint32_t>(conflictEnd, end));
}

void Pending::reset_() {
  connection = 0;
  side = 0;
  heapPosition = 0;
  deadlineNs = 0;
  segments = 0;
  ackedOffset = 0;
  fin = Ending{};
  reset = Ending{};
  constexpr size_t capacityToKeep = 4;
  if (pieces_.capacity() > capacityToKeep) {
    std::vector<Piece>().swap(pieces_);
    recount();
  } else {
    pieces_.clear();
  }
  first_ = 0;
  ackedEnd_ = 0;
  tailAcked_ = false;
  tailSince_ = Moment{};
  currentPage_ = 0;
  pages_ = 0;
}

uint64_t Pending::highest(uint64_t next) const {
  uint64_t highest = std::max(next, ackedOffset);
  if (hasPieces()) highest = std::max(highest, back().end());
  if (fin.known) highest = std::max(highest, fin.offset + 1);
  return highest;
}

size_t Pending::find(uint64_t offset) const {
  // Loss followed by ordered segments appends, so look at the end first.
  if (!hasPieces() || back().end() <= offset) return pieces_.size();
  const auto at = std::partition_point(pieces_.begin() + static_cast<ptrdiff_t>(first_), pieces_.end(),
                                       [offset](const Piece& piece) { return piece.end() <= offset; });
  return static_cast<size_t>(at - pieces_.begin());
}

void Pending::insertPiece(size_t index, const Piece& piece) {
  Piece copy = piece;
  if (index < ackedEnd_) {
    // It splits a hole that was acknowledged; both parts were.
    copy.sinceNs = pieces_[index].sinceNs;
    copy.ackedSegments = pieces_[index].ackedSegments;
    ++ackedEnd_;
  } else if (index == pieces_.size() && index == ackedEnd_ && tailAcked_) {
    copy.sinceNs = tailSince_.ns;
    copy.ackedSegments = tailSince_.segments;
    ++ackedEnd_;
    if (ackedOffset <= copy.end()) tailAcked_ = false;
  }
  emplace(index, copy);
}

void Pending::emplace(size_t index, const Piece& piece) {
  // A half more, not twice as much: this is most of the memory that small pieces take.
  if (pieces_.size() == pieces_.capacity()) {
    pieces_.reserve(pieces_.size() + std::max<size_t>(4, pieces_.size() / 2));
    recount();
  }
  pieces_.insert(pieces_.begin() + static_cast<ptrdiff_t>(index), piece);
}

void Pending::recount() {
  const uint64_t bytes = pieces_.capacity() * sizeof(Piece);
  allPieceBytes_ += bytes - pieceBytes_;
  pieceBytes_ = bytes;
}

size_t Pending::insert(size_t index, const Piece& like, const uint8_t* bytes, PagePool& pool) {
  Piece piece = like;
  uint32_t left = like.length;
  size_t inserted = 0;
  while (left > 0) {
    uint32_t room = currentPage_ != 0 ? Page::capacity - pool.at(currentPage_).used : 0;
    // Rather waste the end of a page than tear a segment that fits into one.
    if (room < std::min(left, Page::capacity)) {
      currentPage_ = pool.allocate();
      ++pages_;
      room = Page::capacity;
    }
    Page& page = pool.at(currentPage_);
    piece.length = std::min(left, room);
    piece.page = currentPage_;
    piece.at = page.used;
    std::memcpy(page.bytes + page.used, bytes, piece.length);
    page.used = static_cast<uint16_t>(page.used + piece.length);
    ++page.pieces;
    insertPiece(index + inserted, piece);
    ++inserted;
    bytes += piece.length;
    piece.offset += piece.length;
    left -= piece.length;
  }
  return inserted;
}

void Pending::insertTruncated(size_t index, const Piece& like) {
  Piece piece = like;
  piece.page = 0;
  piece.at = 0;
  insertPiece(index, piece);
}

void Pending::relaxNeeds(size_t index, uint64_t needs) {
  while (index > first_ && pieces_[index - 1].needs > needs) pieces_[--index].needs = needs;
}

uint64_t Pending::needsLimit(size_t index) const {
  if (index < pieces_.size()) return pieces_[index].needs;
  return fin.known ? fin.needs : UINT64_MAX;
}

void Pending::shift(uint64_t by) {
  for (size_t i = first_; i < pieces_.size(); ++i) pieces_[i].offset += by;
  if (ackedOffset != 0) ackedOffset += by;
  fin.offset += by;
  reset.offset += by;
}

void Pending::shiftNeeds(uint64_t by) {
  for (size_t i = first_; i < pieces_.size(); ++i) {
    if (pieces_[i].needs != 0) pieces_[i].needs += by;
  }
  if (fin.needs != 0) fin.needs += by;
  if (reset.needs != 0) reset.needs += by;
}

void Pending::splitFront(uint64_t offset, PagePool& pool) {
  Piece& whole = pieces_[first_];
  Piece second = whole;
  const auto length = static_cast<uint32_t>(offset - whole.offset);
  whole.length = length;
  second.offset = offset;
  second.length -= length;
  if (second.page != 0) {
    second.at += length;
    second.conflictBegin = static_cast<uint16_t>(std::max<uint32_t>(whole.conflictBegin, length) - length);
    second.conflictEnd = static_cast<uint16_t>(std::max<uint32_t>(whole.conflictEnd, length) - length);
    whole.conflictBegin = static_cast<uint16_t>(std::min<uint32_t>(whole.conflictBegin, length));
    whole.conflictEnd = static_cast<uint16_t>(std::min<uint32_t>(whole.conflictEnd, length));
    ++pool.at(second.page).pieces;
  }
  if (ackedEnd_ > first_) ++ackedEnd_;
  emplace(first_ + 1, second);
}

void Pending::popFront(PagePool& pool) {
  const Piece& piece = pieces_[first_];
  if (piece.page != 0) {
    Page& page = pool.at(piece.page);
    if (--page.pieces == 0) {
      if (piece.page == currentPage_) currentPage_ = 0;
      pool.release(piece.page);
      --pages_;
    }
  }
  ++first_;
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
    ackedEnd_ = 0;
    return;
  }
  ackedEnd_ = std::max(ackedEnd_, first_);
  constexpr size_t piecesToLetGo = 8;
  if (first_ >= piecesToLetGo && first_ * 2 >= pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first_));
    ackedEnd_ -= first_;
    first_ = 0;
    if (pieces_.capacity() >= 4 * pieces_.size()) {
      pieces_.shrink_to_fit();
      recount();
    }
  }
}

uint64_t Pending::dropPieces(PagePool& pool) {
  uint64_t bytes = 0;
  while (hasPieces()) {
    if (front().page != 0) bytes += front().length;
    popFront(pool);
  }
  return bytes;
}

void Pending::acknowledge(uint64_t offset, uint64_t next, Moment now) {
  if (offset <= ackedOffset) return;
  ackedOffset = offset;
  // Acknowledgments are cumulative: the holes they cover are always a prefix.
  while (ackedEnd_ < pieces_.size()) {
    const uint64_t holeStart = ackedEnd_ == first_ ? next : pieces_[ackedEnd_ - 1].end();
    if (holeStart >= offset) return;
    pieces_[ackedEnd_].sinceNs = now.ns;
    pieces_[ackedEnd_].ackedSegments = now.segments;
    ++ackedEnd_;
  }
  const uint64_t tail = hasPieces() ? back().end() : next;
  if (!tailAcked_ && offset > tail) {
    tailAcked_ = true;
    tailSince_ = now;
  }
}

bool Pending::hole(uint64_t next, Hole& hole) const {
  if (hasPieces()) {
    const Piece& piece = front();
    if (piece.offset <= next) return false;
    hole.acked = ackedEnd_ > first_ && ackedOffset > next;
    hole.end = hole.acked ? std::min(piece.offset, ackedOffset) : piece.offset;
    hole.since = {piece.sinceNs, piece.ackedSegments};
    return true;
  }
  if (fin.known && fin.offset <= next) return false;
  if (tailAcked_ && ackedOffset > next) {
    hole.acked = true;
    hole.end = fin.known ? std::min(fin.offset, ackedOffset) : ackedOffset;
    hole.since = tailSince_;
    return true;
  }
  if (!fin.known) return false;
  hole.acked = false;
  hole.end = fin.offset;
  hole.since = fin.since;
  return true;
}

void Pending::forgetAcknowledgment() {
  ackedOffset = 0;
  tailAcked_ = false;
  ackedEnd_ = first_;
}

void Pending::advanced(uint64_t next) {
  // What remains of a hole of which only the beginning was acknowledged waits like any other.
  if (ackedOffset <= next) ackedEnd_ = first_;
  if (!hasPieces() && ackedOffset <= next) tailAcked_ = false;
}

}  // namespace flowtap::tcp
