import { Injectable } from '@nestjs/common';
import { DomainError, type FieldError } from '#kernel';
import { httpErrors } from '#platform/http';
import { isKnownPattern } from '#platform/messaging';
import { OutboundClient } from '#platform/outbound';

/** Judges what schemas cannot: whether a URL may be called, and whether there are such events. */
@Injectable()
export class CheckEndpoint {
  constructor(private readonly outbound: OutboundClient) {}

  /** @throws DomainError validation_failed, with everything that is wrong */
  execute({
    url,
    eventTypes = [],
  }: {
    url?: string | undefined;
    eventTypes?: readonly string[] | undefined;
  }): void {
    const errors = [
      ...(url === undefined ? [] : this.outbound.problemsOf(url)).map(({ code, detail }) => ({
        pointer: '/url',
        code,
        detail,
      })),
      ...unknownTypes(eventTypes),
    ];
    if (errors.length > 0) throw new DomainError(httpErrors.validation_failed, { errors });
  }
}

function unknownTypes(patterns: readonly string[]): FieldError[] {
  return patterns.flatMap((pattern, index) =>
    isKnownPattern(pattern)
      ? []
      : [
          {
            pointer: `/eventTypes/${index}`,
            code: 'unknown_event_type',
            detail: 'No event has this type, or begins with it.',
          },
        ],
  );
}
