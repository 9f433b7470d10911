import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createBoundedServer } from './bounded-server.js';

describe('a server whose clients reset their connections', () => {
  it('handles no request that has no address', async () => {
    const addresses: (string | undefined)[] = [];
    const server = createBoundedServer({}, (request, response) => {
      setTimeout(() => {
        addresses.push(request.socket.remoteAddress);
        response.end('ok');
      }, 5);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (let round = 0; round < 40; round += 1) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5));
      await delay(round % 4);
      socket.resetAndDestroy();
    }
    await delay(50);
    server.close();
    expect(addresses.length).toBeGreaterThan(0);
    expect(new Set(addresses)).toEqual(new Set(['127.0.0.1']));
  });
});
