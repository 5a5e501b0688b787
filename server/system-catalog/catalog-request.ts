/** Messages of the extended protocol for one statement, up to a Sync: bytes for the mirror. */
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';

export type CatalogParameters = Readonly<{
  /** Types that the client declared; 0 = the mirror infers. */
  oids: readonly number[];
  values: readonly (Uint8Array | null)[];
  /** As in Bind: none = all text, one = that for all, else one each. */
  formats: readonly number[];
}>;

export const NO_PARAMETERS: CatalogParameters = { oids: [], values: [], formats: [] };

/** Parse and Describe: what the parameters and columns are. */
export function describeMessages(text: string, oids: readonly number[]): Uint8Array {
  const out = new ByteWriter();
  writeParse(out, text, oids);
  message(out, 'D', () => {
    out.writeText('S');
    out.writeByte(0);
  });
  message(out, 'S', () => {});
  return out.take();
}

/** Parse, Bind, Describe, Execute. */
export function queryMessages(
  text: string,
  { oids, values, formats }: CatalogParameters,
  resultFormats: readonly number[],
): Uint8Array {
  const out = new ByteWriter();
  writeParse(out, text, oids);
  message(out, 'B', () => {
    out.writeInt16(0); // the unnamed portal and statement
    writeFormats(out, formats);
    out.writeInt16(values.length);
    for (const value of values) {
      out.writeInt32(value === null ? -1 : value.length);
      if (value !== null) out.writeBytes(value);
    }
    writeFormats(out, resultFormats);
  });
  message(out, 'D', () => {
    out.writeText('P');
    out.writeByte(0);
  });
  message(out, 'E', () => {
    out.writeByte(0);
    out.writeInt32(0);
  });
  message(out, 'S', () => {});
  return out.take();
}

function writeParse(out: ByteWriter, text: string, oids: readonly number[]): void {
  message(out, 'P', () => {
    out.writeByte(0);
    out.writeText(text);
    out.writeByte(0);
    out.writeInt16(oids.length);
    for (const oid of oids) out.writeInt32(oid);
  });
}

function writeFormats(out: ByteWriter, formats: readonly number[]): void {
  out.writeInt16(formats.length);
  for (const format of formats) out.writeInt16(format);
}

function message(out: ByteWriter, type: string, body: () => void): void {
  out.writeText(type);
  const start = out.length;
  out.writeInt32(0);
  body();
  out.bytes.writeInt32BE(out.length - start, start);
}
