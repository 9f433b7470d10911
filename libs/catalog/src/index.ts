export { CatalogFacade } from './catalog.facade.js';
export { CatalogModule } from './catalog.module.js';
export { DemoCatalog } from './demo-catalog.js';
export { catalogProblems } from './api/catalog-problems.js';
export { catalogErrors } from './domain/catalog.errors.js';
export type { ProductForSale } from './application/find-sellable.js';
