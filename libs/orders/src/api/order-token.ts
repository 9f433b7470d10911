import { ApiHeader } from '@nestjs/swagger';

/** The header by which a guest opens an order. */
export const ORDER_TOKEN_HEADER = 'X-Order-Token';

/** Documents it. */
export const AcceptsOrderToken = () =>
  ApiHeader({
    name: ORDER_TOKEN_HEADER,
    required: false,
    description: 'For a guest: the `orderToken` of the order.',
  });
