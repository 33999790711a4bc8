// The TCP header (RFC 9293, 3.1): the last layer.
#include "decode/tcp_header.h"

#include "decode/checksum.h"
#include "decode/ip_protocol.h"
#include "decode/layers.h"

namespace flowtap::decode {

Step stepTcp(Walk& walk) {
  Reader& bytes = walk.bytes;
  if (!bytes.has(tcpHeaderBytes)) return Step::malformed;
  const uint32_t header = tcpDataOffset(bytes.data());
  if (header < tcpHeaderBytes || header > bytes.wireSize()) return Step::malformed;
  if (walk.options.verifyChecksums && bytes.beyond() == 0 && !walk.routed &&
      !checksumHolds(bytes.data(), bytes.size(), walk.source, walk.destination, protocolTcp)) {
    ++walk.stats.decode_badChecksums;
    return Step::malformed;
  }
  Segment& segment = walk.segment;
  segment.source = walk.source;
  segment.destination = walk.destination;
  segment.scope = walk.scope;
  segment.ipVersion = walk.ipVersion;
  segment.vlan = walk.vlan;
  readTcpHeader(bytes.data(), segment);
  const uint32_t missingOptions = header > bytes.size() ? header - bytes.size() : 0;
  bytes.skip(header - missingOptions);
  segment.payload = bytes.data();
  segment.payloadLength = bytes.size();
  segment.truncatedLength = bytes.beyond() - missingOptions;
  return Step::segment;
}

}  // namespace flowtap::decode
