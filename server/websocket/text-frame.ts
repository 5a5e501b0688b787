/** A text message of a WebSocket as one piece of bytes (RFC 6455, section 5.2): unmasked, as servers send. */
const FINAL_TEXT = 0x81;
const TWO_BYTES_FOLLOW = 126;
const LENGTH_MAX = 0xffff;

/** `head` and `tail` together are at most 65,535 bytes of UTF-8. */
export function textFrame(head: Buffer, tail: Buffer): Buffer {
  const length = head.length + tail.length;
  if (length > LENGTH_MAX) throw new RangeError(`a frame of ${length} bytes`);
  const short = length < TWO_BYTES_FOLLOW;
  const start = short ? 2 : 4;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = FINAL_TEXT;
  frame[1] = short ? length : TWO_BYTES_FOLLOW;
  if (!short) frame.writeUInt16BE(length, 2);
  head.copy(frame, start);
  tail.copy(frame, start + head.length);
  return frame;
}
