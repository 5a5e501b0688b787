/** One question of a tool to the system catalog, and what the tool needs of its answer. */
export type Question = Readonly<{
  tool: string;
  asks: string;
  sql: string;
  values?: readonly unknown[];
  columns: readonly string[];
  /** A row that must be there, or some of its columns. */
  row?: Readonly<Record<string, unknown>>;
  /** A row that must not be there. */
  absent?: Readonly<Record<string, unknown>>;
}>;
