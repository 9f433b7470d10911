/** Everything is below it but what orchestrators, token verifiers, readers of problems and developers ask for. */
export const API_PREFIX = 'api/v1';
