import type { ConnectionOptions } from '@nats-io/transport-node';

/** What NATS_URL says, in the words of the client: servers, who we are, and whether to speak TLS. */
export function natsOptions(list: readonly string[]): ConnectionOptions {
  const urls = list.map((url) => new URL(url));
  const [first] = urls;
  return {
    servers: urls.map(({ host }) => host),
    ...(urls.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    ...credentials(first),
  };
}

/** A user with a password, or a token where there is no password, as other clients of NATS read such URLs. */
function credentials(url: URL | undefined): ConnectionOptions {
  if (!url?.username) return {};
  const user = decodeURIComponent(url.username);
  return url.password ? { user, pass: decodeURIComponent(url.password) } : { token: user };
}
