import { defineErrors, defineFieldCodes } from '#kernel';

/** Every error code of the catalog. */
export const catalogErrors = defineErrors({
  product_not_found: { kind: 'not_found', title: 'There is no such product' },
  product_exists: { kind: 'conflict', title: 'A product with this id exists already' },
  sku_taken: { kind: 'conflict', title: 'Another product has this SKU' },
  insufficient_stock: { kind: 'conflict', title: 'There is not enough stock' },
  stale_quantity: { kind: 'conflict', title: 'The quantity on hand is not the expected one' },
  stock_reserved: { kind: 'conflict', title: 'More pieces are reserved than the adjustment would leave' },
  stock_limit_exceeded: { kind: 'unprocessable', title: 'More stock than one product can hold' },
  shipment_exceeds_reservation: {
    kind: 'conflict',
    title: 'More pieces are to be shipped than the order has reserved',
  },
  import_rejected: { kind: 'unprocessable', title: 'The import holds faulty rows; nothing was stored' },
  import_malformed: { kind: 'invalid', title: 'The import cannot be read' },
  import_header_invalid: { kind: 'invalid', title: 'The first line must name the columns of a product' },
  import_row_too_large: { kind: 'payload_too_large', title: 'A row of the import is larger than 1 MiB' },
  import_too_large: { kind: 'payload_too_large', title: 'The import is larger than 256 MiB' },
});

defineFieldCodes({
  duplicate_sku: 'An earlier row of the import has the same SKU',
  wrong_column_count: 'The row of the import has not as many columns as the first line',
});
