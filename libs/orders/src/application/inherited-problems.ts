import { catalogProblems } from '#catalog';
import { paymentProblems } from '#payments';
import type { ProblemMembers } from '#platform/http';

/** What problems of the modules below hold, which come through the use cases of orders. */
export const inheritedProblems: ProblemMembers = { ...catalogProblems, ...paymentProblems };
