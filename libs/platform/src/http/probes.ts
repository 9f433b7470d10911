/** What is asked whether a process is well, on every port and by anybody: neither limited nor logged. */
export const PROBES = {
  /** Whether it is alive. */
  alive: '/healthz',
  /** The same for uptime monitors and load balancers that are set up with this path and look for "healthy". */
  healthy: '/health',
  /** Whether it has started. */
  startup: '/startupz',
  /** Whether requests may be sent to it. */
  readiness: '/readyz',
} as const;
