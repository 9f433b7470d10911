export { createGatewaySimulator, type GatewaySimulator } from './create-gateway-simulator.js';
