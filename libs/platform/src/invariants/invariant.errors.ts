import { defineErrors } from '#kernel';

export const invariantErrors = defineErrors({
  captures_frozen: { kind: 'unavailable', title: 'No money is captured until the books have been looked at' },
});
