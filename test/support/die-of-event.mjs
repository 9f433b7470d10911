/**
 * Loaded into a worker before its own code: the process ends, as one that runs out of memory does, as soon as this
 * consumer applies this event. `DIES_OF` names both, divided by a space.
 */
import 'reflect-metadata';
import { EventBus } from '#platform/messaging';

const [consumer, eventId] = process.env['DIES_OF'].split(' ');
const { consume } = EventBus.prototype;

EventBus.prototype.consume = function (registered) {
  const apply = (event) => {
    if (registered.name !== consumer || event.id !== eventId) return registered.apply(event);
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  };
  consume.call(this, { name: registered.name, types: registered.types, apply });
};
