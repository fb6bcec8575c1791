/** A table as MariaDB's information_schema describes it, reduced to what SQLite can hold. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly indexes: readonly Index[];
  readonly foreignKeys: readonly ForeignKey[];
  /** SQL conditions with names in backticks, which SQLite takes too */
  readonly checks: readonly string[];
}

export interface Column {
  readonly name: string;
  /** MariaDB's DATA_TYPE: `int`, `varchar`, `datetime` */
  readonly type: string;
  readonly nullable: boolean;
  /** MariaDB's COLUMN_DEFAULT: an SQL literal, the word NULL, or null where there is none */
  readonly fallback: string | null;
  readonly collation: string | null;
  readonly counted: boolean;
}

export interface Index {
  /** `PRIMARY` for the primary key */
  readonly name: string;
  readonly unique: boolean;
  readonly columns: readonly string[];
}

export interface ForeignKey {
  readonly columns: readonly string[];
  readonly table: string;
  readonly references: readonly string[];
  /** MariaDB's words: RESTRICT, CASCADE, SET NULL */
  readonly onDelete: string;
  readonly onUpdate: string;
}

const affinities: Readonly<Record<string, string>> = {
  ...spread(['tinyint', 'smallint', 'mediumint', 'int', 'bigint'], 'INTEGER'),
  ...spread(['float', 'double', 'decimal'], 'REAL'),
  ...spread(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'], 'BLOB'),
  ...spread(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set', 'json'], 'TEXT'),
  ...spread(['date', 'time', 'datetime', 'timestamp'], 'TEXT'),
};

/** RESTRICT is what a foreign key does when nothing is said; SQLite then looks when the statement ends, after its cascades. */
const rules: Readonly<Record<string, string>> = {
  RESTRICT: '',
  'NO ACTION': '',
  CASCADE: 'CASCADE',
  'SET NULL': 'SET NULL',
};

/**
 * A table of MariaDB as statements for SQLite: the table first, then its plain indexes. Foreign keys may name tables that
 * come later. Throws for a type, a default or a rule that it does not know.
 */
export function renderTable(table: Table): readonly string[] {
  const [primary, unique, plain] = splitIndexes(table);
  const counted = table.columns.find((column) => column.counted);
  if (counted !== undefined && (primary?.columns.length !== 1 || primary.columns[0] !== counted.name))
    throw new Error(`${table.name}.${counted.name} counts up and is not the whole primary key`);
  const lines = [
    ...table.columns.map((column) => renderColumn(table, column)),
    ...(primary === undefined || counted !== undefined ? [] : [`PRIMARY KEY ${list(primary.columns)}`]),
    ...unique.map((index) => `CONSTRAINT ${quote(index.name)} UNIQUE ${list(index.columns)}`),
    ...table.foreignKeys.map(renderForeignKey),
    ...table.checks.map((check) => `CHECK (${check})`),
  ];
  return [
    `CREATE TABLE ${quote(table.name)} (${lines.join(', ')})`,
    // Copies of deleted rows: nobody searches in them.
    ...(table.name.startsWith('shadow_') ? [] : plain).map(
      (index) =>
        `CREATE INDEX ${quote(`${table.name}.${index.name}`)} ON ${quote(table.name)} ${list(index.columns)}`,
    ),
  ];
}

function splitIndexes({
  indexes,
}: Table): readonly [primary: Index | undefined, unique: readonly Index[], plain: readonly Index[]] {
  return [
    indexes.find((index) => index.name === 'PRIMARY'),
    indexes.filter((index) => index.unique && index.name !== 'PRIMARY'),
    indexes.filter((index) => !index.unique),
  ];
}

function renderColumn(table: Table, column: Column): string {
  const affinity = affinities[column.type];
  if (affinity === undefined)
    throw new Error(`${table.name}.${column.name} is a ${column.type}, which has no counterpart in SQLite`);
  // Only these very words make SQLite count, and never give a number twice, as InnoDB does while it runs.
  if (column.counted) return `${quote(column.name)} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL`;
  return [
    quote(column.name),
    affinity,
    ...(column.nullable ? [] : ['NOT NULL']),
    ...renderFallback(table, column),
    ...(column.collation?.endsWith('_ci') ? ['COLLATE NOCASE'] : []),
  ].join(' ');
}

function renderFallback(table: Table, { name, fallback }: Column): readonly string[] {
  if (fallback === null || fallback === 'NULL') return [];
  if (!/^(-?\d+(\.\d+)?|'[^'\\]*')$/.test(fallback))
    throw new Error(`the default of ${table.name}.${name} is no literal: ${fallback}`);
  return [`DEFAULT ${fallback}`];
}

function renderForeignKey(key: ForeignKey): string {
  const rule = (event: string, word: string): string => {
    const known = rules[word];
    if (known === undefined) throw new Error(`a foreign key to ${key.table} has the unknown rule ${word}`);
    return known === '' ? '' : ` ON ${event} ${known}`;
  };
  return (
    `FOREIGN KEY ${list(key.columns)} REFERENCES ${quote(key.table)} ${list(key.references)}` +
    rule('DELETE', key.onDelete) +
    rule('UPDATE', key.onUpdate)
  );
}

function spread(types: readonly string[], affinity: string): Record<string, string> {
  return Object.fromEntries(types.map((type) => [type, affinity]));
}

function list(names: readonly string[]): string {
  return `(${names.map(quote).join(', ')})`;
}

function quote(name: string): string {
  return `\`${name}\``;
}
