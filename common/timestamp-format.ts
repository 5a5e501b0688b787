/** Text of dates and times in the four DateStyles. */
import {
  civilFromDays,
  dayOfWeek,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
} from './calendar.ts';
import { formatFraction } from './interval-format.ts';
import { splitTimestamp } from './timestamp.ts';
import { formatOffset, type TimeZone, toLocal } from './time-zone.ts';

export type DateStyle = Readonly<{
  format: 'iso' | 'sql' | 'postgres' | 'german';
  order: 'mdy' | 'dmy' | 'ymd';
}>;

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (n: number): string => (n < 10 ? `0${n}` : String(n));

export function formatTime(micros: number): string {
  const hours = Math.floor(micros / MICROS_PER_HOUR);
  const minutes = Math.floor(micros / MICROS_PER_MINUTE) % 60;
  const seconds = Math.floor(micros / MICROS_PER_SECOND) % 60;
  return `${two(hours)}:${two(minutes)}:${two(seconds)}${formatFraction(micros % MICROS_PER_SECOND)}`;
}

const infinite = (value: number): string => (value > 0 ? 'infinity' : '-infinity');

function formatDay(
  day: number,
  style: DateStyle,
  postgresSeparator: string,
): Readonly<{ text: string; era: string }> {
  const civil = civilFromDays(day);
  const era = civil.year <= 0 ? ' BC' : '';
  const year = String(civil.year <= 0 ? 1 - civil.year : civil.year).padStart(4, '0');
  const [month, date] = [two(civil.month), two(civil.day)];
  switch (style.format) {
    case 'iso':
      return { text: `${year}-${month}-${date}`, era };
    case 'sql':
      return { text: style.order === 'dmy' ? `${date}/${month}/${year}` : `${month}/${date}/${year}`, era };
    case 'german':
      return { text: `${date}.${month}.${year}`, era };
    case 'postgres': {
      const s = postgresSeparator;
      const text =
        style.order === 'ymd'
          ? `${year}${s}${month}${s}${date}`
          : style.order === 'dmy'
            ? `${date}${s}${month}${s}${year}`
            : `${month}${s}${date}${s}${year}`;
      return { text, era };
    }
  }
}

export function formatDate(date: number, style: DateStyle): string {
  if (!Number.isFinite(date)) return infinite(date);
  const { text, era } = formatDay(date, style, '-');
  return text + era;
}

function formatDayAndTime(local: number, style: DateStyle, zoneText: string): string {
  const { day, micros } = splitTimestamp(local);
  const time = formatTime(micros);
  if (style.format !== 'postgres') {
    const { text, era } = formatDay(day, style, '-');
    return `${text} ${time}${zoneText}${era}`;
  }
  const civil = civilFromDays(day);
  const year = String(civil.year <= 0 ? 1 - civil.year : civil.year).padStart(4, '0');
  const [month, date] = [MONTHS[civil.month - 1], two(civil.day)];
  const named = style.order === 'dmy' ? `${date} ${month}` : `${month} ${date}`;
  const era = civil.year <= 0 ? ' BC' : '';
  return `${WEEKDAYS[dayOfWeek(day)]} ${named} ${time} ${year}${zoneText}${era}`;
}

export function formatTimestamp(timestamp: number, style: DateStyle): string {
  return Number.isFinite(timestamp) ? formatDayAndTime(timestamp, style, '') : infinite(timestamp);
}

export function formatTimestamptz(timestamp: number, style: DateStyle, zone: TimeZone): string {
  if (!Number.isFinite(timestamp)) return infinite(timestamp);
  const offset = zone.offsetAt(timestamp);
  const word = style.format === 'iso' ? null : zone.abbreviationAt(timestamp);
  const zoneText = word === null ? formatOffset(offset) : ` ${word}`;
  return formatDayAndTime(toLocal(zone, timestamp), style, zoneText);
}
