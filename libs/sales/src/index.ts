export { type RebuildProgress, RebuildSales } from './rebuild-sales.js';
export { SalesModule } from './sales.module.js';
