import { SqlError } from '../../common/sql-error.ts';
import type { SqlType } from '../../common/types.ts';
import { decodeBinary } from '../../common/value-binary.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { FrontendMessage } from './frontend-message.ts';
import { decodeUtf8 } from './message-reader.ts';

type Bind = Extract<FrontendMessage, { kind: 'bind' }>;

/** A Bind's values in PostgreSQL's text form, as the planner takes them. */
export function parameterTexts(message: Bind, types: readonly SqlType[]): readonly (string | null)[] {
  const { parameters, parameterFormats } = message;
  requireParameters(message, types.length);
  return parameters.map((bytes, i) => {
    if (bytes === null) return null;
    const format = parameterFormats.length === 1 ? parameterFormats[0] : parameterFormats[i];
    return parameterText(bytes, format === 1, types[i]!, i + 1);
  });
}

/** 08P01 where there are not as many as the statement has. */
export function requireParameters(message: Bind, wanted: number): void {
  const { parameters, parameterFormats } = message;
  if (parameterFormats.length > 1 && parameterFormats.length !== parameters.length) {
    throw new SqlError(
      '08P01',
      `bind message has ${parameterFormats.length} parameter formats but ${parameters.length} parameters`,
    );
  }
  if (parameters.length !== wanted) {
    throw new SqlError(
      '08P01',
      `bind message supplies ${parameters.length} parameters, but prepared statement "${message.statement}" requires ${wanted}`,
    );
  }
}

function parameterText(bytes: Buffer, binary: boolean, type: SqlType, number: number): string {
  const context = `unnamed portal parameter $${number}`;
  let text: string;
  try {
    text = binary ? formatDatum(decodeBinary(bytes, type), type) : decodeUtf8(bytes);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw new SqlError(error.code, error.message, { ...error.toPlain(), context });
  }
  if (text.includes('\0')) {
    throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00', { context });
  }
  return text;
}
