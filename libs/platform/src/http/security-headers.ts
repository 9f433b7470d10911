import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

const HSTS_SECONDS = 31_536_000;

/** Nothing of an answer of the API is meant to be shown, run or framed by a browser. */
const API_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What may do more: pages, by the beginning of their address. */
const PAGE_POLICIES = [
  {
    // Swagger UI runs its own scripts, styles itself, and calls the API that it is served by.
    path: '/api/docs',
    policy: `${API_POLICY}; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'`,
  },
  {
    // Text with a style of its own.
    path: '/docs/errors',
    policy: `${API_POLICY}; style-src 'unsafe-inline'`,
  },
] as const;

/** Sets the headers by which a browser protects whoever looks at an answer. */
export type SecurityHeaders = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * They are set on the bare response, before any hook: what the router refuses has them, too.
 *
 * @param isProduction whether TLS is in front, so that browsers may be told to ask for nothing else
 */
export function securityHeaders({ isProduction }: { readonly isProduction: boolean }): SecurityHeaders {
  const setHeaders = helmet({
    contentSecurityPolicy: false,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: isProduction ? { maxAge: HSTS_SECONDS, includeSubDomains: false } : false,
  });
  return (request, response) => {
    setHeaders(request, response, throwOn);
    const path = request.url ?? '';
    const page = PAGE_POLICIES.find((candidate) => path.startsWith(candidate.path));
    response.setHeader('Content-Security-Policy', page?.policy ?? API_POLICY);
  };
}

function throwOn(error?: unknown): void {
  if (error instanceof Error) throw error;
}
