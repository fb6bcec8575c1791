import type { Kind } from '../kind.ts';
import { findRows, type RowFacts } from './find.ts';
import { planRows } from './plan.ts';

export const rows: Kind<RowFacts | null> = {
  id: 'rows',
  title: "Nova's rows",
  looksAt: "the cell's database: instances, every table that hangs on it in this release, PCI devices",
  doors: ['sql'],
  find: findRows,
  plan: planRows,
};
