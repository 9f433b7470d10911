import type { FieldError } from '#kernel';
import { validationFailed } from '#platform/http';
import { type ProductText, productTextSchema } from '../products/product.schema.js';

/** One row of an import: a product, or what is wrong with it. Rows count from 1, without header and empty lines. */
export type ImportRow =
  | { readonly row: number; readonly product: ProductText }
  | { readonly row: number; readonly errors: readonly FieldError[] };

/** A row as its file has it, checked against the schema of a product. */
export function checkedRow(row: number, candidate: unknown): ImportRow {
  const parsed = productTextSchema.safeParse(candidate);
  if (parsed.success) return { row, product: parsed.data };
  return { row, errors: validationFailed(parsed.error.issues).errors };
}

/** A row that is faulty as a whole. */
export function faultyRow(row: number, code: string, detail: string): ImportRow {
  return { row, errors: [{ pointer: '', code, detail }] };
}
