import type { FastifyRequest } from 'fastify';
import { callerAddress } from './caller-address.js';

describe('the address of a caller', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:51234', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['203.0.113.777:51234', '10.0.0.9'],
    ['[x]:1', '10.0.0.9'],
    ['unknown', '10.0.0.9'],
    ['x'.repeat(6_000), '10.0.0.9'],
    ['', '10.0.0.9'],
  ])('of whom %s is told is %s', (told, address) => {
    const socket = { remoteAddress: '10.0.0.9' } as FastifyRequest['socket'];
    expect(callerAddress({ ip: told, socket })).toBe(address);
  });
});
