/**
 * Known vulnerabilities that we live with for a while. Each says why it does not hurt here, or what we wait for, and
 * until when that is believed: from that day on it counts again, and fails `scripts/audit.mjs` by itself.
 *
 *   { advisory: 'GHSA-xxxx-xxxx-xxxx', package: 'name', reason: 'Why it does not hurt here.', expires: '2027-01-31' },
 *
 * @type {{ advisory: string, package: string, reason: string, expires: string }[]}
 */
export const AUDIT_EXCEPTIONS = [];
