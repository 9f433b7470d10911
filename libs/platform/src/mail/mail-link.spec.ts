import { mailLink } from './mail-link.js';

describe('a link in a mail', () => {
  it.each(['https://shop.example.com/account', 'https://shop.example.com/account/'])(
    'leads below %s, with its token behind the hash',
    (base) => {
      expect(mailLink(base, 'orders/1')).toBe('https://shop.example.com/account/orders/1');
      expect(mailLink(base, 'orders/1', 'a-b_c')).toBe(
        'https://shop.example.com/account/orders/1#token=a-b_c',
      );
    },
  );

  it('is none where there is nothing to link to', () => {
    expect(mailLink(undefined, 'orders/1', 'token')).toBeUndefined();
  });
});
