import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { DomainError, type FieldError } from '#kernel';
import type { z } from 'zod';
import { httpErrors } from './http.errors.js';
import { noteTaken } from './taken-input.js';

/** Problems listed in one answer at most; the client has enough to do with these. */
const MAX_REPORTED_PROBLEMS = 100;

/**
 * Validates each part of a request against the schema that its parameter decorator names, and reports every problem
 * of that part at once.
 */
@Injectable()
export class SchemaValidationPipe implements PipeTransform {
  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    const schema = metadata.schema as z.ZodType | undefined;
    if (!schema) return value;
    const parsed = schema.safeParse(value === undefined ? {} : value, { reportInput: false });
    if (parsed.success) {
      noteTaken(metadata.type, parsed.data);
      return parsed.data;
    }
    const prefix = metadata.type === 'body' ? '' : `${metadata.type}:`;
    throw validationFailed(parsed.error.issues, prefix);
  }
}

/** The error for a value that its schema refused. `prefix` says which part of the request it was. */
export function validationFailed(issues: readonly z.core.$ZodIssue[], prefix = ''): DomainError {
  const errors = issues.flatMap((issue) => toFieldErrors(issue, prefix)).slice(0, MAX_REPORTED_PROBLEMS);
  return new DomainError(httpErrors.validation_failed, { errors });
}

function toFieldErrors(issue: z.core.$ZodIssue, prefix: string): FieldError[] {
  const pointer = prefix + jsonPointer(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: prefix + jsonPointer([...issue.path, key]),
      code: 'unknown_field',
      detail: 'This field is not known here.',
    }));
  }
  return [{ pointer, code: fieldErrorCode(issue), detail: issue.message }];
}

/** The codes of `errors[].code`: few, stable, and independent of the validator's own vocabulary. */
function fieldErrorCode(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined') ? 'required' : 'wrong_type';
    case 'too_small':
      return issue.origin === 'array'
        ? 'too_few_items'
        : issue.origin === 'string'
          ? 'too_short'
          : 'too_small';
    case 'too_big':
      return issue.origin === 'array' ? 'too_many_items' : issue.origin === 'string' ? 'too_long' : 'too_big';
    case 'invalid_value':
      return 'not_allowed';
    case 'invalid_union':
      return 'no_matching_form';
    case 'custom':
      return typeof issue.params?.['code'] === 'string' ? issue.params['code'] : 'not_allowed';
    default:
      return 'invalid_format';
  }
}

function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
