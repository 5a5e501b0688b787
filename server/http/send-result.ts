import type { ServerResponse } from 'node:http';
import type { Schema } from '../../common/types.ts';
import { columnMembers } from './collect-rows.ts';
import { type BodyFormat, CONTENT_TYPES } from './result-body.ts';

/** An encoded result, 200. In JSON it stands between the columns and `members`, which the other formats have no place for. */
export function sendResult(
  response: ServerResponse,
  format: BodyFormat,
  { columns, body }: Readonly<{ columns: Schema; body: Buffer }>,
  members: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(200, { 'content-type': CONTENT_TYPES[format], ...headers });
  if (format !== 'json') {
    response.end(body);
    return;
  }
  response.write(`{"columns":${JSON.stringify(columnMembers(columns))},"rows":[`);
  response.write(body);
  response.end(`],${JSON.stringify(members).slice(1)}\n`);
}
