/** JSON in which numbers keep their digits: an int8 or numeric of a client must not pass through a double. */
import { SqlError } from '../../common/sql-error.ts';

type RawJson = Readonly<{ rawJSON: string }>;

/** In Node since 21, in the language's library types later. */
const json = JSON as unknown as {
  rawJSON(text: string): RawJson;
  isRawJSON(value: unknown): value is RawJson;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: Readonly<{ source?: string }>) => unknown,
  ): unknown;
};

/** Numbers that a double would change become raw JSON, which JSON.stringify writes as it was. 22P02 for bad text. */
export function parseExactJson(text: string): unknown {
  try {
    return json.parse(text, (_, value, { source }) =>
      typeof value === 'number' && source !== undefined && String(value) !== source
        ? json.rawJSON(source)
        : value,
    );
  } catch (error) {
    throw new SqlError('22P02', 'invalid JSON', { detail: (error as Error).message });
  }
}

/** A JSON value as a statement's parameter in PostgreSQL's text form; null = NULL. */
export function parameterText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (json.isRawJSON(value)) return value.rawJSON;
  if (Array.isArray(value)) return `{${value.map(arrayElement).join(',')}}`;
  return JSON.stringify(value);
}

function arrayElement(value: unknown): string {
  if (Array.isArray(value)) return parameterText(value)!;
  const text = parameterText(value);
  return text === null ? 'NULL' : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
