/** The views of schema millrace and their columns (docs: "Seeing what happens"). */
import type { Field, TypeName } from '../../common/types.ts';

const fields = (columns: Readonly<Record<string, TypeName>>): readonly Field[] =>
  Object.entries(columns).map(([name, type]) => ({ name, type: { name: type } }));

export const SYSTEM_VIEWS = {
  ticks: fields({
    tick: 'int8',
    at: 'timestamptz',
    rows_in: 'int8',
    scheduling_delay: 'interval',
    processing_time: 'interval',
    total_delay: 'interval',
  }),
  operators: fields({
    query: 'text',
    operator: 'text',
    id: 'int4',
    rows_in: 'int8',
    rows_out: 'int8',
    busy: 'interval',
    memory_bytes: 'int8',
  }),
  watermarks: fields({
    stream: 'text',
    partition: 'text',
    watermark: 'timestamptz',
    max_time: 'timestamptz',
    last_row_at: 'timestamptz',
    idle: 'bool',
  }),
  late_rows: fields({ view: 'text', at: 'timestamptz', late_by: 'interval', row: 'jsonb' }),
  rejected_rows: fields({
    relation: 'text',
    at: 'timestamptz',
    code: 'text',
    reason: 'text',
    source_offset: 'text',
    payload: 'text',
  }),
  memory: fields({ owner: 'text', kind: 'text', bytes: 'int8' }),
  subscriptions: fields({
    pid: 'int4',
    query: 'text',
    since: 'timestamptz',
    rows_sent: 'int8',
    bytes_pending: 'int8',
    tick: 'int8',
  }),
  sinks: fields({ name: 'text', guarantee: 'text', tick: 'int8', rows: 'int8', last_error: 'text' }),
  secrets: fields({
    id: 'int8',
    schema: 'text',
    name: 'text',
    owner: 'text',
    created_at: 'timestamptz',
    altered_at: 'timestamptz',
    used_by: 'text',
    comment: 'text',
  }),
} as const satisfies Readonly<Record<string, readonly Field[]>>;

export type SystemViewName = keyof typeof SYSTEM_VIEWS;

export const SYSTEM_SCHEMA = 'millrace';

export const isSystemView = (name: string): name is SystemViewName => Object.hasOwn(SYSTEM_VIEWS, name);
