// The pcapng format: sections of blocks.
// https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng
#pragma once

#include <string>
#include <vector>

#include "source/packet.h"
#include "source/parse_result.h"

namespace flowtap::source {

/// Sees the blocks that hold no packets and describe no interface: decryption secrets (type 10), name resolution (4),
/// interface statistics (5), custom and unknown ones.
class BlockListener {
 public:
  virtual ~BlockListener() = default;
  /// `body`: without the header and the trailer, valid during the call; `swapped`: its integers are not in this
  /// machine's order.
  virtual void block(uint32_t type, const uint8_t* body, size_t length, bool swapped) = 0;
};

/// Pure and incremental; see CaptureParser for how it is driven.
class PcapngParser {
 public:
  /// Whether four bytes begin a file of this format.
  static bool recognizes(const uint8_t* magic);

  ParseResult parse(const uint8_t* data, size_t length, Packet* burst, size_t capacity);
  void listen(BlockListener* listener) { listener_ = listener; }

  /// The first interface is known.
  bool started() const { return started_; }
  const CaptureInterface& interface() const { return first_; }
  /// Why it is damaged.
  const std::string& damage() const { return damage_; }

 private:
  struct Interface {
    CaptureInterface description;
    uint32_t maxCaptured;
    uint64_t unitsPerSecond;
    uint64_t nsPerUnit;  // 0 unless a unit is a whole number of nanoseconds
    int64_t offsetSeconds;
  };
  enum class BlockResult : uint8_t { packet, other, damaged };

  // The part of a packet block that its kinds have in common.
  struct PacketFields {
    uint32_t interface;
    uint64_t timestamp;
    uint32_t captured;
    uint32_t wire;
    const uint8_t* data;
    size_t room;  // bytes of the block from `data` on
  };

  template <bool swapped>
  ParseResult readBlocks(const uint8_t* data, size_t length, Packet* burst, size_t capacity);
  template <bool swapped>
  BlockResult readBlock(uint32_t type, const uint8_t* body, size_t length, Packet* packet);
  template <bool swapped>
  bool readSection(const uint8_t* body);
  template <bool swapped>
  bool readInterface(const uint8_t* body, size_t length);
  template <bool swapped>
  bool readInterfaceOptions(const uint8_t* options, size_t length, Interface& interface);
  BlockResult emit(const PacketFields& fields, Packet* packet);
  bool fail(const std::string& what);
  static void setResolution(Interface& interface, uint8_t resolution);
  static int64_t toNanoseconds(const Interface& interface, uint64_t timestamp);

  bool started_ = false;
  bool swapped_ = false;
  uint32_t maxBlockBytes_ = 16u << 20;
  std::vector<Interface> interfaces_;  // of this section
  uint32_t firstInterfaceId_ = 0;      // interfaces of the sections before
  uint64_t offset_ = 0;                // of the block at hand
  CaptureInterface first_ = {};
  BlockListener* listener_ = nullptr;
  std::string damage_;
};

}  // namespace flowtap::source
