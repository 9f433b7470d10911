import { defineErrors, defineFieldCodes } from '#kernel';

export const messagingErrors = defineErrors({
  dead_letter_not_found: {
    kind: 'not_found',
    title: 'The consumer has given up no such event, or it is being tried again',
  },
  event_cursor_gone: {
    kind: 'gone',
    title: 'Events after the cursor are no longer kept: begin again without one',
  },
});

defineFieldCodes({
  unknown_event_type: 'No event has this type, or begins with it',
  unknown_consumer: 'No consumer has this name, and none of this name has dead letters',
  one_start_only: 'Another place to begin at is given already',
});
