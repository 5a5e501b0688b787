/** Templates of to_char, to_timestamp and to_date for dates, times and intervals. */
import { LRUCache } from 'lru-cache';
import { SqlError } from '../../../common/sql-error.ts';

export type TemplateNode =
  | Readonly<{ kind: 'field'; field: string; word: string; fill: boolean; suffix: 'TH' | 'th' | null }>
  | Readonly<{ kind: 'literal'; text: string }>
  /** A blank or sign in the template; `text` is what to_char prints. */
  | Readonly<{ kind: 'separator'; text: string }>;

export type DateTemplate = Readonly<{ nodes: readonly TemplateNode[]; exact: boolean }>;

/** Longest first, so that none hides another. */
const FIELDS = [
  'MONTH', 'SSSSS', 'Y,YYY', 'A.D.', 'A.M.', 'B.C.', 'P.M.', 'HH12', 'HH24', 'IDDD', 'IYYY', 'SSSS', 'YYYY', 'DAY',
  'DDD', 'FF1', 'FF2', 'FF3', 'FF4', 'FF5', 'FF6', 'IYY', 'MON', 'TZH', 'TZM', 'YYY', 'AD', 'AM', 'BC', 'CC', 'DD',
  'DY', 'HH', 'ID', 'IW', 'IY', 'MI', 'MM', 'MS', 'OF', 'PM', 'RM', 'SS', 'TZ', 'US', 'WW', 'YY', 'D', 'I', 'J', 'Q',
  'W', 'Y',
]; // biome-ignore format: a table

const templates = new LRUCache<string, DateTemplate>({ max: 200 });

export function dateTemplate(text: string): DateTemplate {
  let template = templates.get(text);
  if (template === undefined) {
    template = readTemplate(text);
    templates.set(text, template);
  }
  return template;
}

function readTemplate(text: string): DateTemplate {
  const nodes: TemplateNode[] = [];
  let exact = false;
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    if (/^FX/i.test(rest)) {
      exact = true;
      at += 2;
      continue;
    }
    if (/^TM/i.test(rest)) throw new SqlError('0A000', 'date format prefix "TM" is not supported');
    const fill = /^FM/i.test(rest);
    const body = fill ? rest.slice(2) : rest;
    const field = FIELDS.find((name) => body.slice(0, name.length).toUpperCase() === name);
    if (field !== undefined) {
      const suffix = /^(?:TH|th)/.exec(body.slice(field.length))?.[0] as 'TH' | 'th' | undefined;
      nodes.push({ kind: 'field', field, word: body.slice(0, field.length), fill, suffix: suffix ?? null });
      at += (fill ? 2 : 0) + field.length + (suffix === undefined ? 0 : 2);
      continue;
    }
    if (fill) {
      at += 2;
      continue;
    }
    const quoted = /^"((?:[^"\\]|\\[\s\S])*)"?/.exec(rest);
    if (quoted !== null) {
      nodes.push({ kind: 'literal', text: quoted[1]!.replace(/\\([\s\S])/g, '$1') });
      at += quoted[0].length;
      continue;
    }
    const c = String.fromCodePoint(text.codePointAt(at)!);
    at += c.length;
    if (c === '\\' && text[at] === '"') {
      nodes.push({ kind: 'literal', text: '"' });
      at++;
    } else nodes.push({ kind: /[A-Za-z0-9\u0080-\u{10FFFF}]/u.test(c) ? 'literal' : 'separator', text: c });
  }
  return { nodes, exact };
}
