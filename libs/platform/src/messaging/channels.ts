/** Some transaction has appended events to the outbox. */
export const EVENTS_APPENDED = 'steelyard_events_appended';

/** Events have left, and have their places in the feed. */
export const EVENTS_PUBLISHED = 'steelyard_events_published';
