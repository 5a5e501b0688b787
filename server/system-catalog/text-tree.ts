/**
 * Text where PostgreSQL keeps an expression's tree, and reads it whenever it looks closer at the relation: the value of a
 * constant, as nodeToString() writes it. `[ ]` holds a varlena: four bytes of header (length, shifted by two bits), then
 * the text. The functions that print trees give the text back (own-functions.ts).
 */
export function textTree(content: string): string {
  const text = Buffer.from(content);
  const value = Buffer.alloc(4 + text.length);
  value.writeUInt32LE(value.length << 2);
  text.copy(value, 4);
  const bytes = [...value].map((byte) => (byte < 128 ? byte : byte - 256)).join(' ');
  return (
    '{CONST :consttype 25 :consttypmod -1 :constcollid 100 :constlen -1 :constbyval false :constisnull false' +
    ` :location -1 :constvalue ${value.length} [ ${bytes} ]}`
  );
}
