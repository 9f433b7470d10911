import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { httpErrors } from '#platform/http';
import { OutboundClient } from '#platform/outbound';

/** Judges what the schema cannot, since it depends on the settings: whether a URL may be called from here. */
@Injectable()
export class CheckEndpoint {
  constructor(private readonly outbound: OutboundClient) {}

  /** @throws DomainError validation_failed, with everything that is wrong */
  execute(url: string): void {
    const errors = this.outbound
      .problemsOf(url)
      .map(({ code, detail }) => ({ pointer: '/url', code, detail }));
    if (errors.length > 0) throw new DomainError(httpErrors.validation_failed, { errors });
  }
}
