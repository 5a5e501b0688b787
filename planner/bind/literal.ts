/** Constants: any accepted spelling becomes the one text that PostgreSQL would print (ISO, UTC). */
import type { TypeName } from '../../common/types.ts';
import { parseArray } from '../../common/value-array.ts';
import { formatWith, parseWith, type TextFormat, textFormat } from '../../common/value-text.ts';

/** How the session reads text. */
export type LiteralSettings = TextFormat;

/** `now` is asked by 'now', 'today' and their kin: a plan that holds their value is not for later. */
export function literalSettings(timeZone: string, dateStyle: string, now: () => number): LiteralSettings {
  return textFormat({ timeZone, dateStyle, now });
}

export const CANONICAL_SETTINGS: TextFormat = textFormat();

/** 22P02, 22003, 22007 … with PostgreSQL's words. */
export function canonicalText(text: string, type: TypeName, settings: LiteralSettings): string {
  return formatWith(CANONICAL_SETTINGS, parseWith(settings, text, { name: type }), { name: type });
}

/** Elements of canonical array text; null = NULL. */
export const parseArrayElements = (text: string): readonly (string | null)[] =>
  parseArray(text, (item) => item) as readonly (string | null)[];
