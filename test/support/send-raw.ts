import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends bytes as they are and returns all that comes back until the server closes the connection. */
export async function sendRaw(baseUrl: string, bytes: string): Promise<{ status: number; body: unknown }> {
  const { hostname, port } = new URL(baseUrl);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
  expect(head).toContain('Content-Type: application/problem+json');
  return { status: Number(head.split(' ', 2)[1]), body: JSON.parse(body) };
}
