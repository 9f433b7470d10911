import { Injectable } from '@nestjs/common';
import { DomainError, type FieldError } from '#kernel';
import { httpErrors } from '../../http/index.js';
import { type DeadLetterFilters, ParkedEvents } from '../consumers/parked-events.js';
import { EventBus } from '../event-bus.js';
import { registeredEvents } from '../event.js';

/**
 * Whether a consumer and a type that somebody names are there: else a slip of the pen would look like good news. What
 * has been parked counts, too, since a process of another version may know more.
 */
@Injectable()
export class CheckDeadLetterFilters {
  constructor(
    private readonly bus: EventBus,
    private readonly parked: ParkedEvents,
  ) {}

  /**
   * @param part of the request that holds the filters: `query:`, or nothing for the body
   * @throws DomainError validation_failed with unknown_consumer, unknown_event_type
   */
  async execute({ consumer, type }: DeadLetterFilters, part = ''): Promise<void> {
    const errors: FieldError[] = [];
    if (consumer !== undefined && !(await this.isConsumer(consumer))) {
      const names = this.bus.consumers.map(({ name }) => name).sort();
      const detail = `No consumer has this name. There are ${names.join(', ')}.`;
      errors.push({ pointer: `${part}/consumer`, code: 'unknown_consumer', detail });
    }
    if (type !== undefined && !(await this.isType(type))) {
      const detail = 'No event has this type.';
      errors.push({ pointer: `${part}/type`, code: 'unknown_event_type', detail });
    }
    if (errors.length > 0) throw new DomainError(httpErrors.validation_failed, { errors });
  }

  private async isConsumer(wanted: string): Promise<boolean> {
    if (this.bus.consumers.some(({ name }) => name === wanted)) return true;
    return (await this.parked.state()).some(({ consumer }) => consumer === wanted);
  }

  private async isType(wanted: string): Promise<boolean> {
    if (registeredEvents().some(({ type }) => type === wanted)) return true;
    return (await this.parked.listDead({ type: wanted }, { limit: 1 })).data.length > 0;
  }
}
