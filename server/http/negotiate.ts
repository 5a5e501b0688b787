import type { IncomingMessage } from 'node:http';
import { SqlError } from '../../common/sql-error.ts';
import type { BodyFormat } from './result-body.ts';
import { HttpError } from './http-error.ts';

const FORMATS: Readonly<Record<string, BodyFormat>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'text/csv': 'csv',
  'application/vnd.apache.arrow.stream': 'arrow',
  'text/*': 'csv',
};

/** The first format of Accept that the server has, by the client's preference; 406 where it has none. */
export function acceptedFormat(request: IncomingMessage): BodyFormat {
  const accept = request.headers.accept ?? '*/*';
  const wanted = accept
    .split(',')
    .map((part) => {
      const [type = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
      const quality = parameters.find((parameter) => parameter.startsWith('q='));
      return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  for (const { type } of wanted) {
    const format = FORMATS[type];
    if (format !== undefined) return format;
  }
  throw new HttpError(
    406,
    new SqlError('0A000', `no answer can be given as ${accept}`, {
      hint: 'Accept application/json, application/x-ndjson, text/csv or application/vnd.apache.arrow.stream.',
    }),
  );
}
